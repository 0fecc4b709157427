package hooks

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Stop is how the one who waits for hooks learns that they are not wanted any more.
type Stop struct {
	// FD becomes readable, as an eventfd(2), when Signal may have something to tell.
	FD int
	// Signal is the signal by which the command was asked to stop, 0 if it was not.
	Signal func() unix.Signal
	// Init is a pidfd of the container's init, without which the hooks are for
	// nothing; 0 if they are for more.
	Init int
}

// ErrInitGone is in the error of a hook that was killed because the container's
// init had ended.
var ErrInitGone = errors.New("the container's init process has ended")

// ErrStopped is in the error of a hook that was killed, or not begun, because the
// command was asked to stop.
var ErrStopped = errors.New("stopped")

// fds are -1, which poll(2) passes over, where there is none.
func (s *Stop) fds() (wake, init int) {
	switch {
	case s == nil:
		return -1, -1
	case s.Init == 0:
		return s.FD, -1
	}
	return s.FD, s.Init
}

// asked tells with ErrStopped that the command was asked to stop.
func (s *Stop) asked() error {
	if s == nil {
		return nil
	}
	var count [8]byte
	_, _ = unix.Read(s.FD, count[:]) // before the look, so that nothing is missed
	if got := s.Signal(); got != 0 {
		return fmt.Errorf("%w by a signal to this command: %s", ErrStopped, got)
	}
	return nil
}
