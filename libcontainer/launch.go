package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/fault"
	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// launch is the start of one process from a plan: a container's init, or a
// program that joins a container. The process is this one's child.
type launch struct {
	plan *plan.Plan
	in   lower.Input
	// files are our descriptors in the order of the child's; own are those
	// of them that are closed once the child has them.
	files []uintptr
	own   []int

	// cpus is what the process is kept to before it is in its cgroup, "" for
	// what the caller is.
	cpus string

	init *lower.Init
	conversation
	pid     int // 0 before it starts and after it is reaped
	started bool
	// followed is told when the init has become another process; it may be nil.
	followed func() error
	// orphans tells that this process is a child subreaper: what a killed hook
	// leaves in the container's PID namespace becomes our child, and its init is
	// not gone before that has been reaped.
	orphans bool
	pidFile string // that was written, "" for none
	// pidfd is -1 when the process forked on its way and pid is the child.
	pidfd int
}

// newLaunch begins with stdio, the preserved descriptors, which have been
// checked (checkPreserved), and the socket.
func newLaunch(p *plan.Plan, preserve int) (*launch, error) {
	l := &launch{plan: p, pidfd: -1, conversation: conversation{sync: -1}}
	l.step = l.stepOfRecord
	for fd := range 3 + preserve {
		l.files = append(l.files, uintptr(fd))
	}
	l.in = lower.Input{Keep: len(l.files), Listen: -1, Fds: make(map[int]int), Blind: blind(p)}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("make a socket for the init process: %w", err)
	}
	l.sync = pair[0]
	l.in.Sync = l.give(pair[1])
	return l, nil
}

// blind tells whether this process may look into one that is not dumpable,
// ptrace(2), if the plan has it become that.
func blind(p *plan.Plan) bool {
	n := p.Namespaces
	if os.Geteuid() != 0 {
		return true
	}
	return (n.New&plan.ClonePID == 0 || len(n.Joined) > 0) && permitted()&(1<<unix.CAP_SYS_PTRACE) == 0
}

// give hands a descriptor of ours over to the child and returns its number there.
func (l *launch) give(fd int) int {
	l.files = append(l.files, uintptr(fd))
	l.own = append(l.own, fd)
	return len(l.files) - 1
}

// cgroupPlace is how the process gets into its control group: by descriptor as
// it is made (fd ≥ 0), or by place, after.
type cgroupPlace struct {
	fd    int
	place func(pid int) error
}

// start makes the tape and starts it. The caller kills the process when a
// later move fails.
func (l *launch) start(at cgroupPlace, mappings *plan.MapIDs) error {
	l.in.Inherited = len(l.files)
	l.in.AwaitPlacement = at.place != nil
	var err error
	if l.init, err = lower.Lower(l.plan, &l.in); err != nil {
		return err
	}
	image, err := tape.Memfd(l.init.Image, state.InitName, l.memfdNumber())
	if err != nil {
		return err
	}
	attr := &syscall.ProcAttr{
		Env:   []string{},
		Files: l.files,
		Sys:   &syscall.SysProcAttr{Cloneflags: l.init.CloneFlags, PidFD: &l.pidfd},
	}
	if at.fd >= 0 {
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, at.fd
	}
	if l.init.CloneFlags&unix.CLONE_NEWUSER != 0 {
		attr.Sys.UidMappings, attr.Sys.GidMappings = sysMappings(mappings.UID), sysMappings(mappings.GID)
		attr.Sys.GidMappingsEnableSetgroups = true
		// An unmapped user would lose its capabilities at the exec.
		attr.Sys.Credential = &syscall.Credential{}
	}
	if l.cpus != "" {
		runtime.LockOSThread() // the child has it from this thread, which keeps it
	}
	if err := setAffinity(0, l.cpus); err != nil {
		image.Close()
		return fmt.Errorf("process.execCPUAffinity.initial: %w", err)
	}
	l.pid, _, err = syscall.StartProcess("/proc/self/fd/"+strconv.Itoa(int(image.Fd())), []string{state.InitName}, attr)
	image.Close()
	l.closeOwn()
	fault.At()
	if err != nil {
		return fmt.Errorf("start the init process: %w", startError(err, l.init.CloneFlags))
	}
	l.started = true
	if at.place != nil {
		if err := at.place(l.pid); err != nil {
			return err
		}
		fault.At()
		return l.reply()
	}
	return nil
}

