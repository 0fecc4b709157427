package naming

import (
	"encoding/binary"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/siphash"
)

// ContainerInterface is the name of the main veth's end in the container.
const ContainerInterface = "host0"

// Prefixes of host-side interface names.
const (
	PrefixVeth    = "ve-" // main veth
	PrefixBridged = "vb-" // main veth, in a bridge or zone
)

const maxInterface = 15 // IFNAMSIZ without the zero byte

// Interface gives the kernel's name for an interface, and the full name as
// alternative name when it had to be shortened, else "".
func Interface(prefix, name string) (short, alternative string) {
	full := prefix + name
	if len(full) <= maxInterface {
		return full, ""
	}
	key := [16]byte{0xe1, 0x90, 0xa4, 0x04, 0xa8, 0xef, 0x4b, 0x51, 0x8c, 0xcc, 0xc3, 0x3a, 0x9f, 0x11, 0xfc, 0xa2}
	const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	hash := siphash.Sum(&key, []byte(full))
	out := []byte(full[:maxInterface-4])
	for shift := 18; shift >= 0; shift -= 6 {
		out = append(out, base64[hash>>shift&63])
	}
	return string(out), full
}

// Role is which interface of a container a MAC address is for.
type Role int

// The roles.
const (
	VethHost Role = iota
	VethContainer
	ExtraHost
	ExtraContainer
	Macvlan
)

// MAC computes the stable address of an interface from the host's machine id,
// the machine name and, among extra veths or macvlans, its number from 0 on.
func MAC(role Role, hostID [16]byte, machine string, index uint64) [6]byte {
	key := macKey(role)
	data := append(append([]byte(nil), hostID[:]...), machine...)
	if index > 0 {
		data = binary.LittleEndian.AppendUint64(data, index)
	}
	var sum [8]byte
	binary.LittleEndian.PutUint64(sum[:], siphash.Sum(&key, data))
	mac := [6]byte(sum[:6])
	mac[0] = mac[0]&^1 | 2 // unicast, locally administered
	return mac
}

func macKey(role Role) [16]byte {
	switch role {
	case VethHost:
		return [16]byte{0x1a, 0x37, 0x6f, 0xc7, 0x46, 0xec, 0x45, 0x0b, 0xad, 0xa3, 0xd5, 0x31, 0x06, 0x60, 0x5d, 0xb1}
	case VethContainer:
		return [16]byte{0xc3, 0xc4, 0xf9, 0x19, 0xb5, 0x57, 0xb2, 0x1c, 0xe6, 0xcf, 0x14, 0x27, 0x03, 0x9c, 0xee, 0xa2}
	case ExtraHost:
		return [16]byte{0x48, 0xc7, 0xf6, 0xb7, 0xea, 0x9d, 0x4c, 0x9e, 0xb7, 0x28, 0xd4, 0xde, 0x91, 0xd5, 0xbf, 0x66}
	case ExtraContainer:
		return [16]byte{0xaf, 0x50, 0x17, 0x61, 0xce, 0xf9, 0x4d, 0x35, 0x84, 0x0d, 0x2b, 0x20, 0x54, 0xbe, 0xce, 0x59}
	default:
		return [16]byte{0x00, 0x13, 0x6d, 0xbc, 0x66, 0x83, 0x44, 0x81, 0xbb, 0x0c, 0xf9, 0x51, 0x1f, 0x24, 0xa6, 0x6f}
	}
}
