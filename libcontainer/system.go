package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/treelock"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// system is a booted system in the foreground, as systemd-nspawn(1) treats it.
type system struct {
	mode    string // of its console
	stop    unix.Signal
	stopped bool // it was told once
	pid     atomic.Int64
	// ready says that the system itself tells when it is ready.
	ready  bool
	notify *os.File // its notification socket
	held   []int    // fifos that must not run dry
}

// chooseConsole decides, as nspawn does, whether the system gets a terminal. A
// container that an engine makes has the one that its bundle asks for.
func (c *container) chooseConsole() error {
	if c.run == nil || c.run.Detach {
		return nil
	}
	mode := c.run.Console
	onTerminal := isTerminal(0) && isTerminal(1)
	switch mode {
	case "":
		if mode = "read-only"; onTerminal {
			mode = "interactive"
		}
	case "autopipe":
		if mode = "pipe"; onTerminal {
			mode = "interactive"
		}
	case "interactive", "read-only", "passive", "pipe":
	default:
		return fmt.Errorf("--console=%s: want interactive, read-only, passive, pipe or autopipe", mode)
	}
	process := *c.spec.Process
	process.Terminal = mode != "pipe"
	spec := *c.spec
	spec.Process = &process
	c.spec = &spec
	c.console.system = &system{mode: mode, ready: c.run.NotifyReady}
	return nil
}

func isTerminal(fd int) bool {
	_, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	return err == nil
}

// greet says what nspawn says.
func (c *container) greet() {
	s := c.console.system
	if s == nil {
		return
	}
	s.pid.Store(int64(c.launch.pid))
	if c.run.Quiet || s.mode == "pipe" {
		return
	}
	name := nspawn.MachineName(c.spec, c.opts.ID)
	text := "Spawning container " + name + " on " + c.desc.Rootfs + ".\n"
	if s.mode == "interactive" {
		text += "Press Ctrl-] three times within 1s to kill container.\n"
	}
	_, _ = os.Stderr.WriteString(text)
}

// streams are what the console is copied from and to.
func (s *system) streams() (in, out *os.File, err error) {
	if s.mode == "interactive" {
		return os.Stdin, os.Stdout, nil
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil || s.mode == "passive" {
		return null, null, err
	}
	return null, os.Stdout, nil
}

// kill ends the system without asking it.
func (s *system) kill() {
	if pid := int(s.pid.Load()); pid > 0 {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// stopWith is what a SIGTERM or SIGINT of ours is passed on as: a booted
// system is told to shut down, and killed when it is told again.
func (e *consoleEnd) stopWith(s unix.Signal) unix.Signal {
	switch {
	case e.system == nil || e.system.stop == 0:
		return s
	case e.system.stopped:
		return unix.SIGKILL
	}
	e.system.stopped = true
	return e.system.stop
}

// lockTree keeps others off the tree of a system as long as it is run here;
// systemd-nspawn and machinectl look at the same locks.
func (c *container) lockTree() (unlock func(), err error) {
	if c.console.system == nil {
		return func() {}, nil
	}
	lock, err := treelock.Take(treelock.Dir(), c.desc.Rootfs, c.spec.Root.Readonly)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}

// clearStale removes what a killed supervisor left of a system of this name,
// which the kernel kills with it; where that is still going on, it is waited for.
func (c *container) clearStale() {
	if c.console.system == nil {
		return
	}
	dir, err := state.Open(c.rt.Root, c.opts.ID)
	if err != nil {
		return
	}
	defer dir.Close()
	if dir.Busy() {
		return
	}
	left, err := dir.Container()
	unmade := errors.Is(err, state.ErrNotExist)
	if unmade || err == nil && left.Bundle == c.opts.Bundle && left.Supervisor.Dead() {
		_ = c.rt.Delete(c.opts.ID, true) // make tells what is in its way
	}
}
