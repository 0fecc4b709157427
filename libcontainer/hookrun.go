package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/hooks"
	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// hookState is what a hook of that group reads about the container.
func hookState(g hooks.Group, s *specs.Spec, c *state.Container, status specs.ContainerState, pid int) []byte {
	if g.InContainer() {
		pid = pidInside(c, pid)
	}
	return hooks.State(processState(s, c, status, pid))
}

// pidInside is the number of a container's init in the container's PID namespace
// (runtime.md, "State").
func pidInside(c *state.Container, pid int) int {
	if c.PrivatePID {
		return 1
	}
	if c.Namespaces&plan.ClonePID == 0 {
		return pid
	}
	// It joined one; the last number is that of the innermost.
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, numbers, _ := strings.Cut(string(status), "\nNSpid:")
	numbers, _, _ = strings.Cut(numbers, "\n")
	fields := strings.Fields(numbers)
	if len(fields) == 0 {
		return pid // it has died, and the hook that is to start inside it fails
	}
	inside, _ := strconv.Atoi(fields[len(fields)-1])
	return inside
}

// createHooks runs what comes between the mounts and the change of root.
func (c *container) createHooks() error {
	return interruptibly(c.runCreateHooks)
}

func (c *container) runCreateHooks(stop *hooks.Stop) error {
	pidfd, err := unix.PidfdOpen(c.launch.pid, 0)
	if err != nil {
		return fmt.Errorf("find the init process: %w", err)
	}
	defer unix.Close(pidfd)
	stop.Init = pidfd
	inside := containerStarter(c.launch.pid, childOpener(c.launch.pid), lower.Hook{Flags: c.desc.Namespaces, Dir: c.rootfs()})
	for _, g := range [...]hooks.Group{hooks.Prestart, hooks.CreateRuntime, hooks.CreateContainer} {
		list := g.Of(c.spec.Hooks)
		if len(list) == 0 {
			continue
		}
		start := hooks.In(c.opts.Bundle)
		if g.InContainer() {
			start = inside
		}
		data := hookState(g, c.spec, &c.desc, specs.StateCreating, c.launch.pid)
		if err := hooks.Run(g, list, data, start, stop); errors.Is(err, hooks.ErrInitGone) {
			return errGone
		} else if err != nil {
			return err
		}
	}
	return nil
}

// startHooks runs the startContainer hooks of a created container, made by p; open
// opens its init. They are programs of the container, and have its rights.
func startHooks(s *specs.Spec, p *plan.Plan, c *state.Container, pid int, open opener) error {
	list := hooks.WithEnv(hooks.StartContainer.Of(s.Hooks), p.Environment())
	return interruptibly(func(stop *hooks.Stop) error {
		pidfd, err := open()
		if err != nil {
			return fmt.Errorf("find the init process: %w", err)
		}
		defer unix.Close(pidfd)
		stop.Init = pidfd
		return hooks.Run(hooks.StartContainer, list, hookState(hooks.StartContainer, s, c, specs.StateCreated, pid),
			containerStarter(pid, open, lower.Hook{Flags: c.Namespaces, Confined: p.Confinement()}), stop)
	})
}

// poststart runs the hooks that follow the program's start. One that fails
// ends the container (runtime.md, "Lifecycle", step 9).
func poststart(s *specs.Spec, c *state.Container, pid int) error {
	list := hooks.Poststart.Of(s.Hooks)
	if len(list) == 0 {
		return nil
	}
	return interruptibly(func(stop *hooks.Stop) error {
		return hooks.Run(hooks.Poststart, list, hookState(hooks.Poststart, s, c, specs.StateRunning, pid), hooks.In(c.Bundle), stop)
	})
}

// poststop runs the hooks that follow the removal; they can stop nothing.
func (r *Runtime) poststop(s *specs.Spec, c *state.Container) {
	list := hooks.Poststop.Of(s.Hooks)
	if len(list) == 0 {
		return
	}
	for _, err := range hooks.RunAll(hooks.Poststop, list, hookState(hooks.Poststop, s, c, specs.StateStopped, 0), hooks.In("")) {
		r.warn(err.Error())
	}
}

// containerStarter starts hooks in the namespaces of a container's init, with
// the root directory that the init has just then; as says how. A hook without env
// gets no variable: what runs before the change of root is a program of the host,
// and the variables of an image (LD_PRELOAD) are not for it, nor are the runtime's
// for a container.
func containerStarter(pid int, open opener, as lower.Hook) hooks.Starter {
	return func(h *specs.Hook, stdin, stdout, stderr uintptr) (int, error) {
		pidfd, err := open()
		if err != nil {
			return 0, fmt.Errorf("find the init process: %w", err)
		}
		defer unix.Close(pidfd)
		root, err := openRootOf(pid, pidfd)
		if err != nil {
			return 0, err
		}
		defer unix.Close(root)
		hook := as
		hook.PIDFD, hook.Root = 3, 4
		hook.Path, hook.Args, hook.Env = h.Path, hooks.Argv(h), h.Env
		program, err := lower.HookProgram(&hook)
		if err != nil {
			return 0, err
		}
		files := []uintptr{stdin, stdout, stderr, uintptr(pidfd), uintptr(root)}
		return startTape(program, files, &syscall.SysProcAttr{Setpgid: true})
	}
}

// openRootOf opens what is / to the process behind pidfd, whose number is pid.
func openRootOf(pid, pidfd int) (int, error) {
	root, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) { // a zombie has none
		err = errGone
	}
	if err == nil {
		if err = unix.PidfdSendSignal(pidfd, 0, nil, 0); err != nil {
			unix.Close(root) // maybe of another, that got the number
		}
		if errors.Is(err, unix.ESRCH) {
			err = errGone
		}
	}
	if err != nil {
		return -1, fmt.Errorf("open the root of the init process: %w", err)
	}
	return root, nil
}
