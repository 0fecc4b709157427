package lower

import (
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// Request is what an init process asks of the runtime, or tells it. The
// runtime answers each with one message of any content; an init that reads the
// end of the stream instead has lost its runtime, and exits.
type Request uint32

// The requests.
const (
	// MapIDs: write the mappings of my new user namespace.
	MapIDs Request = 1 + iota
	// Forked: I am done, my child Value (a process ID) goes on, and waits for
	// the answer.
	Forked
	// Console: here is the terminal's other end (SCM_RIGHTS).
	Console
	// CopyUp: copy a directory to a new file system, both in SCM_RIGHTS,
	// for plan step Value.
	CopyUp
	// CreateHooks and StartHooks: run these hooks.
	CreateHooks
	StartHooks
	// Ready: I am created.
	Ready
	// Hold: keep this fifo open as long as the container lives.
	Hold
	// Notify: here is the socket of the container's notifications.
	Notify
	// Fault: the runtime is to be killed here (package fault).
	Fault
	// Listener: descriptor Value of mine is the seccomp listener.
	Listener
	// Network: do plan step Value to my network namespace.
	Network
	// MakeTarget: a symlink dangles on the way to target Value, make it below the
	// root in SCM_RIGHTS; like the mount that comes with it, else a directory.
	MakeTarget

	// A new request stands here: an init that waits for its start may be one of
	// the version before.
	lastRequest = MakeTarget
)

// MessageSize is the size in bytes of a request and of a tape's report.
const MessageSize = tape.ReportSize

// Message is what came from an init process.
type Message struct {
	Request Request
	Value   uint32
	// Failure is the report of a failed call when Request is 0.
	Failure tape.Report
}

// ErrMessage is the error of ParseMessage for bytes that no init sends.
var ErrMessage = errors.New("unknown message from the init process")

// ParseMessage reads one message of an init process.
func ParseMessage(b []byte) (Message, error) {
	if len(b) != MessageSize {
		return Message{}, ErrMessage
	}
	request := Request(binary.LittleEndian.Uint32(b))
	if request >= MapIDs && request <= lastRequest {
		return Message{Request: request, Value: binary.LittleEndian.Uint32(b[4:])}, nil
	}
	report, err := tape.ParseReport([MessageSize]byte(b))
	if err != nil {
		return Message{}, ErrMessage
	}
	return Message{Failure: report}, nil
}

func message(r Request, value uint32) []byte {
	b := make([]byte, MessageSize)
	binary.LittleEndian.PutUint32(b, uint32(r))
	binary.LittleEndian.PutUint32(b[4:], value)
	return b
}

// tell sends a request without waiting for an answer.
func (l *lowerer) tell(r Request, value uint32) {
	l.call(unix.SYS_WRITE, l.channel.Value(), l.b.Bytes(message(r, value)), num(MessageSize))
}

// await reads one answer; at the end of the stream it exits.
func (l *lowerer) await() {
	goOn := l.b.NewLabel()
	answer := l.b.Buffer(make([]byte, 8))
	l.call(unix.SYS_READ, l.channel.Value(), answer.Addr(), num(8)).Retry(unix.EINTR).IfPositive(goOn)
	l.call(unix.SYS_EXIT_GROUP, num(1))
	l.b.Bind(goOn)
}

func (l *lowerer) ask(r Request) {
	l.tell(r, 0)
	l.await()
}

// send sends a request with descriptors, and waits for the answer.
func (l *lowerer) send(r Request, value uint32, fds ...tape.Cell) {
	control := make([]byte, unix.CmsgSpace(4*len(fds)))
	binary.LittleEndian.PutUint64(control, uint64(unix.CmsgLen(4*len(fds))))
	binary.LittleEndian.PutUint32(control[8:], unix.SOL_SOCKET)
	binary.LittleEndian.PutUint32(control[12:], unix.SCM_RIGHTS)
	buffer := l.b.Buffer(append(control, make([]byte, 8)...))
	for i, fd := range fds {
		// A cell is twice as long as a descriptor: what it overwrites
		// is the next descriptor, stored after it, or padding.
		l.b.Set(buffer.Cell(16+4*i), fd.Value())
	}
	iov := l.b.Bytes(words(l.b.Bytes(message(r, value)).Address(), MessageSize))
	header := l.b.Bytes(words(0, 0, iov.Address(), 1, buffer.Addr().Address(), uint64(unix.CmsgLen(4*len(fds))), 0))
	l.call(unix.SYS_SENDMSG, l.channel.Value(), header, num(unix.MSG_NOSIGNAL))
	l.await()
}

func (l *lowerer) syncStep(s plan.Step) bool {
	switch s := s.(type) {
	case plan.RunHooks:
		if s.Phase == plan.HooksStart {
			l.ask(StartHooks)
		} else {
			l.shownToBlind(func() { l.ask(CreateHooks) }) // which enter its namespaces
		}
	case plan.NetDevice, plan.VethPair:
		l.tell(Network, uint32(l.step))
		l.await()
	case plan.Ready:
		l.closeScratch()
		l.restoreFiles()
		l.showAtLast()
		l.ask(Ready)
	case plan.WaitStart:
		l.waitStart()
	default:
		return false
	}
	return true
}

// closeScratch lets go of the descriptors that only the steps before needed,
// so that a container which waits for its start holds on to nothing. Those
// that are still needed were opened first and have the lowest numbers.
func (l *lowerer) closeScratch() {
	first := l.in.Inherited
	for _, c := range [...]tape.Cell{l.lsmExec, l.keyAttr} {
		if c != 0 {
			first++
		}
	}
	l.call(unix.SYS_CLOSE_RANGE, num(first), num(int(^uint32(0))), num(0))
}

// waitStart waits for a connection of `start`, which from then on hears what
// becomes of the container: the end of the stream when the program runs.
func (l *lowerer) waitStart() {
	l.call(unix.SYS_ACCEPT4, num(l.in.Listen), num(0), num(0), num(unix.SOCK_CLOEXEC)).
		Into(l.channel).Retry(unix.EINTR)
	l.b.Set(l.b.ReportFD(), l.channel.Value())
}
