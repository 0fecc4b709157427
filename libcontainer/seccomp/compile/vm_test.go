//go:build linux && cgo

package compile

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// call is struct seccomp_data as far as filters look at it.
type call struct {
	nr   uint32
	arch uint32
	args [6]uint64
}

// AUDIT_ARCH values of linux/audit.h.
const (
	auditX86_64 = 0xc000003e
	auditI386   = 0x40000003
	x32Bit      = 1 << 30
)

// load returns the 32-bit word of seccomp_data at off, little-endian halves.
func (c call) load(off uint32) (uint32, error) {
	switch {
	case off == 0:
		return c.nr, nil
	case off == 4:
		return c.arch, nil
	case off >= 16 && off < 64 && off%4 == 0:
		v := c.args[(off-16)/8]
		if off%8 == 4 {
			v >>= 32
		}
		return uint32(v), nil
	}
	return 0, fmt.Errorf("load at %d", off)
}

// run interprets a filter by the rules of the kernel: what libseccomp 2.5 and 2.6
// make of a profile consists of these instructions.
func run(prog []byte, c call) (uint32, error) {
	var a uint32
	n := len(prog) / instructionSize
	for pc := 0; pc < n; pc++ {
		in := prog[pc*instructionSize:]
		code, jt, jf, k := binary.NativeEndian.Uint16(in), int(in[2]), int(in[3]), binary.NativeEndian.Uint32(in[4:])
		cond := false
		switch code {
		case 0x20: // ld [k]
			var err error
			if a, err = c.load(k); err != nil {
				return 0, err
			}
			continue
		case 0x54: // and #k
			a &= k
			continue
		case 0x05:
			pc += int(k)
			continue
		case 0x06:
			return k, nil
		case 0x15:
			cond = a == k
		case 0x25:
			cond = a > k
		case 0x35:
			cond = a >= k
		default:
			return 0, fmt.Errorf("instruction %d: unknown code %#x", pc, code)
		}
		if cond {
			pc += jt
		} else {
			pc += jf
		}
	}
	return 0, fmt.Errorf("ran off the end")
}

func mustRun(t testing.TB, prog []byte, c call) uint32 {
	t.Helper()
	v, err := run(prog, c)
	if err != nil {
		t.Fatalf("call %+v: %v", c, err)
	}
	return v
}

// verdict prints a SECCOMP_RET value.
func verdict(v uint32) string {
	names := map[uint32]string{
		0x80000000: "KILL_PROCESS", 0: "KILL_THREAD", 0x30000: "TRAP", 0x50000: "ERRNO", 0x7fc00000: "NOTIFY",
		0x7ff00000: "TRACE", 0x7ffc0000: "LOG", 0x7fff0000: "ALLOW",
	}
	name, ok := names[v&0xffff0000]
	switch {
	case !ok:
		return fmt.Sprintf("%#x", v)
	case v&0xffff != 0 || name == "ERRNO":
		return fmt.Sprintf("%s(%d)", name, v&0xffff)
	}
	return name
}
