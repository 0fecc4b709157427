//go:build linux && cgo

package compile

import (
	"errors"
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

const (
	defaultErrno      = 1      // EPERM, the spec's default of errnoRet
	maxErrno          = 4094   // libseccomp takes what is below MAX_ERRNO
	maxTrace          = 0xffff // SECCOMP_RET_DATA
	syscallArgs       = 6
	notifyForbiddenOn = "write"
)

// translated is a profile in libseccomp's terms.
type translated struct {
	defaultAction libseccomp.ScmpAction
	archs         []libseccomp.ScmpArch
	flags         uint32
	notify        bool
	rules         []rule
	// named are the native numbers (negative: libseccomp's stand-in for a call
	// this architecture lacks) of all calls in the profile, those of redundant
	// rules included.
	named   map[libseccomp.ScmpSyscall]bool
	unknown []string
}

func translate(p *specs.LinuxSeccomp) (*translated, error) {
	t := &translated{named: map[libseccomp.ScmpSyscall]bool{}}
	var err error
	if t.defaultAction, err = action("linux.seccomp.defaultAction", p.DefaultAction, p.DefaultErrnoRet, "linux.seccomp.defaultErrnoRet"); err != nil {
		return nil, err
	}
	// The init must be able to report and to be handed its listener before any
	// agent answers; runc refuses the same two.
	if t.defaultAction == libseccomp.ActNotify {
		return nil, errors.New("linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default action")
	}
	for i, a := range p.Architectures {
		arch, err := architecture(a)
		if err != nil {
			return nil, fmt.Errorf("linux.seccomp.architectures[%d]: %w", i, err)
		}
		t.archs = append(t.archs, arch)
	}
	for i := range p.Syscalls {
		if err := t.addCall(fmt.Sprintf("linux.seccomp.syscalls[%d]", i), &p.Syscalls[i]); err != nil {
			return nil, err
		}
	}
	if t.notify && p.ListenerPath == "" {
		return nil, errors.New("linux.seccomp.listenerPath: must be set, since a rule uses SCMP_ACT_NOTIFY")
	}
	if t.flags, err = filterFlags(p.Flags, t.notify); err != nil {
		return nil, err
	}
	return t, nil
}

// addCall translates one element of syscalls; field is its place in the config.
func (t *translated) addCall(field string, c *specs.LinuxSyscall) error {
	if len(c.Names) == 0 {
		return fmt.Errorf("%s.names: is empty, at least one system call must be named", field)
	}
	act, err := action(field+".action", c.Action, c.ErrnoRet, field+".errnoRet")
	if err != nil {
		return err
	}
	conds, err := conditions(field, c.Args)
	if err != nil {
		return err
	}
	for j, name := range c.Names {
		if name == "" {
			return fmt.Errorf("%s.names[%d]: is empty", field, j)
		}
		if act == libseccomp.ActNotify {
			if name == notifyForbiddenOn {
				return fmt.Errorf("%s.names[%d]: SCMP_ACT_NOTIFY cannot be used for %q: the container's init could not tell about its listener", field, j, name)
			}
			t.notify = true
		}
		nr, err := libseccomp.GetSyscallFromName(name)
		if err != nil {
			t.unknown = append(t.unknown, name)
			continue
		}
		t.named[nr] = true
		if act == t.defaultAction {
			continue // libseccomp refuses a rule that says what the default says
		}
		t.rules = append(t.rules, rule{field: field, name: name, nr: nr, action: act, conds: conds})
	}
	return nil
}

// action translates an action and its errno.
func action(field string, a specs.LinuxSeccompAction, ret *uint, retField string) (libseccomp.ScmpAction, error) {
	act := libseccomp.ActInvalid
	limit := uint(0)
	switch a {
	case specs.ActKill, specs.ActKillThread:
		act = libseccomp.ActKillThread
	case specs.ActKillProcess:
		act = libseccomp.ActKillProcess
	case specs.ActTrap:
		act = libseccomp.ActTrap
	case specs.ActErrno:
		act, limit = libseccomp.ActErrno, maxErrno
	case specs.ActTrace:
		act, limit = libseccomp.ActTrace, maxTrace
	case specs.ActAllow:
		act = libseccomp.ActAllow
	case specs.ActLog:
		act = libseccomp.ActLog
	case specs.ActNotify:
		act = libseccomp.ActNotify
	default:
		return act, fmt.Errorf("%s: unknown action %q", field, a)
	}
	switch {
	case limit == 0 && ret != nil:
		// config-linux.md: "the runtime MUST print an error and fail".
		return act, fmt.Errorf("%s: %s takes no errno", retField, a)
	case limit == 0:
		return act, nil
	case ret == nil:
		return act.SetReturnCode(defaultErrno), nil
	case *ret > limit:
		return act, fmt.Errorf("%s: %d is above %d", retField, *ret, limit)
	}
	return act.SetReturnCode(int16(uint16(*ret))), nil
}

// conditions translates the args of a rule.
func conditions(field string, args []specs.LinuxSeccompArg) ([]libseccomp.ScmpCondition, error) {
	var out []libseccomp.ScmpCondition
	for k, a := range args {
		op, err := operator(a.Op)
		if err != nil {
			return nil, fmt.Errorf("%s.args[%d].op: %w", field, k, err)
		}
		if a.Index >= syscallArgs {
			return nil, fmt.Errorf("%s.args[%d].index: %d is above 5, the last argument of a system call", field, k, a.Index)
		}
		c, err := libseccomp.MakeCondition(a.Index, op, a.Value, a.ValueTwo)
		if err != nil {
			return nil, fmt.Errorf("%s.args[%d]: %w", field, k, err)
		}
		out = append(out, c)
	}
	return out, nil
}

func operator(op specs.LinuxSeccompOperator) (libseccomp.ScmpCompareOp, error) {
	switch op {
	case specs.OpNotEqual:
		return libseccomp.CompareNotEqual, nil
	case specs.OpLessThan:
		return libseccomp.CompareLess, nil
	case specs.OpLessEqual:
		return libseccomp.CompareLessOrEqual, nil
	case specs.OpEqualTo:
		return libseccomp.CompareEqual, nil
	case specs.OpGreaterEqual:
		return libseccomp.CompareGreaterEqual, nil
	case specs.OpGreaterThan:
		return libseccomp.CompareGreater, nil
	case specs.OpMaskedEqual:
		return libseccomp.CompareMaskedEqual, nil
	}
	return libseccomp.CompareInvalid, fmt.Errorf("unknown operator %q", op)
}
