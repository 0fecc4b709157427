// Package lower turns the steps of a plan into the records of a tape: the
// system calls that the init process makes, in order, and what it does when
// one of them answers otherwise than hoped.
//
// Everything inside the root file system is named by descriptor or resolved
// with openat2(RESOLVE_IN_ROOT), never by a path that is joined to another, so
// that no symlink in a hostile image leads outside. The package makes no
// system call itself; it imports plan and tape and leaves alone the machine.
package lower

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/fault"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// Input is what a tape needs and a plan does not know: descriptors that the
// init process inherits, and the compiled seccomp filter.
type Input struct {
	// Keep is the number of descriptors the program gets: stdio and those
	// preserved. All others are closed when it is executed.
	Keep int
	// Sync is the init's end of the socket to the runtime.
	Sync int
	// Listen is the socket on which the init waits for start; -1 if it
	// does not wait.
	Listen int
	// Inherited is the number of descriptors that the init is started with.
	Inherited int
	// Fds are descriptors that belong to a step, by the step's index: the
	// namespace to be joined, a mount that the runtime opened. A value is
	// -1 for what the runtime has done by itself.
	Fds map[int]int
	// AwaitPlacement says that the runtime moves the init to its cgroup,
	// and tells when that is done.
	AwaitPlacement bool
	// FreeCPUs lets the process run on all CPUs of its cgroup, whatever the
	// caller was kept to.
	FreeCPUs bool
	// UserOnTape says that the init makes its new user namespace itself
	// and asks the runtime for the mappings.
	UserOnTape bool
	// Blind says that the runtime may look into a process only if that is dumpable:
	// it is no root, or a root without CAP_SYS_PTRACE.
	Blind bool
	// OwnStdio is a bit mask of those descriptors of 0, 1, 2 that are given
	// to the container's user.
	OwnStdio uint8
	// Filter is the seccomp program as the kernel takes it, with its flags.
	Filter      []byte
	FilterFlags uint64
	// Notify says that the filter has a listener.
	Notify bool
}

// Init is a lowered plan.
type Init struct {
	*tape.Program
	// CloneFlags are the namespaces to be made when the init is started.
	CloneFlags uintptr
	// Targets are what the init may ask the runtime to make.
	Targets []Target
	// Forks says that the started process only makes the namespaces; the
	// init is its child, and a child of the runtime as well (CLONE_PARENT).
	Forks bool
}

type lowerer struct {
	b    *tape.Builder
	p    *plan.Plan
	in   *Input
	step int
	err  error // why the step cannot be lowered

	root     tape.Cell // the root file system's mount
	proc     tape.Cell // the container's procfs; none if it mounts none
	tree     tape.Cell // of the cgroup v1 hierarchies
	empty    tape.Cell // an empty read-only directory, once one is made
	hostProc tape.Cell // the host's /proc, where the container's comes with a namespace
	lsmExec  tape.Cell // attr/exec of the LSM in use
	keyAttr  tape.Cell // attr/keycreate
	channel  tape.Cell // where the init is heard now: the runtime's socket, later start's

	userCaps tape.Buffer // the capabilities the init has, see setUser
	asUser   bool

	hidden  bool              // it is not dumpable
	files   tape.Buffer       // the limit of open files, while it is raised
	stat    tape.Buffer       // a struct statx
	filled  map[int]tape.Cell // mounts that a later step makes read-only, by their own
	targets []Target
	onPath  bool              // the root may lie on its own path and not on /
	shared  bool              // the mounts of the host are shared with it
	sources map[int]tape.Cell // what later steps bind from the host, by step; clones of that if shared

	hows    map[[3]uint64]tape.Arg
	dirs    map[string]tape.Cell
	layout  namespaceLayout
	entered bool
}

// Lower makes the tape of a plan.
func Lower(p *plan.Plan, in *Input) (*Init, error) {
	l := &lowerer{b: tape.New(), p: p, in: in}
	l.layout = layoutNamespaces(p, in)
	l.channel = l.b.Cell(uint64(in.Sync))
	l.root = l.b.Cell(^uint64(99))
	l.b.Init(l.b.ReportFD(), uint64(in.Sync))
	l.prologue()
	for i, s := range p.Steps {
		if p.Phases[i] == plan.Prepare {
			continue
		}
		l.step = i
		l.b.Step(i)
		l.enterBefore(s)
		if err := l.lower(s); err != nil {
			return nil, fmt.Errorf("assemble plan step %d, %s: %w", i, s, err)
		}
		l.fault(i)
	}
	program, err := l.b.Program()
	if err != nil {
		return nil, err
	}
	return &Init{program, l.layout.clone, l.targets, l.layout.forks}, nil
}

