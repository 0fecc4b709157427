package notify

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestParseAndFilter(t *testing.T) {
	for _, c := range []struct {
		name, in, out string
		level         int
	}{
		{"ready", "READY=1", "READY=1\n", 0},
		{"not ready", "READY=0\n", "", 0},
		{"status", "STATUS=Starting…\n", "STATUS=Container running: Starting…\n", 0},
		{"both", "READY=1\nSTATUS=x=y\n", "READY=1\nSTATUS=Container running: x=y\n", 0},
		{"empty status", "STATUS=", "STATUS=Container running: \n", 0},
		{"what systemd sends", "X_SYSTEMD_SIGNALS_LEVEL=2\nX_SYSTEMD_HOSTNAME=h\nX_SYSTEMD_MACHINE_ID=1", "", 2},
		{"not for the host", "FDSTORE=1\nMAINPID=1\nWATCHDOG=1\nRELOADING=1\nEXIT_STATUS=0\nSTOPPING=1\nBARRIER=1", "", 0},
		{"control characters", "STATUS=a\x1b[2J\x00b\xff", "STATUS=Container running: a?[2J?b?\n", 0},
		{"bad level", "X_SYSTEMD_SIGNALS_LEVEL=-1", "", 0},
	} {
		m := Parse(c.in)
		if got := m.Filter(); got != c.out || m.SignalsLevel != c.level {
			t.Errorf("%s: %q level %d, want %q %d", c.name, got, m.SignalsLevel, c.out, c.level)
		}
	}
	if got := Started(7, true); strings.Contains(got, "READY") || !strings.Contains(got, "X_NSPAWN_LEADER_PID=7\n") {
		t.Errorf("Started = %q", got)
	}
	if got := Started(7, false); !strings.HasPrefix(got, "READY=1\n") {
		t.Errorf("Started = %q", got)
	}
	if Stopping(true) == Stopping(false) {
		t.Error("a restart is not told from an end")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("READY=1\nSTATUS=x\n")
	f.Add("STATUS=\x1b\xff\n\n=")
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range strings.Split(strings.TrimSuffix(Parse(text).Filter(), "\n"), "\n") {
			if line != "" && line != "READY=1" && !strings.HasPrefix(line, "STATUS=Container running: ") {
				t.Errorf("%q came through", line)
			}
		}
	})
}

// listen makes the socket as the tape and the runtime do: see notifySocket in
// package lower.
func listen(t *testing.T) (*os.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	socket := os.NewFile(uintptr(fd), "notify")
	t.Cleanup(func() { socket.Close() })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1); err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	return socket, path
}

func TestProxyTakesPIDOneOnly(t *testing.T) {
	socket, path := listen(t)
	// Another process speaks first; what it says must not come out.
	if os.Getenv("NOTIFY_TEST_CHILD") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=TestSpeakAsChild")
		cmd.Env = append(os.Environ(), "NOTIFY_TEST_CHILD="+path)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := Send(path, strings.Repeat("x", maxDatagram)+"\nREADY=1"); err != nil {
		t.Fatal(err)
	}
	if err := Send(path, "STATUS=mine"); err != nil {
		t.Fatal(err)
	}
	m, err := NewProxy(socket, os.Getpid()).Next()
	if err != nil || m.Ready || m.Status != "mine" {
		t.Errorf("Next = %+v, %v", m, err)
	}
}

func TestSpeakAsChild(t *testing.T) {
	path := os.Getenv("NOTIFY_TEST_CHILD")
	if path == "" {
		t.Skip("is run by TestProxyTakesPIDOneOnly")
	}
	if err := Send(path, "READY=1\nSTATUS=a stranger's"); err != nil {
		t.Fatal(err)
	}
}

func TestProxyClosesDescriptors(t *testing.T) {
	socket, path := listen(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pipe[0])
	if err := unix.Sendmsg(fd, []byte("FDSTORE=1\nREADY=1"), unix.UnixRights(pipe[1]), &unix.SockaddrUnix{Name: path}, 0); err != nil {
		t.Fatal(err)
	}
	unix.Close(pipe[1])
	m, err := NewProxy(socket, os.Getpid()).Next()
	if err != nil || !m.Ready {
		t.Fatalf("Next = %+v, %v", m, err)
	}
	// The pipe's last writer is gone: its end is read, not "try again".
	if n, err := unix.Read(pipe[0], make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("a descriptor of the container's stays open: %d, %v", n, err)
	}
}

func TestCloseEndsNext(t *testing.T) {
	socket, _ := listen(t)
	proxy := NewProxy(socket, 1)
	done := make(chan error, 1)
	go func() { _, err := proxy.Next(); done <- err }()
	time.Sleep(20 * time.Millisecond)
	socket.Close()
	select {
	case err := <-done:
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("Next: %v, want os.ErrClosed", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Next does not end")
	}
}

func TestSend(t *testing.T) {
	if err := Send("", "READY=1"); err != nil {
		t.Errorf("without an address: %v", err)
	}
	if err := Send("relative", "READY=1"); err == nil {
		t.Error("a relative address was taken")
	}
	if err := Send(filepath.Join(t.TempDir(), "none"), "READY=1"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("no socket: %v", err)
	}
}
