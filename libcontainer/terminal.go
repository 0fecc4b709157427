package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/console"
)

// consoleEnd is the runtime's side of a terminal: the init sends the master,
// which goes on to the caller's socket, or stays here to be copied from and to
// the caller's own terminal. The zero consoleEnd is for a process without one.
// It has the caller's other socket, too.
type consoleEnd struct {
	socket *int // connected to --console-socket
	pidfds *int // connected to --pidfd-socket
	master *int // ours, in the foreground
	sized  bool // the configuration gives the size
	proxy  *console.Proxy
	system *system // that boots, nil for an application
}

// connect connects to the caller's sockets, before anything is made.
func (e *consoleEnd) connect(socket, pidfds string, sized bool) (err error) {
	e.sized = sized
	if e.socket, err = dial("--console-socket", socket); err == nil {
		e.pidfds, err = dial("--pidfd-socket", pidfds)
	}
	return err
}

func dial(flag, path string) (*int, error) {
	if path == "" {
		return nil, nil
	}
	fd, err := console.Dial(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return &fd, nil
}

// accept takes the master from the init and makes sure that it is one.
func (e *consoleEnd) accept(fds []int) error {
	if len(fds) != 1 {
		return errors.New("the init process sent no terminal")
	}
	if err := console.Verify(fds[0]); err != nil {
		return err
	}
	if e.socket != nil {
		return console.SendOver(*e.socket, fds[0])
	}
	master, err := unix.FcntlInt(uintptr(fds[0]), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return fmt.Errorf("keep the terminal: %w", err)
	}
	e.master = &master
	e.giveSize()
	return nil
}

// giveSize gives the terminal the size of the caller's before the program runs:
// it may ask at once, and the proxy starts later.
func (e *consoleEnd) giveSize() {
	if e.sized {
		return
	}
	for fd := range 2 {
		if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
			_ = unix.IoctlSetWinsize(*e.master, unix.TIOCSWINSZ, size)
			return
		}
	}
}

// open begins to copy between the terminals.
func (e *consoleEnd) open() (err error) {
	if e.master == nil {
		return nil
	}
	options := console.Options{KeepSize: e.sized}
	in, out := os.Stdin, os.Stdout
	if e.system != nil {
		if in, out, err = e.system.streams(); err != nil {
			return err
		}
		options.OnEscape = e.system.kill
	}
	e.proxy, err = console.Start(*e.master, in, out, options)
	e.master = nil // the proxy's
	return err
}

// drainLimit is how long output is waited for of what a program left behind.
const drainLimit = 100 * time.Millisecond

func (e *consoleEnd) drain() error {
	if e.proxy == nil {
		return nil
	}
	return e.proxy.Drain(drainLimit)
}

func (e *consoleEnd) resize() {
	if e.proxy != nil {
		_ = e.proxy.Resize() // the terminal may be gone already
	}
}

func (e *consoleEnd) resume() {
	if e.proxy != nil {
		_ = e.proxy.Resume()
	}
}

func (e *consoleEnd) close() {
	if e.proxy != nil {
		_ = e.proxy.Close()
	}
	for _, fd := range [...]*int{e.socket, e.pidfds, e.master} {
		if fd != nil {
			unix.Close(*fd)
		}
	}
	*e = consoleEnd{system: e.system}
}

func (e *consoleEnd) sendPidfd(process console.Process, l *launch) error {
	if e.pidfds == nil {
		return nil
	}
	defer func() { unix.Close(*e.pidfds); e.pidfds = nil }() // its reader may wait for the end
	if err := console.SendPidfd(*e.pidfds, process, l.pidfd); err != nil {
		return fmt.Errorf("--pidfd-socket: %w", err)
	}
	return nil
}

// checkTerminal refuses a terminal that nobody could use. A socket takes it when
// this process does not stay with it.
func checkTerminal(leaves, terminal bool, socket string) error {
	switch {
	case leaves && terminal && socket == "":
		return errors.New("cannot allocate tty if the runtime will detach without setting console socket: process.terminal is true, give --console-socket")
	case (!terminal || !leaves) && socket != "":
		return errors.New("cannot use console socket if the runtime will not detach or allocate tty")
	}
	return nil
}
