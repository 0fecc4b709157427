package libcontainer

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/relay"
)

// inbox is where signals come in from the first time that it is opened until the process ends. There is one for a
// command and not one for each boot, so that what comes between two boots waits in it.
type inbox struct{ signals chan os.Signal }

// open has os/signal take the place of relay, and gives what relay held for it.
func (in *inbox) open() (held []unix.Signal) {
	if in.signals == nil {
		in.signals = make(chan os.Signal, 64)
		signal.Notify(in.signals, attended()...)
	}
	relay.Release() // each boot holds anew while it is made
	return relay.Held()
}

// stop takes what came while there was no program, and says whether it was the wish that there be none.
func (in *inbox) stop() bool {
	for {
		select {
		case s := <-in.signals:
			if asksToStop(s.(unix.Signal)) {
				return true
			}
		default:
			return false
		}
	}
}

// attended are the signals that are caught: all but those of job control, which
// are to stop us (caught, they would have the kernel try a change of the terminal
// from the background for ever; os/signal cannot let go of one again), and those
// of our children and of the Go scheduler, so many that others would find no room.
func attended() []os.Signal {
	const highest = 64
	list := make([]os.Signal, 0, highest)
	for s := unix.Signal(1); s <= highest; s++ {
		switch s {
		case unix.SIGTTOU, unix.SIGTTIN, unix.SIGTSTP, unix.SIGCHLD, unix.SIGURG:
		default:
			list = append(list, s)
		}
	}
	return list
}
