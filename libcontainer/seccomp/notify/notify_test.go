//go:build linux

package notify

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// received is what an agent got over one connection.
type received struct {
	msg []byte
	fds []int
	err error
}

// agent accepts one connection and reads it to its end.
func agent(t *testing.T, path string) chan received {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ch := make(chan received, 1)
	go func() {
		var r received
		defer func() { ch <- r }()
		c, err := l.AcceptUnix()
		if err != nil {
			r.err = err
			return
		}
		defer c.Close()
		buf, oob := make([]byte, 1000), make([]byte, 256)
		for {
			n, oobn, _, _, err := c.ReadMsgUnix(buf, oob)
			if errors.Is(err, io.EOF) || n == 0 && err == nil {
				return
			}
			if err != nil {
				r.err = err
				return
			}
			r.msg = append(r.msg, buf[:n]...)
			r.fds = append(r.fds, rights(oob[:oobn])...)
		}
	}()
	return ch
}

func rights(oob []byte) (fds []int) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, m := range msgs {
		if got, err := unix.ParseUnixRights(&m); err == nil {
			fds = append(fds, got...)
		}
	}
	return fds
}

func TestSend(t *testing.T) {
	cases := map[string]specs.State{
		"small": {ID: "c1", Status: specs.StateCreating, Pid: 7, Bundle: "/b", Version: specs.Version},
		// more than one read of the agent's, and than a socket's buffer
		"large": {ID: "c2", Status: specs.StateCreating, Bundle: "/b", Version: specs.Version, Annotations: map[string]string{"a": strings.Repeat("x", 1<<20)}},
	}
	for name, st := range cases {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir() + "/agent.sock"
			ch := agent(t, path)
			pr, pw, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer pr.Close()
			if err := Send(path, int(pw.Fd()), State(st, 4321, "meta")); err != nil {
				t.Fatal(err)
			}
			pw.Close()
			r := <-ch
			if r.err != nil || len(r.fds) != 1 {
				t.Fatalf("agent got descriptors %v, error %v; want one", r.fds, r.err)
			}
			checkMessage(t, r.msg, st)
			// The descriptor is the one we sent: the agent's end is the last writer.
			if _, err := unix.Write(r.fds[0], []byte("hi")); err != nil {
				t.Fatal(err)
			}
			unix.Close(r.fds[0])
			if b, _ := io.ReadAll(pr); string(b) != "hi" {
				t.Errorf("through the descriptor: %q", b)
			}
		})
	}
}

func checkMessage(t *testing.T, msg []byte, st specs.State) {
	t.Helper()
	var got specs.ContainerProcessState
	if err := json.Unmarshal(msg, &got); err != nil {
		t.Fatalf("message: %v", err)
	}
	if got.Version != specs.Version || len(got.Fds) != 1 || got.Fds[0] != "seccompFd" || got.Pid != 4321 || got.Metadata != "meta" {
		t.Errorf("message %.200s", msg)
	}
	if got.State.ID != st.ID || got.State.Status != st.Status || len(got.State.Annotations["a"]) != len(st.Annotations["a"]) {
		t.Errorf("state in message %.200s", msg)
	}
}

func TestSendErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := dir + "/" + strings.Repeat("l", 120)
	cases := []struct{ name, path, want string }{
		{"no path", "", "linux.seccomp.listenerPath: must be set"},
		{"nobody there", dir + "/none", `linux.seccomp.listenerPath "` + dir + `/none": connect to the seccomp agent: no such file`},
		{"not a socket", dir + "/file", `linux.seccomp.listenerPath "` + dir + `/file": connect to the seccomp agent: connection refused`},
		{"too long", long, `linux.seccomp.listenerPath "` + long + `": connect to the seccomp agent: invalid argument`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := Send(c.path, 0, State(specs.State{}, 1, ""))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %v, want %q…", err, c.want)
			}
		})
	}
}

// An agent that does not read must not hang the container's creation for ever.
func TestSendGivesUp(t *testing.T) {
	sendLimit = time.Second
	t.Cleanup(func() { sendLimit = 10 * time.Second })
	path := t.TempDir() + "/agent.sock"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // never accepts
	start := time.Now()
	st := specs.State{Annotations: map[string]string{"a": strings.Repeat("x", 4<<20)}}
	err = Send(path, 0, State(st, 1, ""))
	if !errors.Is(err, unix.EAGAIN) || time.Since(start) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}
