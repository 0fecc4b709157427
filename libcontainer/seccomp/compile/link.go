//go:build linux && cgo

package compile

import "encoding/binary"

// struct sock_filter of linux/filter.h: u16 code, u8 jt, u8 jf, u32 k.
const (
	instructionSize = 8
	opReturnK       = 0x06       // BPF_RET|BPF_K
	opJump          = 0x05       // BPF_JMP|BPF_JA
	retTrace        = 0x7ff00000 // SECCOMP_RET_TRACE
)

// link joins two programs: where head returns mark, tail decides. tail starts by
// loading what it compares, as every program does, so it needs nothing of head's
// state, and its jumps are relative.
func link(head []byte, mark uint32, tail []byte) []byte {
	out := make([]byte, 0, len(head)+len(tail))
	out = append(out, head...)
	for off := 0; off < len(out); off += instructionSize {
		in := out[off : off+instructionSize]
		if binary.NativeEndian.Uint16(in) != opReturnK || binary.NativeEndian.Uint32(in[4:]) != mark {
			continue
		}
		binary.NativeEndian.PutUint16(in, opJump)
		binary.NativeEndian.PutUint32(in[4:], uint32((len(head)-off)/instructionSize-1))
	}
	return append(out, tail...)
}
