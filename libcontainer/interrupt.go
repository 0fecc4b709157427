package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/hooks"
	"github.com/gspawn/gspawn-oci/libcontainer/relay"
)

// interrupts are the signals by which a command is asked to stop.
var interrupts = []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT}

// interruptibly runs hooks which a signal to this command ends: they have a
// process group of their own, where Ctrl-C does not reach them, and may hang.
// What then undoes the rest, as after any hook that failed, is not to be ended by
// the next signal, so those are held until the command ends.
func interruptibly(run func(stop *hooks.Stop) error) error {
	wake, err := relay.Wake()
	if err != nil {
		return err
	}
	held := relay.Holding() // by run, which holds all
	if err := relay.Hold(interrupts...); err != nil {
		return err
	}
	err = run(&hooks.Stop{FD: wake, Signal: func() unix.Signal { return relay.Take(interrupts...) }})
	if held || err != nil {
		return err
	}
	relay.Release()
	for _, s := range relay.Held() {
		_ = unix.Kill(unix.Getpid(), s) // came too late for the hooks
	}
	return err
}
