package nspawn

import (
	"encoding/binary"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/siphash"
)

// ParseID reads a 128-bit id of 32 hex digits or in the dashed form of a UUID
// and gives 32 lower-case digits. The all-zero id is none (machine-id(5)).
func ParseID(s string) (string, bool) {
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	if len(s) != 32 {
		return "", false
	}
	out, zero := make([]byte, 32), true
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f':
		case c >= 'A' && c <= 'F':
			c += 'a' - 'A'
		default:
			return "", false
		}
		zero = zero && c == '0'
		out[i] = c
	}
	return string(out), !zero
}

// UUID puts the dashes into an id of 32 hex digits.
func UUID(id string) string {
	if len(id) != 32 {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// DeriveID makes the machine id of a container whose tree has none: the first
// 32 digits of the container's id when an engine made that of random hex digits
// (podman does the same), else a hash of the host's machine id and the
// container's id, in the form of a version 4 UUID. The same container has the
// same id at each start, and another one on another host.
func DeriveID(hostMachineID, containerID string) string {
	if len(containerID) == 64 {
		if id, ok := ParseID(containerID[:32]); ok {
			return id
		}
	}
	data := []byte(hostMachineID + "\x00" + containerID)
	var sum [16]byte
	binary.LittleEndian.PutUint64(sum[:8], siphash.Sum(&[16]byte{'g', 's', 'p', 'a', 'w', 'n', '-', 'o', 'c', 'i', ' ', 'i', 'd', ' ', 'l', 'o'}, data))
	binary.LittleEndian.PutUint64(sum[8:], siphash.Sum(&[16]byte{'g', 's', 'p', 'a', 'w', 'n', '-', 'o', 'c', 'i', ' ', 'i', 'd', ' ', 'h', 'i'}, data))
	return version4(sum)
}

// version4 marks 128 bits as a random UUID and gives them as 32 digits.
func version4(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 32)
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}
