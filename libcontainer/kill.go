package libcontainer

import (
	"errors"
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
)

// DefaultSignal lets Kill choose: the one that shuts a booted system down, SIGTERM
// for everything else.
const DefaultSignal unix.Signal = -1

// Kill sends a signal to the container's init, or to all of its processes.
// With all a container that has stopped is no error. A SIGTERM for a booted
// system becomes the signal that makes it shut down.
func (r *Runtime) Kill(id string, sig unix.Signal, all bool) error {
	v, err := r.look(id)
	if err != nil {
		return err
	}
	defer v.close()
	if all && sig != unix.SIGKILL && v.status != specs.StateCreating {
		// The cgroup is frozen meanwhile, which is not to be mixed up with a pause.
		if err := v.lock(); err != nil {
			return err
		}
	}
	signal := v.means(sig, all)
	if v.status == specs.StateCreated && v.PrivatePID && v.ends(signal) {
		signal = unix.SIGKILL
	}
	switch {
	case all:
		return v.signalAll(signal)
	case signal == unix.SIGKILL && v.populated():
		return v.end()
	case v.status == specs.StateStopped || v.init.PID == 0:
		return errNotRunning
	}
	return v.signalInit(signal)
}

// end kills the container. Without a PID namespace of its own it does not end with
// its init.
func (v *view) end() error {
	if v.PrivatePID {
		return v.signalInit(unix.SIGKILL)
	}
	return v.signalAll(unix.SIGKILL)
}

// means is the signal that is sent for one that was named, or not.
func (v *view) means(sig unix.Signal, all bool) unix.Signal {
	named := sig != DefaultSignal
	if !named {
		sig = unix.SIGTERM
	}
	if v.StopSignal != 0 && !all && (!named || v.ReplaceTERM && nspawn.StopsByDefault(int(sig))) {
		return unix.Signal(v.StopSignal)
	}
	return sig
}

// ends tells whether a signal is there to end a program. The kernel does not give
// one to an init that has no handler for it, and the one that waits for its start
// has none.
func (v *view) ends(signal unix.Signal) bool {
	switch signal {
	case unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT:
		return true
	}
	return v.StopSignal != 0 && int(signal) == v.StopSignal
}

// signalInit sends a signal to the init, and to no process that got its number
// after it.
func (v *view) signalInit(signal unix.Signal) error {
	fd, err := v.init.Open()
	if err == nil {
		defer unix.Close(fd)
		err = unix.PidfdSendSignal(fd, signal, nil, 0)
	}
	if errors.Is(err, unix.ESRCH) {
		return errNotRunning
	}
	if err != nil {
		return fmt.Errorf("send signal %d to process %s: %w", int(signal), v.init, err)
	}
	return v.wake(signal)
}

// populated tells whether there is a process to signal: the init, or what it
// left behind.
func (v *view) populated() bool {
	if v.status != specs.StateStopped {
		return true
	}
	pids, err := v.group.Pids(true)
	return err == nil && len(pids) > 0
}

// signalAll signals the whole cgroup. One without it has its init alone.
func (v *view) signalAll(signal unix.Signal) error {
	if !v.group.Exists() {
		switch {
		case v.status == specs.StateStopped:
			return nil
		case v.init.PID == 0: // being created; to kill(2) it would be our own process group
			return errNotRunning
		}
		return v.signalInit(signal)
	}
	if err := v.group.SignalAll(signal); err != nil {
		return err
	}
	return v.wake(signal)
}

// wake lets the killed die: v1's freezer keeps them otherwise.
func (v *view) wake(signal unix.Signal) error {
	if signal == unix.SIGKILL && v.status == statusPaused {
		return v.group.Thaw()
	}
	return nil
}
