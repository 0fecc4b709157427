package lower

import (
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// A process that enters a container has for a moment the rights of the host and
// that of the container over it: who has CAP_SYS_PTRACE there, or later no less
// than it has left, could take its descriptors, or make it do something
// (CVE-2016-9962). Not so to one that is not dumpable, ptrace(2), which it is
// again when it executes the program.

// hide makes the process one that is not dumpable.
func (l *lowerer) hide() {
	if !l.hidden {
		l.hidden = true
		l.setDumpable(0)
	}
}

// hideFromOthers hides it where there may be other processes that see it.
func (l *lowerer) hideFromOthers() {
	if l.p.Namespaces.New&plan.ClonePID == 0 {
		l.hide()
	}
}

// shown does what takes a dumpable process: a user who is not root has no access
// to its own /proc otherwise, nor has the runtime of such a user. A container that
// it has not yet entered does not see it.
func (l *lowerer) shown(do func()) {
	if !l.hidden || l.in.PIDEntered {
		do()
		return
	}
	l.setDumpable(1)
	do()
	l.setDumpable(0)
}

// shownToUser is shown for what only the runtime of a user who is not root needs.
func (l *lowerer) shownToUser(do func()) {
	if l.in.Unprivileged {
		l.shown(do)
	} else {
		do()
	}
}

func (l *lowerer) setDumpable(value int) {
	l.call(unix.SYS_PRCTL, num(unix.PR_SET_DUMPABLE), num(value), num(0), num(0), num(0))
}