// prologue comes before all steps: nothing but what the program is to keep
// stays open when it is executed, and file modes are those that are written.
func (l *lowerer) prologue() {
	l.b.Step(-1)
	l.call(unix.SYS_CLOSE_RANGE, num(l.in.Keep), num(int(^uint32(0))), num(unix.CLOSE_RANGE_CLOEXEC))
	l.call(unix.SYS_UMASK, num(0))
	l.defaultSignals()
	l.hideFromOthers()
	l.raiseFiles()
	l.holdProc()
	if l.in.AwaitPlacement {
		l.await()
	}
	if l.in.FreeCPUs {
		const size = 1024 // bytes, of the largest set that Linux can be built for
		l.call(unix.SYS_SCHED_SETAFFINITY, num(0), num(size), l.b.Bytes(bytes.Repeat([]byte{0xff}, size))).IgnoreAny()
	}
}

// defaultSignals undoes what a caller had ignored or blocked: nohup(1), shells
// with job control, and the C library's posix_spawn(3), which leaves its own
// signals ignored. For others than these the Go runtime has a handler where the
// caller ignored one, and handlers end with the exec.
func (l *lowerer) defaultSignals() {
	const sigCancel, sigSetXID, sigSynccall = 32, 33, 34
	none := l.b.Bytes(words(0, 0, 0, 0)) // an empty signal set, and SIG_DFL
	for _, signal := range [...]unix.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGCONT, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, sigCancel, sigSetXID, sigSynccall,
	} {
		l.call(unix.SYS_RT_SIGACTION, num(int(signal)), none, num(0), num(8))
	}
	l.call(unix.SYS_RT_SIGPROCMASK, num(unix.SIG_SETMASK), none, num(0), num(8))
}

// lower appends the records of a step; each part knows its own.
func (l *lowerer) lower(s plan.Step) error {
	switch {
	case l.mountStep(s), l.deviceStep(s), l.rootStep(s), l.processStep(s), l.namespaceStep(s), l.limitStep(s),
		l.confineStep(s), l.syncStep(s), l.bootStep(s):
		return l.err
	}
	return errors.New("no system call is known for this step")
}

// fault kills somebody at the end of a step if a test wants that.
func (l *lowerer) fault(step int) {
	switch fault.AfterStep(step) {
	case fault.Runtime:
		l.ask(Fault)
	case fault.Init:
		l.call(unix.SYS_EXIT_GROUP, num(128+int(unix.SIGKILL)))
	}
}

// enterBefore ends the part of the tape that makes namespaces, at the first
// step that is about something else.
func (l *lowerer) enterBefore(s plan.Step) {
	switch s.(type) {
	case plan.OOMScore, plan.JoinNamespace, plan.JoinContainer, plan.NewNamespaces, plan.TimeOffset:
	default:
		if !l.entered {
			l.entered = true
			l.enter()
		}
	}
}

// call appends a record of the current step.
func (l *lowerer) call(nr uintptr, args ...tape.Arg) tape.Record { return l.b.Call(nr, args...) }

func num(v int) tape.Arg { return tape.Const(int64(v)) }

func (l *lowerer) str(s string) tape.Arg { return l.b.String(s) }

// cell makes a cell for a descriptor. Until something is stored, it holds -1:
// used too early, it is a bad descriptor and not standard input.
func (l *lowerer) cell() tape.Cell { return l.b.Cell(0xffffffff) }

// how is the struct open_how of openat2(2).
func (l *lowerer) how(flags, resolve uint64) tape.Arg {
	key := [3]uint64{flags | unix.O_CLOEXEC, 0, resolve}
	if a, ok := l.hows[key]; ok {
		return a
	}
	if l.hows == nil {
		l.hows = make(map[[3]uint64]tape.Arg)
	}
	a := l.b.Bytes(words(key[:]...))
	l.hows[key] = a
	return a
}

// words are 64-bit numbers as they lie in memory; both supported machines are
// little-endian.
func words(values ...uint64) []byte {
	out := make([]byte, 0, 8*len(values))
	for _, v := range values {
		for i := 0; i < 64; i += 8 {
			out = append(out, byte(v>>i))
		}
	}
	return out
}

const (
	inRoot     = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS
	noSymlinks = inRoot | unix.RESOLVE_NO_SYMLINKS
)

// openIn opens a path below dir, which no symlink can leave. When something is
// renamed or mounted meanwhile, anywhere on the machine, the kernel cannot be
// sure that ".." did not, and says EAGAIN.
func (l *lowerer) openIn(dir tape.Cell, path string, flags, resolve uint64) tape.Record {
	return l.call(unix.SYS_OPENAT2, dir.Value(), l.str(relative(path)), l.how(flags, resolve), num(24)).Retry(unix.EAGAIN)
}

// relative is the path as seen from the root; "." for the root itself.
func relative(path string) string {
	for len(path) > 0 && path[0] == '/' {
		path = path[1:]
	}
	if path == "" {
		return "."
	}
	return path
}
