package lower

import (
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// A process that enters a container has for a moment the rights of the host and
// that of the container over it: who has CAP_SYS_PTRACE there, or later no less
// than it has left, could take its descriptors, or make it do something
// (CVE-2016-9962). Not so to one that is not dumpable, ptrace(2), which it is
// again when it executes the program. Where the container has no user namespace
// of its own CAP_SYS_PTRACE is not answered by that.

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
// to its own /proc otherwise. It is for before the last fork, when no container
// sees the process.
func (l *lowerer) shown(do func()) {
	if !l.hidden {
		do()
		return
	}
	l.setDumpable(1)
	do()
	l.setDumpable(0)
}

// shownToBlind is for what a runtime needs later that may not look into a process
// which is not dumpable. Who is in somebody's user namespace already stays hidden
// from it too, and what it was to do fails.
func (l *lowerer) shownToBlind(do func()) {
	if l.mayShow() {
		l.shown(do)
	} else {
		do()
	}
}

func (l *lowerer) mayShow() bool {
	n := l.p.Namespaces
	return l.in.Blind && (n.New&plan.CloneUser != 0 || !n.Has(plan.CloneUser))
}

// showAtLast makes the process dumpable for a runtime that may not look into it
// otherwise: for one that makes hooks of it, or enters it while it waits for its
// start, or fetches its listener.
func (l *lowerer) showAtLast() {
	if l.mayShow() && (l.hidden || l.asUser) && (l.p.Namespaces.Entered == 0 || l.in.Notify) {
		l.setDumpable(1)
	}
}

func (l *lowerer) setDumpable(value int) {
	l.call(unix.SYS_PRCTL, num(unix.PR_SET_DUMPABLE), num(value), num(0), num(0), num(0))
}
