//go:build linux && cgo

package compile

import (
	"slices"

	libseccomp "github.com/seccomp/libseccomp-golang"
)

// unimplemented are calls with a number on some architectures and without a
// function in every kernel since 3.1: what a filter answers ENOSYS to, the kernel
// would. The first is on all architectures.
var unimplemented = [...]string{
	"nfsservctl", "vserver", "afs_syscall", "query_module", "create_module", "get_kernel_syms", "getpmsg", "putpmsg",
}

// anchor returns a rule that makes libseccomp load the number of the call on each
// architecture. Its 2.5 and 2.6 hang that instruction on the first call of an
// architecture's list, in which the rules without conditions come first, and
// lose it when this call exists on other architectures only: then the
// comparisons that follow are made with whatever was loaded before, the
// architecture, and no rule matches. A rule without conditions for a call that
// exists on the architecture prevents it.
func (t *translated) anchor(rules []rule, defaultAction libseccomp.ScmpAction) []rule {
	var out []rule
	for _, arch := range t.filterArchs() {
		stray, firm := false, false
		for _, r := range slices.Concat(rules, out) {
			if r.action == defaultAction {
				continue
			}
			exists := existsOn(arch, r.name)
			stray = stray || !exists
			firm = firm || exists && len(r.conds) == 0
		}
		if stray && !firm {
			out = append(out, t.anchorOn(arch, defaultAction)...)
		}
	}
	return out
}

func (t *translated) anchorOn(arch libseccomp.ScmpArch, defaultAction libseccomp.ScmpAction) []rule {
	act := actENOSYS
	if act == defaultAction {
		act = libseccomp.ActAllow
	}
	i := slices.IndexFunc(unimplemented[:], func(name string) bool {
		nr, err := libseccomp.GetSyscallFromName(name)
		return err == nil && !t.named[nr] && existsOn(arch, name)
	})
	if i < 0 {
		return nil // the profile names all of them, which none does
	}
	nr, err := libseccomp.GetSyscallFromName(unimplemented[i])
	if err != nil {
		return nil
	}
	return []rule{{field: "linux.seccomp.architectures", name: unimplemented[i], nr: nr, action: act}}
}

func existsOn(arch libseccomp.ScmpArch, name string) bool {
	n, err := libseccomp.GetSyscallFromNameByArch(name, arch)
	return err == nil && n >= 0
}
