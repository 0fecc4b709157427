package lower

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/caps"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

func (l *lowerer) processStep(s plan.Step) bool {
	switch s := s.(type) {
	case plan.NewSession:
		l.call(unix.SYS_SETSID).Ignore(unix.EPERM)
	case plan.DieWithRuntime:
		l.call(unix.SYS_PRCTL, num(unix.PR_SET_PDEATHSIG), num(int(unix.SIGKILL)))
	case plan.Hostname:
		l.call(unix.SYS_SETHOSTNAME, l.str(s.Name), num(len(s.Name)))
	case plan.Domainname:
		l.call(unix.SYS_SETDOMAINNAME, l.str(s.Name), num(len(s.Name)))
	case plan.Keyring:
		l.keyring(&s)
	case plan.Personality:
		l.call(unix.SYS_PERSONALITY, num(int(s.Value())))
	case plan.MemoryPolicy:
		l.memoryPolicy(&s)
	case plan.SetUser:
		l.setUser(&s)
	case plan.ChangeDir:
		dir := l.cell()
		l.call(unix.SYS_OPENAT2, num(unix.AT_FDCWD), l.str("/"+relative(s.Path)),
			l.how(unix.O_PATH|unix.O_DIRECTORY, inRoot), num(24)).Into(dir).Retry(unix.EAGAIN)
		l.call(unix.SYS_FCHDIR, dir.Value())
		l.close(dir)
	case plan.CheckProgram:
		l.checkProgram(&s)
	case plan.Execute:
		l.execute(&s)
	default:
		return false
	}
	return true
}

func (l *lowerer) memoryPolicy(s *plan.MemoryPolicy) {
	nodes := num(0)
	if len(s.Nodes) > 0 {
		nodes = l.b.Bytes(words(s.Nodes...))
	}
	l.call(unix.SYS_SET_MEMPOLICY, num(int(s.Mode)), nodes, num(64*len(s.Nodes)+1))
}

// keyring gives the kernel's usual permissions for a session keyring, and lets
// processes of the same user search it, as runc does.
func (l *lowerer) keyring(s *plan.Keyring) {
	const userMaySearch = 0x3f130000 | 0x00080000
	ring, done := l.cell(), l.b.NewLabel()
	if s.Label != "" {
		l.call(unix.SYS_WRITE, l.keyAttr.Value(), l.str(s.Label), num(len(s.Label)))
	}
	l.call(unix.SYS_KEYCTL, num(unix.KEYCTL_JOIN_SESSION_KEYRING), l.str(s.Name)).Into(ring).On(unix.ENOSYS, done)
	l.call(unix.SYS_KEYCTL, num(unix.KEYCTL_SETPERM), ring.Value(), num(userMaySearch))
	l.b.Bind(done)
}

// setUser changes the user. Capabilities stay permitted and are made effective
// again, as the steps that are left need them; the last of those takes them.
func (l *lowerer) setUser(s *plan.SetUser) {
	for fd := range 3 {
		if l.in.OwnStdio>>fd&1 != 0 {
			l.call(unix.SYS_FCHOWN, num(fd), num(int(s.UID)), num(-1)).Ignore(unix.EINVAL, unix.EPERM, unix.EROFS)
		}
	}
	umask := 0o022
	if s.Umask != nil {
		umask = int(*s.Umask)
	}
	l.call(unix.SYS_UMASK, num(umask))
	l.asUser = s.UID != 0
	if l.asUser {
		l.call(unix.SYS_PRCTL, num(unix.PR_SET_KEEPCAPS), num(1))
	}
	if !s.NoGroups {
		groups := make([]byte, 0, 4*len(s.Groups))
		for _, g := range s.Groups {
			groups = binary.LittleEndian.AppendUint32(groups, g)
		}
		list := num(0)
		if len(groups) > 0 {
			list = l.b.Bytes(groups)
		}
		set := l.call(unix.SYS_SETGROUPS, num(len(s.Groups)), list)
		if n := l.p.Namespaces; len(s.Groups) == 0 && n.New&plan.CloneUser == 0 && n.Has(plan.CloneUser) {
			// Somebody else's user namespace may deny it, setgroups(2).
			set.Ignore(unix.EPERM)
		}
	}
	id := func(v uint32) tape.Arg { return num(int(v)) }
	l.call(unix.SYS_SETRESGID, id(s.GID), id(s.GID), id(s.GID))
	l.call(unix.SYS_SETRESUID, id(s.UID), id(s.UID), id(s.UID))
	if l.asUser {
		l.raisePermitted()
	}
}

// Offsets in the 24 bytes that capget(2) fills: the low halves of the
// effective, permitted and inheritable sets, then the high halves.
const (
	capEffective, capPermitted         = 0, 4
	capEffectiveHigh, capPermittedHigh = 12, 16
)

// raisePermitted makes all permitted capabilities effective. The tape can move
// eight bytes at a time and no less, so that the order of the moves matters.
func (l *lowerer) raisePermitted() {
	now := l.b.Buffer(make([]byte, 24+8))
	l.call(unix.SYS_CAPGET, l.capHeader(), now.Addr())
	l.userCaps = l.b.Buffer(make([]byte, 24+8))
	l.b.Set(l.userCaps.Cell(capEffective), now.Cell(capPermitted).Value())
	l.b.Set(l.userCaps.Cell(capPermitted), now.Cell(capPermitted).Value())
	l.b.Set(l.userCaps.Cell(capEffectiveHigh), now.Cell(capPermittedHigh).Value())
	l.b.Set(l.userCaps.Cell(capPermittedHigh), now.Cell(capPermittedHigh).Value())
	l.call(unix.SYS_CAPSET, l.capHeader(), l.userCaps.Addr())
}