// startError says what the kernel's word means for clone(2).
func startError(err error, flags uintptr) error {
	switch {
	case errors.Is(err, unix.ENOSPC) && flags&unix.CLONE_NEWUSER != 0:
		return fmt.Errorf("%w: too many or too deeply nested user namespaces (user.max_user_namespaces)", err)
	case errors.Is(err, unix.ENOSPC):
		return fmt.Errorf("%w: too many namespaces (sysctl user.max_*_namespaces)", err)
	case errors.Is(err, unix.EPERM) && os.Geteuid() != 0:
		return fmt.Errorf("%w: without root, linux.namespaces needs a user namespace", err)
	}
	return err
}

// memfdNumber is a descriptor number that the child's own do not reach: those
// are first moved beyond the highest of ours.
func (l *launch) memfdNumber() int {
	highest := len(l.files)
	for _, fd := range l.files {
		highest = max(highest, int(fd))
	}
	return highest + len(l.files) + 2
}

func sysMappings(list []specs.LinuxIDMapping) []syscall.SysProcIDMap {
	out := make([]syscall.SysProcIDMap, len(list))
	for i, m := range list {
		out[i] = syscall.SysProcIDMap{ContainerID: int(m.ContainerID), HostID: int(m.HostID), Size: int(m.Size)}
	}
	return out
}

func (l *launch) closeOwn() {
	for _, fd := range l.own {
		unix.Close(fd)
	}
	l.own = nil
}

// close lets go of everything but the process.
func (l *launch) close() {
	l.closeOwn()
	for _, fd := range [...]*int{&l.sync, &l.pidfd} {
		if *fd >= 0 {
			unix.Close(*fd)
			*fd = -1
		}
	}
}

// untilReady answers the init until it is made, and leaves it waiting for the
// last word, reply.
func (l *launch) untilReady() error {
	if l.init.Forks {
		l.forked = l.follow
		defer func() { l.forked = nil }()
	}
	return l.serve(true)
}

// follow goes on with the child of the process that was started, which is a
// child of ours as well (CLONE_PARENT). One that is not is somebody's whom the
// container wants us to take for its own.
func (l *launch) follow(pid int) error {
	var info unix.Siginfo
	if pid <= 1 || unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) != nil {
		return fmt.Errorf("the init process says that it forked to process %d, which is none of ours", pid)
	}
	reap(l.pid)
	l.pid = pid
	unix.Close(l.pidfd)
	l.pidfd = -1
	if fd, err := unix.PidfdOpen(pid, 0); err == nil {
		l.pidfd = fd
	}
	if l.followed != nil {
		return l.followed()
	}
	return nil
}

// opener makes a pidfd of a process.
type opener func() (pidfd int, err error)

// childOpener opens a child of ours, whose number is no other's before it is
// reaped; for others there is state.Process.Open.
func childOpener(pid int) opener {
	return func() (int, error) { return unix.PidfdOpen(pid, 0) }
}

// kill ends the process for good.
func (l *launch) kill() {
	l.withdraw()
	l.end()
}

// end makes sure that the process is gone, and tells how it ended: by itself, if
// it has done so already. There is nothing to tell of one that was reaped.
func (l *launch) end() (status unix.WaitStatus) {
	if l.pid > 0 {
		_ = unix.Kill(l.pid, unix.SIGKILL)
		status = waitFor(l.pid, l.orphans)
		l.pid = 0
	}
	return status
}

// signal sends a signal to the process, and not to one that got its number once
// another goroutine had reaped it.
func (l *launch) signal(s unix.Signal) {
	if l.pidfd >= 0 {
		_ = unix.PidfdSendSignal(l.pidfd, s, nil, 0)
		return
	}
	_ = unix.Kill(l.pid, s)
}

func reap(pid int) unix.WaitStatus {
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(pid, &status, 0, nil); !errors.Is(err, unix.EINTR) {
			return status
		}
	}
}

// stepOfRecord finds the step of a record of the tape that was started here.
func (l *launch) stepOfRecord(record int) (plan.Step, int) {
	n := l.init.Step(record)
	if n < 0 || n >= len(l.plan.Steps) {
		return nil, 0
	}
	return l.plan.Steps[n], n
}
