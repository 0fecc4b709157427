//go:build linux && cgo

package compile

import (
	"slices"

	libseccomp "github.com/seccomp/libseccomp-golang"
)

// unimplemented are calls that x86-64 and x32 have a number for and no kernel a
// function: what a filter answers ENOSYS to, the kernel would.
var unimplemented = [...]string{"tuxcall", "vserver", "security", "afs_syscall", "query_module"}

// anchor returns a rule that makes libseccomp load the number of the call. Its
// 2.5 for x86-64 together with x32 hangs that instruction on the first call of
// the list, rules without conditions first, and loses it when this call exists
// on other architectures only (a negative number): then the comparisons that
// follow are made with whatever was loaded before, the architecture. A rule
// without conditions for a call that exists prevents it.
func (t *translated) anchor(rules []rule, defaultAction libseccomp.ScmpAction) []rule {
	if !slices.Contains(t.filterArchs(), libseccomp.ArchX32) {
		return nil
	}
	stray := slices.ContainsFunc(rules, func(r rule) bool { return r.nr < 0 && r.action != defaultAction })
	firm := slices.ContainsFunc(rules, func(r rule) bool { return r.nr >= 0 && len(r.conds) == 0 && r.action != defaultAction })
	if !stray || firm {
		return nil
	}
	act := actENOSYS
	if act == defaultAction {
		act = libseccomp.ActAllow
	}
	for _, name := range unimplemented {
		if nr, err := libseccomp.GetSyscallFromName(name); err == nil && nr >= 0 && !t.named[nr] {
			return []rule{{field: "linux.seccomp.architectures", name: name, nr: nr, action: act}}
		}
	}
	return nil
}
