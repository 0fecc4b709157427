package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/relay"
)

// attend stays with a running program: it passes signals and the terminal on,
// and returns how it ended. Where orphans come to us it reaps those as well. A program
// that it cannot attend is killed.
func (e *consoleEnd) attend(l *launch, in *inbox) (unix.WaitStatus, error) {
	if e.master == nil && e.system == nil && l.pidfd >= 0 {
		// Signals pass unchanged and there is nothing to copy: no threads.
		if err := relay.Start(l.pidfd); err != nil {
			l.kill()
			return 0, err
		}
		defer relay.Stop()
		return waitFor(l.pid, l.orphans), nil
	}
	held := in.open()
	if err := e.open(); err != nil {
		l.kill()
		return 0, err
	}
	for _, s := range held {
		e.forward(l, s)
	}
	done := make(chan unix.WaitStatus, 1)
	go func() { done <- waitFor(l.pid, l.orphans) }()
	for {
		select {
		case status := <-done:
			return status, e.drain()
		case s := <-in.signals:
			e.forward(l, s.(unix.Signal))
		case <-e.system.early():
			e.system.repeat()
			e.system.sendLater()
		}
	}
}

// forward passes a signal on to the program, but for those that are about us.
func (e *consoleEnd) forward(l *launch, s unix.Signal) {
	switch s {
	case unix.SIGWINCH:
		e.resize()
	case unix.SIGPIPE:
	case unix.SIGCONT:
		e.resume() // after Ctrl-Z or the background the terminal is as the shell had it
		if e.system == nil {
			l.signal(s)
		}
	default:
		if !e.system.request(s) {
			l.signal(s)
		}
	}
}

// waitFor waits for the program, and on the way reaps other children that
// came to us as a subreaper.
func waitFor(pid int, orphans bool) unix.WaitStatus {
	if !orphans {
		return reap(pid)
	}
	for {
		var status unix.WaitStatus
		got, err := unix.Wait4(-1, &status, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return status // ECHILD: cannot be, as pid is ours
		case got == pid && (status.Exited() || status.Signaled()):
			return status
		}
	}
}

// exitCode is the shell's, as runc has it.
func exitCode(s unix.WaitStatus) int {
	if s.Signaled() {
		return 128 + int(s.Signal())
	}
	return s.ExitStatus()
}
