package lower

import (
	"slices"
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
	l.forks = l.tape&(plan.CloneTime|plan.ClonePID) != 0 || joinsPID(p)
	return l
}

func joinsPID(p *plan.Plan) bool {
	for _, s := range p.Steps {
		switch s := s.(type) {
		case plan.JoinNamespace:
			if plan.NamespaceFlag(s.Type) == plan.ClonePID {
				return true
			}
		case plan.JoinContainer:
			return s.Flags&plan.ClonePID != 0
		}
	}
	return false
}

func (l *lowerer) namespaceStep(s plan.Step) bool {
	switch s := s.(type) {
	case plan.OOMScore:
		// While /proc is the host's and shows us. A fork later on inherits it.
		l.shown(func() { l.writeFile("/proc/self/oom_score_adj", strconv.Itoa(s.Value)) })
	case plan.JoinNamespace:
		l.hide()
		l.join(l.in.Fds[l.step], plan.NamespaceFlag(s.Type))
	case plan.JoinContainer:
		l.join(l.in.Fds[l.step], s.Flags)
	case plan.NewNamespaces:
		if l.layout.user {
			l.call(unix.SYS_UNSHARE, num(unix.CLONE_NEWUSER))
			l.shown(func() { l.ask(MapIDs) })
			l.becomeRoot()
		}
		if l.layout.tape != 0 {
			l.call(unix.SYS_UNSHARE, num(int(l.layout.tape)))
		}
	case plan.TimeOffset:
		l.shown(func() {
			l.writeFile("/proc/self/timens_offsets",
				s.Clock+" "+strconv.FormatInt(s.Secs, 10)+" "+strconv.FormatUint(uint64(s.Nanos), 10))
		})
	default:
		return false
	}
	return true
}

// writeFile writes a file of the host's procfs.
func (l *lowerer) writeFile(path, text string) {
	file := l.cell()
	l.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), l.str(path), num(unix.O_WRONLY|unix.O_CLOEXEC)).Into(file)
	l.call(unix.SYS_WRITE, file.Value(), l.str(text), num(len(text)))
	l.call(unix.SYS_CLOSE, file.Value())
}

// join enters the namespaces of fd.
func (l *lowerer) join(fd int, flags uint64) {
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

// changeRoot makes an inherited directory the root and the working directory.
func (l *lowerer) changeRoot(fd int) {
	l.call(unix.SYS_FCHDIR, num(fd))
	l.call(unix.SYS_CHROOT, l.str("."))
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

// labelled tells whether there are labels to be set for the program or its keys.
func (l *lowerer) labelled() bool {
	return slices.ContainsFunc(l.p.Steps, func(s plan.Step) bool {
		switch s := s.(type) {
		case plan.AppArmor, plan.SELinux:
			return true
		case plan.Keyring:
			return s.Label != ""
		}
		return false
	})
}

// joinsMounts tells whether the init enters a mount namespace that exists, and
// with it somebody else's /proc.
func (l *lowerer) joinsMounts() bool {
	return slices.ContainsFunc(l.p.Steps, func(s plan.Step) bool {
		switch s := s.(type) {
		case plan.JoinNamespace:
			return plan.NamespaceFlag(s.Type) == plan.CloneMount
		case plan.JoinContainer:
			return s.Flags&plan.CloneMount != 0
		}
		return false
	})
}

// holdProc keeps the host's /proc for openAttributes, beyond the numbers that
// closeScratch leaves open.
func (l *lowerer) holdProc() {
	if !l.joinsMounts() || !l.labelled() {
		return
	}
	const attributes = 2
	first := l.cell()
	l.hostProc = l.cell()
	l.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), l.str("/proc"), num(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)).Into(first)
	l.call(unix.SYS_FCNTL, first.Value(), num(unix.F_DUPFD_CLOEXEC), num(l.in.Inherited+attributes)).Into(l.hostProc)
	l.close(first)
}

// openAttributes opens, in the host's /proc, the files by which labels are set
// later: the container's own /proc can be anything. The kernel lets nobody but
// the process itself write to them, so it is not done before the last fork.
func (l *lowerer) openAttributes() {
	for i, s := range l.p.Steps {
		l.b.Step(i)
		switch s := s.(type) {
		case plan.AppArmor:
			l.lsmExec = l.openAttribute("apparmor/exec", "exec")
		case plan.SELinux:
			l.lsmExec = l.openAttribute("exec")
		case plan.Keyring:
			if s.Label != "" {
				l.keyAttr = l.openAttribute("keycreate")
			}
		}
	}
	l.b.Step(l.step)
	if l.hostProc != 0 {
		l.close(l.hostProc)
	}
}

func (l *lowerer) openAttribute(names ...string) tape.Cell {
	file := l.cell()
	done := l.b.NewLabel()
	dir, prefix := num(unix.AT_FDCWD), "/proc/self/attr/"
	if l.hostProc != 0 {
		dir, prefix = l.hostProc.Value(), "self/attr/"
	}
	for i, name := range names {
		r := l.call(unix.SYS_OPENAT, dir, l.str(prefix+name), num(unix.O_WRONLY|unix.O_CLOEXEC)).
			Into(file).IfPositive(done)
		if i < len(names)-1 {
			r.Ignore(unix.ENOENT)
		}
	}
	l.b.Bind(done)
	return file
}
