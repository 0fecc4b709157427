package lower

import (
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// namespaceLayout says who makes which namespaces.
type namespaceLayout struct {
	clone uintptr // made as the process is started
	tape  uint64  // made on the tape, before the fork if there is one
	user  bool    // a new user namespace, made on the tape
	forks bool
}

// layoutNamespaces divides the work. The kernel puts only children into a new
// or joined PID namespace and into a new time namespace, so that these need
// another fork when they cannot be made as the process is started: the time
// namespace's offsets are written before anybody is in it, and whatever is
// owned by a user namespace is made after that is entered.
func layoutNamespaces(p *plan.Plan, in *Input) namespaceLayout {
	made := p.Namespaces.New
	var l namespaceLayout
	switch {
	case in.UserOnTape:
		l.user = true
		l.tape = made &^ plan.CloneUser
	case p.Namespaces.Path(plan.CloneUser) != "":
		l.tape = made
	case made&plan.CloneTime != 0:
		l.tape = made & (plan.CloneTime | plan.ClonePID | plan.CloneCgroup)
		l.clone = uintptr(made &^ l.tape)
	default:
		l.tape = made & plan.CloneCgroup
		l.clone = uintptr(made &^ plan.CloneCgroup)
	}
	l.forks = l.tape&(plan.CloneTime|plan.ClonePID) != 0 || joinsPIDOnTape(p, in)
	return l
}

func joinsPIDOnTape(p *plan.Plan, in *Input) bool {
	for i, s := range p.Steps {
		switch s := s.(type) {
		case plan.JoinNamespace:
			if plan.NamespaceFlag(s.Type) == plan.ClonePID {
				return in.Fds[i] >= 0
			}
		case plan.JoinContainer:
			return s.Flags&plan.ClonePID != 0 && !in.PIDEntered
		}
	}
	return false
}

func (l *lowerer) namespaceStep(s plan.Step) error {
	switch s := s.(type) {
	case plan.JoinNamespace:
		l.join(l.in.Fds[l.step], plan.NamespaceFlag(s.Type))
	case plan.JoinContainer:
		flags := s.Flags
		if !l.layout.forks {
			flags &^= plan.ClonePID // the runtime has entered it
		}
		l.join(l.in.Fds[l.step], flags)
	case plan.NewNamespaces:
		if l.layout.user {
			l.call(unix.SYS_UNSHARE, num(unix.CLONE_NEWUSER))
			l.ask(MapIDs)
			l.becomeRoot()
		}
		if l.layout.tape != 0 {
			l.call(unix.SYS_UNSHARE, num(int(l.layout.tape)))
		}
	case plan.TimeOffset:
		file := l.cell()
		l.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), l.str("/proc/self/timens_offsets"), num(unix.O_WRONLY|unix.O_CLOEXEC)).Into(file)
		text := s.Clock + " " + strconv.FormatInt(s.Secs, 10) + " " + strconv.FormatUint(uint64(s.Nanos), 10)
		l.call(unix.SYS_WRITE, file.Value(), l.str(text), num(len(text)))
		l.call(unix.SYS_CLOSE, file.Value())
	}
	return nil
}

// join enters the namespaces of fd; -1 stands for what the runtime entered
// before it started the process.
func (l *lowerer) join(fd int, flags uint64) {
	if fd < 0 || flags == 0 {
		return
	}
	l.call(unix.SYS_SETNS, num(fd), num(int(flags)))
	if flags&plan.CloneUser != 0 {
		l.becomeRoot()
	}
}

// becomeRoot takes the user 0 of the user namespace just entered: as a user
// that is not mapped there the init could make no file.
func (l *lowerer) becomeRoot() {
	l.call(unix.SYS_SETGROUPS, num(0), num(0)).Ignore(unix.EPERM)
	l.call(unix.SYS_SETRESGID, num(0), num(0), num(0))
	l.call(unix.SYS_SETRESUID, num(0), num(0), num(0))
}

// enter goes on inside all namespaces, in a child if that is what it takes.
func (l *lowerer) enter() {
	if l.layout.forks {
		child := l.b.NewLabel()
		told := l.b.Buffer(message(Forked, 0))
		l.call(unix.SYS_CLONE, num(unix.CLONE_PARENT|int(unix.SIGCHLD)), num(0), num(0), num(0), num(0)).
			Into(told.Cell(4)).IfZero(child)
		l.call(unix.SYS_WRITE, l.channel.Value(), told.Addr(), num(MessageSize))
		l.call(unix.SYS_EXIT_GROUP, num(0))
		l.b.Bind(child)
		// What the child says must not be heard before its parent has said who it is.
		l.await()
	}
	l.openAttributes()
}

// openAttributes opens, while the host's /proc is in reach, the files by which
// labels are set later: the container's own /proc can be anything.
func (l *lowerer) openAttributes() {
	for _, s := range l.p.Steps {
		switch s := s.(type) {
		case plan.AppArmor:
			l.lsmExec = l.openAttribute("/proc/self/attr/apparmor/exec", "/proc/self/attr/exec")
		case plan.SELinux:
			l.lsmExec = l.openAttribute("/proc/self/attr/exec")
		case plan.Keyring:
			if s.Label != "" {
				l.keyAttr = l.openAttribute("/proc/self/attr/keycreate")
			}
		}
	}
}

func (l *lowerer) openAttribute(paths ...string) tape.Cell {
	file := l.cell()
	done := l.b.NewLabel()
	for i, p := range paths {
		r := l.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), l.str(p), num(unix.O_WRONLY|unix.O_CLOEXEC)).
			Into(file).IfPositive(done)
		if i < len(paths)-1 {
			r.Ignore(unix.ENOENT)
		}
	}
	l.b.Bind(done)
	return file
}
