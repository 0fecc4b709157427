//go:build linux && cgo

package compile

import (
	"slices"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// A profile that answers EPERM to what it does not name breaks programs when a
// new system call appears: glibc falls back to an older one on ENOSYS only. runc
// therefore answers ENOSYS to every call with a number above the highest that
// the profile names, by a few BPF instructions of its own in front of the
// filter. The same effect here, by libseccomp alone, which cannot compare
// numbers: the filter's default becomes ERRNO(ENOSYS), and the calls up to the
// highest named one that the profile leaves out get a rule with the profile's
// default action.
//
// Left are the calls with rules about arguments: where no rule matches,
// libseccomp takes the filter's default, and neither a second rule without
// arguments nor the inverse of the conditions can be said in it. Those calls get
// a marker action, and a second filter, with all their rules and the profile's
// own default, is joined where the first returns the marker (link.go).
//
// Two differences to runc, both for numbers no program uses: a hole in the table
// of system calls, and an unknown subcall of socketcall or ipc, is ENOSYS.
//
// libseccomp's development branch has SCMP_FLTATR_CTL_KVERMAX and
// SCMP_FLTATR_ACT_ENOSYS for this; neither 2.5 (Debian 12) nor 2.6 (Debian 13)
// nor the Go binding has.

// wantsENOSYS tells whether the profile refuses what it does not name. A tracer
// is thought to handle new calls by itself, as in runc.
func (t *translated) wantsENOSYS() bool {
	switch t.defaultAction & 0xffff {
	case libseccomp.ActAllow, libseccomp.ActLog, libseccomp.ActTrace:
		return false
	}
	return t.defaultAction != actENOSYS && len(t.named) > 0
}

var actENOSYS = libseccomp.ActErrno.SetReturnCode(int16(unix.ENOSYS))

// withENOSYS compiles the profile as described above.
func (t *translated) withENOSYS() ([]byte, error) {
	byArgs := map[libseccomp.ScmpSyscall]bool{}
	for i := range t.rules {
		if len(t.rules[i].conds) > 0 {
			byArgs[t.rules[i].nr] = true
		}
	}
	growFamilies(byArgs)
	mark := t.marker()
	var first, second []rule
	marked := map[libseccomp.ScmpSyscall]bool{}
	for _, r := range t.rules {
		if !byArgs[r.nr] {
			first = append(first, r)
			continue
		}
		second = append(second, r)
		if !marked[r.nr] {
			marked[r.nr] = true
			first = append(first, rule{field: r.field, name: r.name, nr: r.nr, action: mark})
		}
	}
	first = append(first, t.fill(first)...)
	head, err := t.build(actENOSYS, first)
	if err != nil || len(second) == 0 {
		return head, err
	}
	tail, err := t.build(t.defaultAction, second)
	if err != nil {
		return nil, err
	}
	return link(head, retTrace|uint32(mark>>16), tail), nil
}

// fill returns rules with the default action for the calls that have none among
// rules, on each architecture up to the highest number the profile names. A rule
// of libseccomp is for all architectures of a filter, so what is old on one of
// them is so on the others.
func (t *translated) fill(rules []rule) []rule {
	have := map[libseccomp.ScmpSyscall]bool{}
	for i := range rules {
		have[rules[i].nr] = true
	}
	var out []rule
	add := func(name string) {
		nr, err := libseccomp.GetSyscallFromName(name)
		if err != nil || have[nr] {
			return
		}
		have[nr] = true
		out = append(out, rule{field: "linux.seccomp.defaultAction", name: name, nr: nr, action: t.defaultAction})
	}
	for _, arch := range t.filterArchs() {
		last := t.last(arch)
		for n := firstNumber(arch); n <= last; n++ {
			name, err := n.GetNameByArch(arch)
			if err != nil || n == 0 && isS390(arch) {
				continue
			}
			if kin := subcalls(name); kin != nil {
				for _, k := range kin {
					add(k)
				}
				continue
			}
			add(name)
		}
	}
	return out
}

// isS390: there an unknown call arrives as number 0 (setup, gone for decades),
// which therefore keeps ENOSYS.
func isS390(arch libseccomp.ScmpArch) bool {
	return arch == libseccomp.ArchS390 || arch == libseccomp.ArchS390X
}

// firstNumber is where the numbers of an architecture's calls start.
func firstNumber(arch libseccomp.ScmpArch) libseccomp.ScmpSyscall {
	if arch == libseccomp.ArchX32 {
		return 1 << 30 // __X32_SYSCALL_BIT
	}
	return 0
}

// tableSize is how far above firstNumber a call's number tells how new a profile
// is: above every number of every architecture's table (the highest starts at
// 6000, MIPS N32), but below the private calls of ARM at 0xf0000, and the second
// forms of old calls that x32 has from 512.
func tableSize(arch libseccomp.ScmpArch) libseccomp.ScmpSyscall {
	if arch == libseccomp.ArchX32 {
		return 512
	}
	return 0x4000
}

// last returns the highest number that a call named in the profile has on arch,
// -1 when there is none.
func (t *translated) last(arch libseccomp.ScmpArch) libseccomp.ScmpSyscall {
	top, first, size := libseccomp.ScmpSyscall(-1), firstNumber(arch), tableSize(arch)
	for nr := range t.named {
		name, err := nr.GetName()
		if err != nil {
			continue
		}
		n, err := libseccomp.GetSyscallFromNameByArch(name, arch)
		if err == nil && n > top && n >= first && n-first < size {
			top = n
		}
	}
	return top
}

// marker returns an action that no rule of the profile has.
func (t *translated) marker() libseccomp.ScmpAction {
	for code := uint16(0xfffe); ; code-- {
		m := libseccomp.ActTrace.SetReturnCode(int16(code))
		if !slices.ContainsFunc(t.rules, func(r rule) bool { return r.action == m }) {
			return m
		}
	}
}
