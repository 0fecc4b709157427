package hooks

import (
	"slices"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Starter starts a hook's process with the three streams, which stay the
// caller's, and returns its process ID. The process must be a child of the
// caller that nobody else waits for. If it leads a process group of its own, the
// whole group is killed when its time is over.
type Starter func(h *specs.Hook, stdin, stdout, stderr uintptr) (pid int, err error)

// In returns a Starter that runs hooks in the runtime's namespaces and in the
// directory dir. runc's working directory is the bundle while it creates and
// runs a container, and for poststart and poststop hooks what it was called in;
// an empty dir is the working directory of the runtime.
//
// A hook without env inherits the runtime's environment, as from runc; an empty
// list is an empty environment.
//
// All descriptors of the runtime from 3 on become close-on-exec, so that none
// which the runtime inherited itself gets into a hook.
func In(dir string) Starter {
	return func(h *specs.Hook, stdin, stdout, stderr uintptr) (int, error) {
		if err := unix.CloseRange(3, ^uint(0)>>32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
			return 0, err
		}
		env := h.Env
		if env == nil {
			env = syscall.Environ()
		}
		return syscall.ForkExec(h.Path, Argv(h), &syscall.ProcAttr{
			Dir:   dir,
			Env:   env,
			Files: []uintptr{stdin, stdout, stderr},
			Sys:   &syscall.SysProcAttr{Setpgid: true},
		})
	}
}

// WithEnv returns hooks of which those without env have this one, as runc has it
// for startContainer hooks: an empty list does not count as one.
func WithEnv(list []specs.Hook, env []string) []specs.Hook {
	list = slices.Clone(list)
	for i := range list {
		if len(list[i].Env) == 0 {
			list[i].Env = env
		}
	}
	return list
}

// Argv is the hook's argument vector: args, or its path alone when there are
// none. args[0] is not the path: docker's hooks depend on it.
func Argv(h *specs.Hook) []string {
	if len(h.Args) == 0 {
		return []string{h.Path}
	}
	return h.Args
}
