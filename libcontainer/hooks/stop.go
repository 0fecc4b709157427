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
}

// ErrStopped is in the error of a hook that was killed, or not begun, because the
// command was asked to stop.
var ErrStopped = errors.New("stopped")

// fd is -1, which poll(2) passes over, where there is no Stop.
func (s *Stop) fd() int {
	if s == nil {
		return -1
	}
	return s.FD
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
