package console

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/containerd/console"
	"golang.org/x/sys/unix"
)

// Options are the choices of Start.
type Options struct {
	// KeepSize leaves the size of the container's terminal as it is, because
	// the configuration gave one, until the first Resize.
	KeepSize bool
	// OnEscape, if not nil, is called when the escape sequence was typed,
	// once a time and on a goroutine of the proxy.
	OnEscape func()
}

// Proxy copies between the caller's terminal and a container's.
type Proxy struct {
	master   int
	in, out  int
	options  Options
	terminal console.Console // the caller's to be restored, or nil
	size     console.Console // the caller's that has a size, or nil

	wake     int // an eventfd, readable once the copying shall stop
	ended    chan struct{}
	restored sync.Once
	failed   error // of restoring

	lock     sync.Mutex
	peer     int // the container's side, held open; -1: not
	draining bool
}

// Start makes the caller's terminal raw, if in is one, gives the container's the
// same size, and copies from in to master and from master to out until Drain or
// Close. in and out need not be terminals. The end of in ends nothing, as with
// runc: a terminal has no end of file.
//
// The proxy owns master, even when Start fails, and makes it non-blocking; in and
// out stay the caller's and must stay open until Drain or Close returned.
//
// It holds the container's side open as well: when all programs in the container
// have closed it, or hung it up as an init does before it starts a login, the
// next that opens it finds the proxy still there.
func Start(master int, in, out *os.File, o Options) (*Proxy, error) {
	p := &Proxy{master: master, in: int(in.Fd()), out: int(out.Fd()), options: o, wake: -1, peer: -1, ended: make(chan struct{})}
	if err := p.start(in, out); err != nil {
		_ = p.restore()
		p.closeAll()
		return nil, fmt.Errorf("connect the terminal: %w", err)
	}
	p.peer = openPeer(master)
	copied := make(chan struct{})
	go func() {
		p.copyIn()
		close(copied)
	}()
	go func() {
		p.copyOut()
		close(p.ended)
		<-copied
		p.closeAll()
	}()
	return p, nil
}

func (p *Proxy) start(in, out *os.File) (err error) {
	if p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return err
	}
	if err = unix.SetNonblock(p.master, true); err != nil {
		return err
	}
	// The caller's terminal goes on turning \n into \r\n, for what others print
	// on it meanwhile: the container's must not do it a second time.
	if err = console.ClearONLCR(uintptr(p.master)); err != nil {
		return err
	}
	if c, err := console.ConsoleFromFile(in); err == nil {
		p.terminal, p.size = c, c
	} else if c, err := console.ConsoleFromFile(out); err == nil {
		p.size = c
	}
	if !p.options.KeepSize {
		if err := p.Resize(); err != nil {
			return err
		}
	}
	if p.terminal != nil {
		return p.terminal.SetRaw()
	}
	return nil
}

// Resize gives the container's terminal the size of the caller's: call it on
// SIGWINCH. Without a terminal of the caller it does nothing.
func (p *Proxy) Resize() error {
	if p.size == nil {
		return nil
	}
	s, err := p.size.Size()
	if err != nil {
		return fmt.Errorf("read the terminal's size: %w", err)
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.master < 0 {
		return nil
	}
	err = unix.IoctlSetWinsize(p.master, unix.TIOCSWINSZ, &unix.Winsize{Row: s.Height, Col: s.Width})
	if err != nil {
		return fmt.Errorf("set the console's size: %w", err)
	}
	return nil
}

// Resume makes the caller's terminal raw again, which a shell has changed while
// this process was stopped: call it on SIGCONT. In the background it stops the
// process until it comes to the foreground, by SIGTTOU.
func (p *Proxy) Resume() error {
	if p.terminal != nil {
		if err := p.terminal.SetRaw(); err != nil {
			return fmt.Errorf("make the terminal raw: %w", err)
		}
	}
	return p.Resize()
}

// Drain waits until all that the container has written is copied, then does
// Close. Call it when the container's process has ended; limit is how long to
// wait for processes that it left behind and that still hold the terminal.
func (p *Proxy) Drain(limit time.Duration) error {
	p.lock.Lock()
	p.draining = true
	p.closePeer()
	p.lock.Unlock()
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-p.ended:
	case <-t.C:
	}
	return p.Close()
}

// Close restores the caller's terminal and ends the copying. It does not wait
// for a write to out that blocks. It may be called at any time, more than once,
// and from several goroutines; its error is that of restoring the terminal.
func (p *Proxy) Close() error {
	p.lock.Lock()
	if p.wake >= 0 {
		_, _ = unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	p.draining = true
	p.closePeer()
	p.lock.Unlock()
	return p.restore()
}

func (p *Proxy) restore() error {
	p.restored.Do(func() {
		if p.terminal == nil {
			return
		}
		// A terminal that was hung up has nothing to restore.
		if err := p.terminal.Reset(); err != nil && !errors.Is(err, unix.EIO) {
			p.failed = fmt.Errorf("restore the terminal: %w", err)
		}
	})
	return p.failed
}

func (p *Proxy) closePeer() {
	if p.peer >= 0 {
		_ = unix.Close(p.peer)
		p.peer = -1
	}
}

// closeAll closes the descriptors when no goroutine uses them any more.
func (p *Proxy) closeAll() {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.closePeer()
	_ = unix.Close(p.master)
	if p.wake >= 0 {
		_ = unix.Close(p.wake)
	}
	p.master, p.wake = -1, -1
}

// openPeer opens the container's side of a master, -1 when that is not allowed:
// without root it may belong to another user.
func openPeer(master int) int {
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER,
		unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return -1
	}
	return int(fd)
}
