package lower

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// Hook is a program to be run in the namespaces of a container's init.
type Hook struct {
	// PIDFD and Root are inherited descriptors: of the init, and of the
	// directory that is / to it just now.
	PIDFD, Root int
	// Flags are the clone flags of the namespaces to be entered.
	Flags uint64
	// Dir is the working directory, or the root where the hook may not go there.
	Dir string
	// Confined are the steps by which the container's process gives up rights, for
	// a program that the container may have brought along.
	Confined  []plan.Step
	Path      string
	Args, Env []string
}

// HookProgram makes the tape of a hook. As only children enter a PID namespace,
// the process that is started stays behind, and exits with the hook's status,
// or with 1 when a signal killed it.
func HookProgram(h *Hook) (*tape.Program, error) {
	l := &lowerer{b: tape.New(), p: &plan.Plan{Namespaces: plan.Namespaces{Entered: h.Flags}}, in: &Input{}}
	l.call(unix.SYS_CLOSE_RANGE, num(3), num(int(^uint32(0))), num(unix.CLOSE_RANGE_CLOEXEC))
	l.hide()
	if h.Flags != 0 {
		l.call(unix.SYS_SETNS, num(h.PIDFD), num(int(h.Flags)))
	}
	if h.Flags&plan.CloneUser != 0 {
		l.becomeRoot()
	}
	l.changeRoot(h.Root)
	if h.Dir != "" {
		l.call(unix.SYS_CHDIR, l.str(h.Dir)).Ignore(unix.EACCES, unix.ENOENT)
	}
	child, failed, exited := l.b.NewLabel(), l.b.NewLabel(), l.b.NewLabel()
	// The second byte of a wait status is the exit status, wait(2).
	status, code := l.b.Buffer(make([]byte, 16)), l.b.Cell(0)
	l.call(unix.SYS_CLONE, num(int(unix.SIGCHLD)), num(0), num(0), num(0), num(0)).IfZero(child)
	l.call(unix.SYS_WAIT4, num(-1), status.Addr(), num(0), num(0))
	l.b.Set(code, status.Cell(1).Value()).IfPositive(exited)
	l.b.Set(code, status.Cell(0).Value()).IfPositive(failed)
	l.call(unix.SYS_EXIT_GROUP, num(0))
	l.b.Bind(exited)
	l.call(unix.SYS_EXIT_GROUP, code.Value())
	l.b.Bind(failed)
	l.call(unix.SYS_EXIT_GROUP, num(1))
	l.b.Bind(child)
	for _, s := range h.Confined {
		if err := l.lower(s); err != nil {
			return nil, fmt.Errorf("assemble the tape of a hook, %s: %w", s, err)
		}
	}
	const shellNotFound = 127
	text := "cannot be executed in the container"
	l.call(unix.SYS_EXECVE, l.str(h.Path), l.vector(h.Args), l.vector(h.Env)).IgnoreAny()
	l.call(unix.SYS_WRITE, num(2), l.str(text), num(len(text))).IgnoreAny()
	l.call(unix.SYS_EXIT_GROUP, num(shellNotFound))
	return l.b.Program()
}
