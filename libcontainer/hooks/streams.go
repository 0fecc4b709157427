package hooks

import (
	"time"

	"golang.org/x/sys/unix"
)

// streams are the pipes to a hook: its ends, and those of the runtime, which do
// not block. -1 is a closed one.
type streams struct {
	child, own     [3]int
	unsent         []byte
	stdout, stderr capture
	buffer         [4096]byte
}

func newStreams(state []byte) (*streams, error) {
	s := &streams{child: [3]int{-1, -1, -1}, own: [3]int{-1, -1, -1}, unsent: state}
	for i := range s.own {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			s.close()
			return nil, err
		}
		if i == 0 {
			s.child[i], s.own[i] = p[0], p[1]
		} else {
			s.own[i], s.child[i] = p[0], p[1]
		}
		if err := unix.SetNonblock(s.own[i], true); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *streams) close() {
	s.closeChild()
	for i := range s.own {
		closeFD(&s.own[i])
	}
}

func (s *streams) closeChild() {
	for i := range s.child {
		closeFD(&s.child[i])
	}
}

func closeFD(fd *int) {
	if *fd >= 0 {
		_ = unix.Close(*fd)
		*fd = -1
	}
}

// attend feeds the hook and listens to it until its process has exited, nil, or
// has to be killed: its time is over (a zero deadline is none), or stop says so.
func (s *streams) attend(pid int, deadline time.Time, stop *Stop) error {
	s.send() // mostly the pipe takes it all at once, before the hook reads
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	wake, init := stop.fds()
	for {
		fds := [6]unix.PollFd{
			{Fd: int32(pidfd), Events: unix.POLLIN},
			{Fd: int32(s.own[0]), Events: unix.POLLOUT},
			{Fd: int32(s.own[1]), Events: unix.POLLIN},
			{Fd: int32(s.own[2]), Events: unix.POLLIN},
			{Fd: int32(wake), Events: unix.POLLIN},
			{Fd: int32(init), Events: unix.POLLIN},
		}
		n, err := unix.Poll(fds[:], left(deadline))
		if err != nil && err != unix.EINTR {
			return err
		}
		if fds[1].Revents != 0 {
			s.send()
		}
		s.receive(1, &s.stdout)
		s.receive(2, &s.stderr)
		if fds[4].Revents != 0 { // first, as a signal to the whole unit may have ended the hook too
			if err := stop.asked(); err != nil {
				return err
			}
		}
		if n > 0 && fds[0].Revents != 0 {
			return nil
		}
		if fds[5].Revents != 0 {
			return ErrInitGone
		}
		if !deadline.IsZero() && !time.Now().Before(deadline) {
			return ErrTimeout
		}
	}
}

// left is the time until deadline in milliseconds, rounded up; -1 for ever.
func left(deadline time.Time) int {
	if deadline.IsZero() {
		return -1
	}
	d := min(time.Until(deadline), time.Hour)
	return max(0, int((d+time.Millisecond-1)/time.Millisecond))
}

// send writes what the pipe takes of the state. A hook need not read it.
func (s *streams) send() {
	for s.own[0] >= 0 {
		if len(s.unsent) == 0 {
			closeFD(&s.own[0])
			return
		}
		n, err := unix.Write(s.own[0], s.unsent)
		switch err {
		case nil:
			s.unsent = s.unsent[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			return
		default:
			closeFD(&s.own[0])
		}
	}
}

// drainLimit is how many bytes are read of a stream before looking at the other
// things again, so that a hook which writes for ever still meets its timeout.
const drainLimit = 1 << 20

// receive reads what there is.
func (s *streams) receive(i int, c *capture) {
	for total := 0; s.own[i] >= 0 && total < drainLimit; {
		n, err := unix.Read(s.own[i], s.buffer[:])
		switch {
		case n > 0:
			c.add(s.buffer[:n])
			total += n
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return
		default:
			closeFD(&s.own[i])
		}
	}
}
