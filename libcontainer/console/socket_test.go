package console

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// listen listens on a socket named name below a new directory; long puts the
// directory so deep that the path is no socket address.
func listen(t *testing.T, long bool) (*net.UnixListener, string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") //nolint:usetesting // a socket's path has 108 bytes (unix(7))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	path := filepath.Join(dir, "s")
	if long {
		deep := filepath.Join(dir, strings.Repeat("d", 200))
		if err := os.Mkdir(deep, 0o700); err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		path = filepath.Join(deep, strings.Repeat("n", 150))
		if err := os.Rename(filepath.Join(dir, "s"), path); err != nil {
			t.Fatal(err)
		}
	}
	return l, path
}

// receive receives one message with one descriptor, as the callers do.
func receive(t *testing.T, l *net.UnixListener) (name string, fd int) {
	t.Helper()
	conn, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	data, control := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, oobn, flags, _, err := conn.ReadMsgUnix(data, control)
	if err != nil {
		t.Fatal(err)
	}
	if flags&unix.MSG_CTRUNC != 0 {
		t.Fatal("more than one descriptor came")
	}
	messages, err := unix.ParseSocketControlMessage(control[:oobn])
	if err != nil || len(messages) != 1 {
		t.Fatalf("control messages %v: %v", messages, err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("descriptors %v: %v", fds, err)
	}
	t.Cleanup(func() { unix.Close(fds[0]) })
	return string(data[:n]), fds[0]
}

func TestSend(t *testing.T) {
	for name, long := range map[string]bool{"short path": false, "long path": true} {
		t.Run(name, func(t *testing.T) {
			l, path := listen(t, long)
			master, slave := openPty(t)
			conn, err := Dial(path)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(conn)
			if err := SendOver(conn, int(master.Fd())); err != nil {
				t.Fatal(err)
			}
			name, fd := receive(t, l)
			if name != "/dev/ptmx" {
				t.Errorf("name %q", name)
			}
			if err := Verify(fd); err != nil {
				t.Error(err)
			}
			if _, err := slave.WriteString("x"); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 8)
			if n, err := unix.Read(fd, b); err != nil || string(b[:n]) != "x" {
				t.Errorf("read %q of the received master: %v", b[:n], err)
			}
		})
	}
}

func TestSendPidfd(t *testing.T) {
	for _, process := range []Process{Init, Exec} {
		t.Run(string(process), func(t *testing.T) {
			l, path := listen(t, false)
			pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(pidfd)
			conn, err := Dial(path)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(conn)
			if err := SendPidfd(conn, process, pidfd); err != nil {
				t.Fatal(err)
			}
			name, fd := receive(t, l)
			if name != string(process) {
				t.Errorf("name %q", name)
			}
			if err := unix.PidfdSendSignal(fd, 0, nil, 0); err != nil {
				t.Errorf("the received pidfd: %v", err)
			}
		})
	}
}

func TestDialErrors(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, datagram := listen(t, false)
	os.Remove(datagram)
	d, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: datagram, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tests := map[string]struct {
		path string
		want error
	}{
		"missing":  {filepath.Join(dir, "none"), unix.ENOENT},
		"file":     {file, unix.ECONNREFUSED},
		"datagram": {datagram, unix.EPROTOTYPE},
		"empty":    {"", unix.ENOENT},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			conn, err := Dial(tt.path)
			if !errors.Is(err, tt.want) || conn != -1 {
				t.Errorf("got %d, %v, want %v", conn, err, tt.want)
			}
			if err != nil && !strings.Contains(err.Error(), `"`+tt.path+`"`) {
				t.Errorf("%q does not name the path", err)
			}
		})
	}
}

func TestSendToClosed(t *testing.T) {
	l, path := listen(t, false)
	conn, err := Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(conn)
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	peer.Close()
	master, _ := openPty(t)
	if err := SendOver(conn, int(master.Fd())); !errors.Is(err, unix.EPIPE) {
		t.Errorf("got %v, want a broken pipe", err)
	}
}
