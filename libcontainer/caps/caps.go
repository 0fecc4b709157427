// Package caps turns the capability lists of the OCI configuration into the
// five bit masks of a Linux process, and those into the bytes capset(2) takes.
//
// It never changes the calling process: the masks are applied by records on the
// tape. It imports nothing but the standard library and the OCI types, and compiles
// on any system.
package caps

import (
	"encoding/binary"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Sets is one process's capability sets, bit n of each being capability n.
type Sets struct {
	Bounding, Effective, Permitted, Inheritable, Ambient uint64
}

// All returns the mask of capabilities 0..last, the value of
// /proc/sys/kernel/cap_last_cap.
func All(last int) uint64 {
	if last < 0 {
		return 0
	}
	if last >= 63 {
		return ^uint64(0)
	}
	return 1<<(last+1) - 1
}

// FromSpec converts process.capabilities. available is the mask of capabilities
// the kernel has, All(cap_last_cap); a name that is unknown or not in it is left
// out of its set and listed in ignored, sorted and once each. c may be nil: all
// five sets are then empty, as for runc.
//
// This is runc's notion of unavailable: unknown to the kernel. A capability the
// kernel knows but the runtime itself does not hold stays in the sets, and
// capset(2) will refuse it; see Beyond.
func FromSpec(c *specs.LinuxCapabilities, available uint64) (s Sets, ignored []string) {
	if c == nil {
		return s, nil
	}
	s.Bounding, ignored = Mask(c.Bounding, available, ignored)
	s.Effective, ignored = Mask(c.Effective, available, ignored)
	s.Permitted, ignored = Mask(c.Permitted, available, ignored)
	s.Inheritable, ignored = Mask(c.Inheritable, available, ignored)
	s.Ambient, ignored = Mask(c.Ambient, available, ignored)
	if len(ignored) > 1 {
		slices.Sort(ignored)
		ignored = slices.Compact(ignored)
	}
	return s, ignored
}

// Beyond returns the capabilities of s that a process whose permitted set is held
// cannot take: capset(2) answers EPERM for them (runc: "unable to apply caps:
// operation not permitted"). It is 0 when the container has a user namespace of
// its own, in which its first process holds every capability; the caller knows.
// Only the permitted set counts: a bounding set cannot be too large, it is what
// remains of the old one.
func (s Sets) Beyond(held uint64) uint64 {
	return (s.Permitted | s.Effective) &^ held
}

// Restrict returns s with nothing but the capabilities of mask in any set.
func (s Sets) Restrict(mask uint64) Sets {
	return Sets{s.Bounding & mask, s.Effective & mask, s.Permitted & mask, s.Inheritable & mask, s.Ambient & mask}
}

// Unraisable returns the ambient capabilities that prctl(PR_CAP_AMBIENT_RAISE)
// refuses, those not both permitted and inheritable (capabilities(7)), and s
// without them. runc warns for each (see AmbientWarning) and goes on.
func (s Sets) Unraisable() (Sets, uint64) {
	lost := s.Ambient &^ (s.Permitted & s.Inheritable)
	s.Ambient &^= lost
	return s, lost
}

// AmbientWarning returns runc's sentence for the ambient capability number n.
func AmbientWarning(n int) string {
	return "can't raise ambient capability " + Name(n) + ": operation not permitted"
}

// Grant adds the capabilities of `exec --cap` to a process's lists as runc does:
// to bounding, effective and permitted, and to ambient only where the process
// has an inheritable list, since the flag gives no inheritable ones.
func Grant(c *specs.LinuxCapabilities, add []string) {
	c.Bounding = append(c.Bounding, add...)
	c.Effective = append(c.Effective, add...)
	c.Permitted = append(c.Permitted, add...)
	if c.Inheritable != nil {
		c.Ambient = append(c.Ambient, add...)
	}
}

// Mask converts one list of names; names it cannot use are appended to ignored.
func Mask(list []string, available uint64, ignored []string) (uint64, []string) {
	var m uint64
	for _, name := range list {
		n := Number(name)
		if n < 0 || available>>n&1 == 0 {
			ignored = append(ignored, name)
			continue
		}
		m |= 1 << n
	}
	return m, ignored
}

// Warning returns runc's sentence for the names that were left out, "" for none.
func Warning(ignored []string) string {
	if len(ignored) == 0 {
		return ""
	}
	return "ignoring unknown or unavailable capabilities: [" + strings.Join(ignored, " ") + "]"
}

// Names lists the capabilities of a mask in the order of their numbers; a bit
// without a name is left out.
func Names(m uint64) []string {
	var out []string
	for n := range names {
		if m>>n&1 != 0 {
			out = append(out, names[n])
		}
	}
	return out
}

// Version3 is _LINUX_CAPABILITY_VERSION_3, the version word of capset(2).
const Version3 = 0x20080522

// Header returns struct __user_cap_header_struct for the calling thread (pid 0).
func Header() (b [8]byte) {
	binary.NativeEndian.PutUint32(b[:], Version3)
	return b
}

// Data returns the two struct __user_cap_data_struct of capset(2): effective,
// permitted, inheritable of capabilities 0–31, then the same of 32–63.
func (s Sets) Data() (b [24]byte) {
	for half := range 2 {
		shift, off := 32*half, 12*half
		binary.NativeEndian.PutUint32(b[off:], uint32(s.Effective>>shift))
		binary.NativeEndian.PutUint32(b[off+4:], uint32(s.Permitted>>shift))
		binary.NativeEndian.PutUint32(b[off+8:], uint32(s.Inheritable>>shift))
	}
	return b
}
