package libcontainer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/fault"
	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// conversation is between the runtime and an init: that asks, and waits for an
// answer. It may be one that the container has taken over.
type conversation struct {
	sync int // our end of the socket to the init
	// answer handles a request; fds are what came with it. Ready and Forked
	// never reach it where they are expected.
	answer func(m lower.Message, fds []int) error
	// step finds the plan's step, and its index, of a record of the tape;
	// nil if there is none.
	step func(record int) (plan.Step, int)
	// forked takes another process for the init, once; nil where the plan has
	// it go on as it is.
	forked func(pid int) error
}

// reply lets the init go on.
func (c *conversation) reply() error {
	for {
		_, err := unix.Write(c.sync, []byte{1})
		switch {
		case errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET):
			return errGone
		case !errors.Is(err, unix.EINTR):
			return err
		}
	}
}

// errGone is the end of the stream: the program runs, or the init is dead.
var errGone = errors.New("the init process is gone")

// next reads one message, and the descriptors that came with it.
func (c *conversation) next() (lower.Message, []int, error) {
	buf, oob := make([]byte, lower.MessageSize+1), make([]byte, unix.CmsgSpace(4*4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(c.sync, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if errors.Is(err, unix.ECONNRESET) || err == nil && n == 0 {
			return lower.Message{}, nil, errGone
		}
		if err != nil {
			return lower.Message{}, nil, fmt.Errorf("hear from the init process: %w", err)
		}
		m, err := lower.ParseMessage(buf[:n])
		return m, rights(oob[:oobn]), err
	}
}

func rights(oob []byte) []int {
	var fds []int
	messages, _ := unix.ParseSocketControlMessage(oob)
	for i := range messages {
		more, _ := unix.ParseUnixRights(&messages[i])
		fds = append(fds, more...)
	}
	return fds
}

// untilRunning answers the init until its program runs.
func (c *conversation) untilRunning() error { return c.serve(false) }

func (c *conversation) serve(ready bool) error {
	for {
		m, fds, err := c.next()
		if errors.Is(err, errGone) && !ready {
			return nil
		}
		done := err == nil && ready && m.Request == lower.Ready
		if err == nil && !done {
			err = c.handle(m, fds)
		}
		for _, fd := range fds {
			unix.Close(fd)
		}
		if err != nil || done {
			return err
		}
		if err := c.reply(); err != nil {
			return err
		}
	}
}

func (c *conversation) handle(m lower.Message, fds []int) error {
	switch {
	case m.Request == 0:
		return c.failure(m.Failure)
	case m.Request == lower.Forked && c.forked != nil:
		forked := c.forked
		c.forked = nil
		return forked(int(m.Value))
	case m.Request == lower.Fault:
		fault.Kill()
	}
	return c.answer(m, fds)
}

// failure is the sentence for a system call that failed on the tape.
func (c *conversation) failure(r tape.Report) error {
	step, n := c.step(r.Record)
	if step == nil {
		return fmt.Errorf("the init process failed: %w (record %d of its tape)", r.Errno, r.Record)
	}
	return &StepError{step, n + 1, r.Errno}
}
