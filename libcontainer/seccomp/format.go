//go:build linux

package seccomp

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// An entry of the cache, and what gspawn-oci-seccomp --program writes (there with
// an empty key): a header of 64 bytes, the key (the profile's JSON text), listener
// path, listener metadata, zeroes up to a multiple of 8, the BPF program. Numbers
// are little-endian, but for the program, which has the machine's byte order as the
// kernel wants it.
//
//	 0  magic   "gsp-bpf" and formatVersion
//	 8  stamp   hash of GOARCH and the build; 0 from the helper
//	16  sum     hash of all that follows the key
//	24  flags   28 notify   32 len(key)   36 len(path)   40 len(metadata)
//	44  len(BPF)   48–63 zero
const (
	magic         = "gsp-bpf"
	formatVersion = 2
	headerSize    = 64
	maxProgram    = 4096 * 8 // BPF_MAXINSNS
	maxEntry      = 16 << 20
)

var errEntry = errors.New("not a compiled seccomp program of this version")

// Encode returns p as the helper hands it over: without key and stamp.
func Encode(p *Program) []byte { return encode(p, nil, 0) }

// encode returns p as an entry for key, the text it was compiled from.
func encode(p *Program, key []byte, stamp uint64) []byte {
	body := headerSize + len(key) + len(p.ListenerPath) + len(p.ListenerMetadata)
	pad := -body & 7
	b := make([]byte, headerSize, body+pad+len(p.BPF))
	copy(b, magic)
	b[len(magic)] = formatVersion
	le := binary.LittleEndian
	le.PutUint64(b[8:], stamp)
	le.PutUint32(b[24:], uint32(p.Flags))
	if p.Notify {
		b[28] = 1
	}
	for i, n := range [...]int{len(key), len(p.ListenerPath), len(p.ListenerMetadata), len(p.BPF)} {
		le.PutUint32(b[32+4*i:], uint32(n))
	}
	b = append(b, key...)
	b = append(b, p.ListenerPath...)
	b = append(b, p.ListenerMetadata...)
	b = append(b, make([]byte, pad)...)
	b = append(b, p.BPF...)
	le.PutUint64(b[16:], hash(b[headerSize+len(key):], hash(b[24:headerSize], 0)))
	return b
}

// decode returns the program of an entry if it is whole and has this key and
// stamp. The program refers to b.
func decode(b, key []byte, stamp uint64) (Program, error) {
	le := binary.LittleEndian
	if len(b) < headerSize || string(b[:len(magic)]) != magic || b[len(magic)] != formatVersion || le.Uint64(b[8:]) != stamp {
		return Program{}, errEntry
	}
	var n [4]int
	sum := 0
	for i := range n {
		v := le.Uint32(b[32+4*i:])
		if v > maxEntry {
			return Program{}, errEntry
		}
		n[i] = int(v)
		if i < 3 {
			sum += n[i]
		}
	}
	start := (headerSize + sum + 7) &^ 7
	// The key is compared byte for byte: whatever collides, nobody gets another's filter.
	if n[0] != len(key) || n[3]%8 != 0 || n[3] > maxProgram || start+n[3] != len(b) || string(b[headerSize:headerSize+n[0]]) != string(key) {
		return Program{}, errEntry
	}
	rest := b[headerSize+n[0]:]
	if le.Uint64(b[16:]) != hash(rest, hash(b[24:headerSize], 0)) {
		return Program{}, errEntry
	}
	return Program{
		BPF:              b[start:len(b):len(b)],
		Flags:            uint(le.Uint32(b[24:])),
		Notify:           b[28] == 1,
		ListenerPath:     string(rest[:n[1]]),
		ListenerMetadata: string(rest[n[1] : n[1]+n[2]]),
	}, nil
}

// hash is a quick hash of 8 bytes a step, by folded multiplication. It names
// files and finds damage; nothing relies on it being hard to collide. The hashes
// of the standard library either build tables first or go byte by byte.
func hash(b []byte, seed uint64) uint64 {
	const k0, k1 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93
	h := seed ^ uint64(len(b))*k1
	for len(b) >= 8 {
		hi, lo := bits.Mul64(h^binary.LittleEndian.Uint64(b)^k0, k1)
		h = hi ^ lo
		b = b[8:]
	}
	var tail uint64
	for i, c := range b {
		tail |= uint64(c) << (8 * i)
	}
	hi, lo := bits.Mul64(h^tail^k1, k0)
	return hi ^ lo
}