// withEffective runs check with no more than these capabilities effective.
func (l *lowerer) withEffective(effective uint64, check func()) {
	if !l.asUser {
		check()
		return
	}
	data := make([]byte, 24+8)
	binary.LittleEndian.PutUint32(data[capEffective:], uint32(effective))
	binary.LittleEndian.PutUint32(data[capEffectiveHigh:], uint32(effective>>32))
	lowered := l.b.Buffer(data)
	l.b.Set(lowered.Cell(capPermitted), l.userCaps.Cell(capPermitted).Value())
	l.b.Set(lowered.Cell(capPermittedHigh), l.userCaps.Cell(capPermittedHigh).Value())
	l.call(unix.SYS_CAPSET, l.capHeader(), lowered.Addr())
	check()
	l.call(unix.SYS_CAPSET, l.capHeader(), l.userCaps.Addr())
}

func (l *lowerer) capHeader() tape.Arg {
	h := caps.Header()
	return l.b.Bytes(h[:])
}

// checkProgram fails as execve(2) would, on the last of the candidates.
func (l *lowerer) checkProgram(s *plan.CheckProgram) {
	l.withEffective(s.Effective, func() {
		found := l.b.NewLabel()
		for i, c := range s.Candidates {
			next, file := l.b.NewLabel(), l.b.NewLabel()
			dir := l.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), l.str(c), num(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)).
				On(unix.ENOTDIR, file)
			if i < len(s.Candidates)-1 {
				dir.On(unix.ENOENT, next).On(unix.EACCES, next)
				l.b.Goto(next)
			} else {
				// A directory cannot be opened for writing: EISDIR.
				l.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), l.str(c), num(unix.O_WRONLY|unix.O_CLOEXEC))
			}
			l.b.Bind(file)
			access := l.call(unix.SYS_FACCESSAT2, num(unix.AT_FDCWD), l.str(c), num(unix.X_OK), num(unix.AT_EACCESS))
			if i < len(s.Candidates)-1 {
				access.On(unix.EACCES, next).On(unix.ENOTDIR, next).IfZero(found)
			}
			l.b.Bind(next)
		}
		if len(s.Candidates) == 0 {
			l.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), l.str(""), num(unix.O_PATH)) // ENOENT
		}
		l.b.Bind(found)
	})
}

func (l *lowerer) execute(s *plan.Execute) {
	argv, envp := l.vector(s.Args), l.vector(s.Env)
	for i, c := range s.Candidates {
		r := l.call(unix.SYS_EXECVE, l.str(c), argv, envp)
		if i < len(s.Candidates)-1 {
			r.Ignore(unix.ENOENT, unix.ENOTDIR, unix.EACCES)
		}
	}
}

func (l *lowerer) vector(list []string) tape.Arg {
	args := make([]tape.Arg, len(list))
	for i, s := range list {
		args[i] = l.str(s)
	}
	return l.b.Pointers(args...)
}

func (l *lowerer) confineStep(s plan.Step) bool {
	switch s := s.(type) {
	case plan.AppArmor:
		text := "exec " + s.Profile
		l.call(unix.SYS_WRITE, l.lsmExec.Value(), l.str(text), num(len(text)))
	case plan.SELinux:
		l.call(unix.SYS_WRITE, l.lsmExec.Value(), l.str(s.Label), num(len(s.Label)))
	case plan.NoNewPrivileges:
		l.call(unix.SYS_PRCTL, num(unix.PR_SET_NO_NEW_PRIVS), num(1), num(0), num(0), num(0))
	case plan.DropBounding:
		l.dropBounding(s.Keep)
	case plan.Capabilities:
		l.capabilities(s.Sets)
	case plan.Seccomp:
		l.seccomp()
	default:
		return false
	}
	return true
}

func (l *lowerer) dropBounding(keep uint64) {
	end := l.b.NewLabel()
	for n := range 64 {
		if keep>>n&1 == 0 {
			// EINVAL: the kernel knows no capability of this number or above.
			l.call(unix.SYS_PRCTL, num(unix.PR_CAPBSET_DROP), num(n), num(0), num(0), num(0)).On(unix.EINVAL, end)
		}
	}
	l.b.Bind(end)
}

func (l *lowerer) capabilities(s caps.Sets) {
	data := s.Data()
	l.call(unix.SYS_CAPSET, l.capHeader(), l.b.Bytes(data[:]))
	l.call(unix.SYS_PRCTL, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_CLEAR_ALL), num(0), num(0), num(0))
	for n := 0; s.Ambient>>n != 0; n++ {
		if s.Ambient>>n&1 != 0 {
			l.call(unix.SYS_PRCTL, num(unix.PR_CAP_AMBIENT), num(unix.PR_CAP_AMBIENT_RAISE), num(n), num(0), num(0))
		}
	}
}

// seccomp installs the filter. With a listener, the runtime fetches it by
// number before the program runs, as the filter may forbid to send it.
func (l *lowerer) seccomp() {
	const setModeFilter = 1
	program := l.b.Bytes(l.in.Filter)
	fprog := l.b.Bytes(words(uint64(len(l.in.Filter)/8), program.Address()))
	r := l.call(unix.SYS_SECCOMP, num(setModeFilter), num(int(l.in.FilterFlags)), fprog)
	if !l.in.Notify {
		return
	}
	told := l.b.Buffer(message(Listener, 0))
	r.Into(told.Cell(4))
	l.call(unix.SYS_WRITE, l.channel.Value(), told.Addr(), num(MessageSize))
	l.await()
}
