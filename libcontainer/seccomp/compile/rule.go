//go:build linux && cgo

package compile

import (
	"errors"
	"fmt"
	"io"
	"os"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// rule is one system call of one element of syscalls.
type rule struct {
	field  string // place in the config, for errors
	name   string
	nr     libseccomp.ScmpSyscall
	action libseccomp.ScmpAction
	conds  []libseccomp.ScmpCondition
}

// add gives the rule to libseccomp. Rules that are the filter's default action
// are dropped, since libseccomp refuses them.
func (r *rule) add(f *libseccomp.ScmpFilter, defaultAction libseccomp.ScmpAction) error {
	if r.action == defaultAction {
		return nil
	}
	for _, conds := range r.alternatives() {
		var err error
		if len(conds) == 0 {
			err = f.AddRule(r.nr, r.action)
		} else {
			err = f.AddRuleConditional(r.nr, r.action, conds)
		}
		if errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("%s: add rule for %q: it contradicts an earlier rule (mind that on 32-bit architectures libseccomp makes one call of socket and its kin, socketcall): %w", r.field, r.name, err)
		}
		if err != nil {
			return fmt.Errorf("%s: add rule for %q: %w", r.field, r.name, err)
		}
	}
	return nil
}

// alternatives returns the condition lists of the rule. All conditions must hold
// for it to match, but libseccomp knows one condition an argument: when one
// argument has several, each condition becomes a rule of its own. Profiles count
// on that meaning of "or", which runc has had from the start.
func (r *rule) alternatives() [][]libseccomp.ScmpCondition {
	var seen [syscallArgs]bool
	several := false
	for _, c := range r.conds {
		several = several || seen[c.Argument]
		seen[c.Argument] = true
	}
	if !several {
		return [][]libseccomp.ScmpCondition{r.conds}
	}
	out := make([][]libseccomp.ScmpCondition, len(r.conds))
	for i, c := range r.conds {
		out[i] = []libseccomp.ScmpCondition{c}
	}
	return out
}

// export returns the program of a filter. libseccomp 2.5 writes only to a file
// (ExportBPFMem came with 2.6), so a memfd takes it.
func export(f *libseccomp.ScmpFilter) ([]byte, error) {
	fd, err := unix.MemfdCreate("seccomp", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("linux.seccomp: make a memfd for the filter: %w", err)
	}
	file := os.NewFile(uintptr(fd), "seccomp filter")
	defer file.Close()
	if err := f.ExportBPF(file); err != nil {
		return nil, fmt.Errorf("linux.seccomp: let libseccomp export the filter: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("linux.seccomp: read the filter: %w", err)
	}
	b, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("linux.seccomp: read the filter: %w", err)
	}
	if len(b) == 0 || len(b)%instructionSize != 0 {
		return nil, fmt.Errorf("linux.seccomp: libseccomp exported %d bytes, which is no filter [bug]", len(b))
	}
	return b, nil
}

// setAPI makes libseccomp independent of the kernel this process runs on, whose
// abilities it probes (it may run under a filter that hides them): the newest
// level it has. Kernels from 5.14 have all of level 6.
func setAPI() {
	for level := uint(7); level >= 6; level-- {
		if libseccomp.SetAPI(level) == nil {
			return
		}
	}
}
