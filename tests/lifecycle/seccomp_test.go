package lifecycle

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

func needSeccomp(t *testing.T) {
	t.Helper()
	require.Root(t)
	require.File(t, filepath.Join(filepath.Dir(fixtures.RuntimePath(t)), "gspawn-oci-seccomp"))
}

// filter forbids system calls, or does another thing with them.
func filter(action specs.LinuxSeccompAction, errno uint, names ...string) change {
	return func(s *specs.Spec) {
		s.Linux.Seccomp = &specs.LinuxSeccomp{
			DefaultAction: specs.ActAllow,
			Syscalls:      []specs.LinuxSyscall{{Names: names, Action: action}},
		}
		if action == specs.ActErrno {
			s.Linux.Seccomp.Syscalls[0].ErrnoRet = &errno
		}
	}
}

func TestSeccomp(t *testing.T) {
	needSeccomp(t)
	const status = "grep -E '^Seccomp' /proc/self/status | tr '\\n\\t' '  '"
	t.Run("errno", func(t *testing.T) {
		got := output(t, filter(specs.ActErrno, uint(unix.EXDEV), "mkdir", "mkdirat"), fixtures.Shell("mkdir /x 2>&1; "+status))
		wantIn(t, "mkdir", got, "Invalid cross-device link")
		want(t, "status", got[strings.Index(got, "Seccomp"):], "Seccomp: 2 Seccomp_filters: 1")
	})
	t.Run("with privileges to gain", func(t *testing.T) {
		got := output(t, filter(specs.ActErrno, uint(unix.EXDEV), "mkdir", "mkdirat"), user(1000, 1000), func(s *specs.Spec) { s.Process.NoNewPrivileges = false },
			fixtures.Shell("mkdir /tmp/x 2>&1; "+status))
		wantIn(t, "mkdir", got, "Invalid cross-device link")
		wantIn(t, "status", got, "Seccomp: 2 Seccomp_filters: 1")
	})
	t.Run("kill", func(t *testing.T) {
		c := fixtures.New(t, filter(specs.ActKillProcess, 0, "mkdir", "mkdirat"), fixtures.Args("/bin/mkdir", "/x"))
		if r := c.Run(); r.Code != 128+int(unix.SIGSYS) {
			t.Errorf("run: %+v", r)
		}
	})
	t.Run("exec has the filter, too", func(t *testing.T) {
		c := sleeping(t, filter(specs.ActErrno, uint(unix.EXDEV), "mkdir", "mkdirat"))
		r := c.Do("exec", c.ID, "mkdir", "/x")
		if r.Code == 0 || !strings.Contains(r.Stderr, "Invalid cross-device link") {
			t.Errorf("exec: %+v", r)
		}
	})
	t.Run("none", func(t *testing.T) {
		wantIn(t, "status", output(t, fixtures.Shell(status)), "Seccomp: 0 ")
	})
	t.Run("user namespace", func(t *testing.T) {
		got := output(t, filter(specs.ActErrno, uint(unix.EXDEV), "mkdir", "mkdirat"), fixtures.WithUserNamespace(100000, 65536), fixtures.Shell("mkdir /tmp/x 2>&1; true"))
		wantIn(t, "mkdir", got, "Invalid cross-device link")
	})
	t.Run("unknown name", func(t *testing.T) {
		output(t, filter(specs.ActErrno, 1, "nonesuch_call", "mkdir"))
	})
}

