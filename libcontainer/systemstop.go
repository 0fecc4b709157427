package libcontainer

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
)

// request takes a signal of ours for the wish to stop the system, and says
// whether it is one. As with nspawn, who says so twice wants it killed. A closed
// terminal, SIGHUP, wants it no more than stopped: service managers send it along
// with SIGTERM.
func (s *system) request(signal unix.Signal) bool {
	if s == nil || s.stop == 0 || !asksToStop(signal) {
		return false
	}
	switch {
	case !s.asked.Swap(true):
		s.tell()
		s.sendLater()
	case signal != unix.SIGHUP:
		s.kill()
	}
	return true
}

func asksToStop(s unix.Signal) bool {
	switch s {
	case unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGHUP:
		return true
	}
	return false
}

func (s *system) tell() {
	if pid := int(s.pid.Load()); pid > 0 {
		_ = unix.Kill(pid, s.stop)
	}
}

// kill ends the system without asking it.
func (s *system) kill() {
	if pid := int(s.pid.Load()); pid > 0 {
		s.killed.Store(true)
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// The kernel drops what PID 1 has no handler for, so that what an init is told
// in its first moments is lost. For as long as it is young it is told again and
// again; systemd, which may be slow, also when it says that it listens.
const (
	youth    = 5 * time.Second
	interval = time.Second
)

func (s *system) sendLater() {
	s.again = nil
	if time.Since(s.started) < youth {
		s.again = time.NewTimer(interval)
	}
}

// early is when to call repeat; never for a system that was not told to stop.
func (s *system) early() <-chan time.Time {
	if s == nil || s.again == nil {
		return nil
	}
	return s.again.C
}

// repeat tells the system once more what it was told.
func (s *system) repeat() {
	if s.asked.Load() {
		s.tell()
	}
}

// verdict says what it means that the program ended as it did, by nspawn's rules
// for a booted system: again is to make it anew.
func (c *container) verdict(ended unix.WaitStatus) (code int, again bool, err error) {
	if c.boot == nil {
		return exitCode(ended), false, nil
	}
	s := c.console.system
	switch {
	case ended.Exited() && ended.ExitStatus() == 0:
		return 0, false, nil
	case ended.Exited():
		return exitOf(ended.ExitStatus())
	case ended.Signal() == poweredOff:
		return 0, false, nil
	case ended.Signal() == rebooted && (c.run.KeepUnit || c.run.Keep):
		return rebootStatus, false, nil
	case ended.Signal() == rebooted:
		return 0, s == nil || !s.asked.Load(), nil // who wanted it stopped does not want it back
	case s != nil && s.killed.Load():
		return 1, false, fmt.Errorf("container %s terminated by signal KILL", nspawn.MachineName(c.spec, c.opts.ID))
	}
	return exitCode(ended), false, fmt.Errorf("the init of the system crashed: %s", statusText(ended))
}

// exitOf is for an init that ended by itself, as systemd does when it crashes:
// that is not silent, and must not look like a reboot.
func exitOf(status int) (code int, again bool, err error) {
	err = fmt.Errorf("the init of the system ended with exit code %d", status)
	if status == rebootStatus {
		return 1, false, fmt.Errorf("%w, which is passed on as 1, since %d tells of a reboot", err, rebootStatus)
	}
	return status, false, err
}
