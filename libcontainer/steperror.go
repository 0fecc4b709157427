package libcontainer

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// StepError is a step of the plan that failed, in the init or in the runtime.
type StepError struct {
	Step   plan.Step
	Number int // as `gspawn-oci plan` counts them, from 1
	Err    error
}

func stepError(p *plan.Plan, index int, err error) error {
	return &StepError{p.Steps[index], index + 1, err}
}

// Unwrap makes errors.Is(err, unix.EPERM) work.
func (e *StepError) Unwrap() error { return e.Err }

func (e *StepError) Error() string {
	if check, ok := e.Step.(plan.CheckProgram); ok {
		return programError(check.Program, e.Err)
	}
	if run, ok := e.Step.(plan.Execute); ok {
		return programError(run.Args[0], e.Err)
	}
	text := e.Step.String() + ": " + e.Err.Error()
	if errno, bare := e.Err.(unix.Errno); bare { //nolint:errorlint // what is wrapped in words has been explained
		if hint := hint(e.Step, errno); hint != "" {
			text += ": " + hint
		}
	}
	return text + " (plan step " + strconv.Itoa(e.Number) + "; see gspawn-oci plan)"
}

// programError has the words of runc, by which engines tell a program that is
// not there (exit code 127) from one that may not be executed (126).
func programError(program string, err error) string {
	text := "exec: " + strconv.Quote(program) + ": "
	switch {
	case !strings.Contains(program, "/"):
		return text + "executable file not found in $PATH"
	case errors.Is(err, unix.ENOENT):
		return text + "stat " + program + ": " + err.Error()
	}
	return text + err.Error()
}

// hint is what an error of the kernel means at a step, and what to do.
func hint(s plan.Step, errno unix.Errno) string {
	switch s := s.(type) {
	case plan.Mount:
		return mountHint(&s, errno)
	case plan.AttachRoot, plan.PivotRoot, plan.ChangeDir:
		return rootHint(s, errno)
	case plan.Console:
		if errno == unix.ENOENT {
			return "process.terminal needs a devpts file system mounted on /dev/pts"
		}
	case plan.Capabilities:
		if errno == unix.EPERM {
			return "unable to apply caps: the runtime does not have all of them itself"
		}
	case plan.Sysctl:
		if errno == unix.ENOENT {
			return "this kernel has no such parameter, or it is not one of the container's namespaces"
		}
	case plan.JoinNamespace:
		if errno == unix.EINVAL {
			return "the path is not a namespace of that type"
		}
	}
	return ""
}

func mountHint(m *plan.Mount, errno unix.Errno) string {
	switch {
	case errno == unix.ELOOP && m.Fixed:
		return m.Destination + " must be a directory and no symlink in the root file system"
	case errno == unix.ENOENT && m.Bind != plan.NoBind && !m.Remount:
		return "the source is missing, or a symlink on the way to the destination leads nowhere"
	case errno == unix.ENODEV:
		return "the kernel knows no file system of this type"
	case errno == unix.EINVAL && len(m.Data) > 0:
		return "the kernel refuses an option; see mounts in config.json"
	case errno == unix.EINVAL && m.Remount:
		return "nothing is mounted on the destination itself"
	case errno == unix.EINVAL && m.Bind == plan.BindOne:
		return `a directory goes on a directory and a file on a file; and in a user namespace a source with other mounts below it takes "rbind"`
	}
	return ""
}

// rootHint is for the steps that change what / and the working directory are.
func rootHint(s plan.Step, errno unix.Errno) string {
	switch s.(type) {
	case plan.AttachRoot:
		if errno == unix.EACCES {
			return "a directory on the way to the root file system may not be entered"
		}
	case plan.PivotRoot:
		if errno == unix.EINVAL {
			return "on an initramfs use --no-pivot"
		}
	case plan.ChangeDir:
		if errno == unix.ELOOP || errno == unix.EXDEV {
			return "the path leaves the container"
		}
	}
	return ""
}