// TestSeccompNotify answers the system calls of a container as its agent.
func TestSeccompNotify(t *testing.T) {
	needSeccomp(t)
	c := fixtures.New(t, filter(specs.ActNotify, 0, "mkdir", "mkdirat"), fixtures.Shell("mkdir /x 2>&1; echo end"))
	socket := filepath.Join(filepath.Dir(c.Bundle), "agent")
	c.Spec.Linux.Seccomp.ListenerPath, c.Spec.Linux.Seccomp.ListenerMetadata = socket, "metadata"
	c.Write()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	agent := make(chan specs.ContainerProcessState, 1)
	go func() { defer close(agent); serveAgent(t, l, agent, true) }()
	r := c.Run()
	if r.Code != 0 || !strings.Contains(r.Stdout, "No medium found") || !strings.Contains(r.Stdout, "end") {
		t.Errorf("run: %+v", r)
	}
	state, ok := <-agent
	if !ok {
		t.Fatal("the agent heard nothing")
	}
	if state.Metadata != "metadata" || state.State.ID != c.ID || state.Pid == 0 || len(state.Fds) != 1 || state.Fds[0] != specs.SeccompFdName {
		t.Errorf("the agent was told %+v", state)
	}
	if state.State.Status != specs.StateCreating || state.State.Pid != state.Pid {
		t.Errorf("of the container itself the agent was told %+v", state.State)
	}
	t.Run("exec", func(t *testing.T) { notifiedOfExec(t, c, l) })
}

// notifiedOfExec: the agent is told of the process, and of the container that it joined.
func notifiedOfExec(t *testing.T, c *fixtures.Container, l *net.UnixListener) {
	c.Spec.Process.Args = []string{"/bin/sleep", "300"}
	c.Write()
	serve := func(answers bool) chan specs.ContainerProcessState {
		agent := make(chan specs.ContainerProcessState, 1)
		go func() { defer close(agent); serveAgent(t, l, agent, answers) }()
		return agent
	}
	agent := serve(false) // sleep makes no directory
	c.Create()
	c.Start()
	<-agent
	agent = serve(true)
	pidFile := c.Bundle + "/exec.pid"
	r := c.Do("exec", "--pid-file", pidFile, c.ID, "/bin/mkdir", "/x")
	if r.Code != 1 || !strings.Contains(r.Stderr, "No medium found") {
		t.Errorf("exec: %+v", r)
	}
	state := <-agent
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "process", strconv.Itoa(state.Pid), string(pid))
	want(t, "the container's process", strconv.Itoa(state.State.Pid), strconv.Itoa(c.State().Pid))
	want(t, "status", string(state.State.Status), string(specs.StateRunning))
	want(t, "ID", state.State.ID, c.ID)
}

// serveAgent takes one listener and answers, if it is to, its first notification with ENOMEDIUM, a word that nothing else says.
func serveAgent(t *testing.T, l *net.UnixListener, heard chan<- specs.ContainerProcessState, answers bool) {
	_ = l.SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	data, control := make([]byte, 64<<10), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := conn.ReadMsgUnix(data, control)
	if err != nil {
		t.Error(err)
		return
	}
	var state specs.ContainerProcessState
	if err := json.Unmarshal(data[:n], &state); err != nil {
		t.Errorf("%v: %s", err, data[:n])
		return
	}
	messages, err := unix.ParseSocketControlMessage(control[:oobn])
	if err != nil || len(messages) != 1 {
		t.Errorf("control message: %v", err)
		return
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Errorf("descriptors: %v %v", fds, err)
		return
	}
	listener := os.NewFile(uintptr(fds[0]), "listener")
	defer listener.Close()
	heard <- state
	if answers {
		refuseCall(t, fds[0])
	}
}

// refuseCall answers one notification, seccomp_unotify(2).
func refuseCall(t *testing.T, fd int) {
	const recv, send = 0xc0502100, 0xc0182101
	var request [80]byte
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), recv, uintptr(unsafe.Pointer(&request))); errno != 0 {
		t.Errorf("receive a notification: %v", errno)
		return
	}
	response := struct {
		id    uint64
		val   int64
		error int32
		flags uint32
	}{id: *(*uint64)(unsafe.Pointer(&request)), error: -int32(unix.ENOMEDIUM)}
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), send, uintptr(unsafe.Pointer(&response))); errno != 0 {
		t.Errorf("answer a notification: %v", errno)
	}
}
