package hooks

import (
	"errors"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Run runs hooks one after the other, each with state on its standard input,
// until one fails. It fails when it cannot be started, exits with another status
// than 0, is killed, or is not done after its timeout of so many seconds, after
// which it is killed with its process group. So it is when stop, which may be nil,
// says that no more is wanted. A nil start is In("").
//
// A hook is done when its process has exited: one which leaves a process behind
// that keeps the output open is not waited for, as runc would.
//
// The error names the group, the hook and what it printed last on both streams:
//
//	run createRuntime hook #0 "/bin/hook": exit status 1, stderr: no network
func Run(group Group, list []specs.Hook, state []byte, start Starter, stop *Stop) error {
	for i := range list {
		if err := run(&list[i], state, start, stop); err != nil {
			return &Error{Group: group, Index: i, Path: list[i].Path, Err: err}
		}
	}
	return nil
}

// RunAll is Run but goes on after a hook that failed, and cannot be stopped. It returns the errors, to
// be logged as warnings.
func RunAll(group Group, list []specs.Hook, state []byte, start Starter) []error {
	var failed []error
	for i := range list {
		if err := run(&list[i], state, start, nil); err != nil {
			failed = append(failed, &Error{Group: group, Index: i, Path: list[i].Path, Err: err})
		}
	}
	return failed
}

// Error says which hook failed.
type Error struct {
	Group Group
	Index int // in its list
	Path  string
	Err   error // a system call's, ErrTimeout or what the process exited with
}

func (e *Error) Error() string {
	return "run " + string(e.Group) + " hook #" + strconv.Itoa(e.Index) + " " + strconv.Quote(e.Path) + ": " + e.Err.Error()
}

// Unwrap implements errors.Is.
func (e *Error) Unwrap() error { return e.Err }

// ErrTimeout is in the error of a hook which was killed because its time was
// over.
var ErrTimeout = errors.New("timed out")

// failure is how a hook that ran has failed, with what it said.
type failure struct {
	how            string
	cause          error
	stdout, stderr *capture
}

func (f *failure) Error() string {
	text := f.how
	if s := f.stdout.String(); s != "" {
		text += ", stdout: " + s
	}
	if s := f.stderr.String(); s != "" {
		text += ", stderr: " + s
	}
	return text
}

func (f *failure) Unwrap() error { return f.cause }

func run(h *specs.Hook, state []byte, start Starter, stop *Stop) error {
	if start == nil {
		start = In("")
	}
	if err := stop.asked(); err != nil {
		return err
	}
	s, err := newStreams(state)
	if err != nil {
		return err
	}
	defer s.close()
	var deadline time.Time
	if h.Timeout != nil && *h.Timeout > 0 {
		deadline = time.Now().Add(time.Duration(*h.Timeout) * time.Second)
	}
	pid, err := start(h, uintptr(s.child[0]), uintptr(s.child[1]), uintptr(s.child[2]))
	s.closeChild()
	if err != nil {
		return err
	}
	why := s.attend(pid, deadline, stop)
	if why != nil {
		kill(pid)
	}
	status, err := wait(pid)
	switch {
	case errors.Is(why, ErrTimeout):
		return &failure{"timed out after " + strconv.Itoa(*h.Timeout) + "s", why, &s.stdout, &s.stderr}
	case errors.Is(why, ErrStopped):
		return &failure{why.Error(), why, &s.stdout, &s.stderr}
	case why != nil:
		return why
	case err != nil:
		return err
	}
	return s.outcome(status)
}

// outcome is nil for a hook that did what it should.
func (s *streams) outcome(status unix.WaitStatus) error {
	switch {
	case status.Signaled():
		return &failure{"killed by signal: " + status.Signal().String(), nil, &s.stdout, &s.stderr}
	case status.ExitStatus() != 0:
		return &failure{"exit status " + strconv.Itoa(status.ExitStatus()), nil, &s.stdout, &s.stderr}
	}
	return nil
}

// kill ends the process group that pid leads, and pid itself in case it leads
// none. pid has not been waited for, so it is still that process.
func kill(pid int) {
	_ = unix.Kill(-pid, unix.SIGKILL)
	_ = unix.Kill(pid, unix.SIGKILL)
}

// wait reaps pid and no other child.
func wait(pid int) (status unix.WaitStatus, err error) {
	for {
		if _, err = unix.Wait4(pid, &status, 0, nil); err != unix.EINTR {
			return status, err
		}
	}
}

// capture keeps the last part of a stream, for the error.
type capture struct {
	tail []byte
	lost bool // there was more before
}

// captureLimit is how many bytes of a stream an error shows at most.
const captureLimit = 4096

func (c *capture) add(b []byte) {
	c.tail = append(c.tail, b...)
	if over := len(c.tail) - captureLimit; over > 0 {
		c.tail = c.tail[:copy(c.tail, c.tail[over:])]
		c.lost = true
	}
}

func (c *capture) String() string {
	s := strings.TrimSpace(strings.ToValidUTF8(string(c.tail), "\ufffd"))
	if c.lost {
		s = "…" + s
	}
	return s
}
