package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// system is a booted system in the foreground, as systemd-nspawn(1) treats it.
type system struct {
	mode    string // of its console
	stop    unix.Signal
	pid     atomic.Int64
	started time.Time
	asked   atomic.Bool // it was told to stop
	killed  atomic.Bool // by us
	again   *time.Timer // when to tell it once more
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
	mode, err := consoleMode(c.run.Console, isTerminal(0) && isTerminal(1))
	if err != nil {
		return err
	}
	process := *c.spec.Process
	process.Terminal = mode != "pipe"
	spec := *c.spec
	spec.Process = &process
	c.spec = &spec
	c.console.system = &system{mode: mode, ready: c.run.NotifyReady}
	return nil
}

func consoleMode(mode string, onTerminal bool) (string, error) {
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
		return "", fmt.Errorf("--console=%s: want interactive, read-only, passive, pipe or autopipe", mode)
	}
	return mode, nil
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
	s.started = time.Now()
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

// clearStale removes what a killed supervisor left of a system of this name,
// which the kernel kills with it; where that is still going on, it is waited for.
// It says whether there was something of that kind.
func (c *container) clearStale() bool {
	dir, err := state.Open(c.rt.Root, c.opts.ID)
	if err != nil {
		return false
	}
	defer dir.Close()
	if dir.Busy() {
		return false
	}
	left, err := dir.Container()
	unmade := errors.Is(err, state.ErrNotExist) && c.boot != nil
	if unmade || err == nil && left.Bundle == c.opts.Bundle && left.Supervisor.Dead() {
		return c.rt.Delete(c.opts.ID, true) == nil
	}
	return false
}
