package console

import (
	"time"

	"golang.org/x/sys/unix"
)

// bufferSize is what one read takes: a terminal gives 4 kB at most.
const bufferSize = 4096

// copyIn copies what is typed until the copying shall stop.
func (p *Proxy) copyIn() {
	buffer := make([]byte, bufferSize)
	var escape Escape
	for p.await(p.in, unix.POLLIN) {
		n, err := unix.Read(p.in, buffer)
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if n <= 0 {
			return
		}
		if p.options.OnEscape != nil && escape.Scan(buffer[:n], time.Now()) {
			p.options.OnEscape()
			continue
		}
		if !p.write(p.master, buffer[:n]) {
			return
		}
	}
}

// copyOut copies what the container writes until it cannot write any more or the
// copying shall stop. When out fails, it goes on reading, so that the container
// is not stopped by a full terminal.
func (p *Proxy) copyOut() {
	buffer := make([]byte, bufferSize)
	broken := false
	for p.await(p.master, unix.POLLIN) {
		n, err := unix.Read(p.master, buffer)
		switch {
		case n > 0:
			broken = broken || !p.write(p.out, buffer[:n])
		case err == unix.EINTR || err == unix.EAGAIN:
		case err == unix.EIO && p.reopenPeer():
		default:
			return
		}
	}
}

// reopenPeer makes the master work again after a hangup of the terminal, unless
// the container has ended.
func (p *Proxy) reopenPeer() bool {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.closePeer()
	if p.draining {
		return false
	}
	p.peer = openPeer(p.master)
	return p.peer >= 0
}

// write writes all of b; false means that nothing can be written any more.
func (p *Proxy) write(fd int, b []byte) bool {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		switch {
		case n > 0:
			b = b[n:]
		case err == unix.EAGAIN:
			if !p.await(fd, unix.POLLOUT) {
				return false
			}
		case err == unix.EIO && fd == p.master:
			return true // hung up: nobody reads this
		case err != unix.EINTR:
			return false
		}
	}
	return true
}

// await waits until fd is ready; false means that the copying shall stop.
func (p *Proxy) await(fd int, events int16) bool {
	fds := [2]unix.PollFd{{Fd: int32(p.wake), Events: unix.POLLIN}, {Fd: int32(fd), Events: events}}
	for {
		_, err := unix.Poll(fds[:], -1)
		switch {
		case err == unix.EINTR:
		case err != nil || fds[0].Revents != 0:
			return false
		case fds[1].Revents&unix.POLLNVAL != 0:
			return false
		case fds[1].Revents != 0:
			return true
		}
	}
}
