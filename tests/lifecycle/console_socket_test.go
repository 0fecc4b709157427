package lifecycle

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// receiver is an engine's end of --console-socket.
type receiver struct {
	path    string
	masters chan *os.File // the first of those that came
	others  []*os.File    // kept open: with its master gone a terminal hangs up
}

// consoleSocket listens until the test ends.
func consoleSocket(t *testing.T) *receiver {
	t.Helper()
	dir, err := os.MkdirTemp("", "gspawn-test-console-") //nolint:usetesting // a socket's path has 108 bytes (unix(7))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &receiver{path: filepath.Join(dir, "socket"), masters: make(chan *os.File, 1)}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: r.path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				return
			}
			r.receive(c)
			_ = c.Close()
		}
	}()
	return r
}

func (r *receiver) receive(c *net.UnixConn) {
	data, control := make([]byte, 256), make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := c.ReadMsgUnix(data, control)
	if err != nil || n == 0 {
		return
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return
	}
	unix.CloseOnExec(fds[0])
	f := os.NewFile(uintptr(fds[0]), "master")
	select {
	case r.masters <- f:
	default:
		r.others = append(r.others, f)
	}
}
