package lifecycle

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

func terminal(s *specs.Spec) { s.Process.Terminal = true }

// readUntil reads a master until some text has come.
func readUntil(t *testing.T, f *os.File, text string) string {
	t.Helper()
	var got bytes.Buffer
	if err := unix.SetNonblock(int(f.Fd()), true); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		n, err := unix.Read(int(f.Fd()), buf)
		if n > 0 {
			got.Write(buf[:n])
		} else if err == unix.EAGAIN {
			time.Sleep(5 * time.Millisecond)
		} else if err != nil {
			break // hung up
		}
		if strings.Contains(got.String(), text) {
			return got.String()
		}
	}
	t.Fatalf("no %q in %q", text, got.String())
	return ""
}

// TestConsoleSocket shows that the master that an engine receives is the container's terminal.
func TestConsoleSocket(t *testing.T) {
	require.Root(t)
	tests := []struct {
		name   string
		change change
	}{
		{"root", func(*specs.Spec) {}},
		{"user", user(1000, 1000)},
		{"user namespace", fixtures.WithUserNamespace(100000, 65536)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fixtures.New(t, terminal, tt.change, func(s *specs.Spec) { s.Process.ConsoleSize = &specs.Box{Height: 33, Width: 77} },
				fixtures.Shell("tty; stty size; test -w /dev/console && echo console; stat -c %u /dev/pts/0; id -u; echo end; read x; echo got $x"))
			r := consoleSocket(t)
			c.Must("create", "--bundle", c.Bundle, "--console-socket", r.path, c.ID)
			master := <-r.masters
			defer master.Close()
			c.Start()
			got := readUntil(t, master, "end")
			if tt.name == "user" {
				got = strings.ReplaceAll(got, "1000", "0")
			}
			wantIn(t, "output", strings.ReplaceAll(got, "\r", ""), "/dev/pts/0\n33 77\nconsole\n0\n0\nend")
			if _, err := master.WriteString("line\n"); err != nil {
				t.Fatal(err)
			}
			readUntil(t, master, "got line")
			c.WaitStatus(specs.StateStopped)
		})
	}
	t.Run("exec", func(t *testing.T) {
		c := sleeping(t)
		r := consoleSocket(t)
		c.Must("exec", "--tty", "--detach", "--console-socket", r.path, c.ID, "/bin/sh", "-c", "tty; read x; echo got $x")
		master := <-r.masters
		defer master.Close()
		readUntil(t, master, "/dev/pts/0")
		if _, err := master.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
		readUntil(t, master, "got line")
	})
}

// TestTerminalRun runs in the foreground with a terminal, which is made by script(1).
func TestTerminalRun(t *testing.T) {
	require.Root(t)
	script := require.Program(t, "script")
	c := fixtures.New(t, terminal, fixtures.Shell("tty; stty size; exit 5"))
	cmd := exec.Command(script, "-qec", "stty rows 44 cols 99; "+c.Runtime+" --root "+c.Root+" run --bundle "+c.Bundle+" "+c.ID, "/dev/null")
	stdin, err := cmd.StdinPipe() // open to the end: script types ^D at its end
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	out, _ := cmd.Output()
	if cmd.ProcessState.ExitCode() != 5 {
		t.Errorf("exit code %d: %s", cmd.ProcessState.ExitCode(), out)
	}
	wantIn(t, "output", strings.ReplaceAll(string(out), "\r", ""), "/dev/pts/0\n44 99\n")
}

func TestTerminalRefusals(t *testing.T) {
	wantIn(t, "message", refused(t, terminal), "cannot allocate tty if the runtime will detach without setting console socket")
	c := fixtures.New(t)
	r := c.Do("create", "--bundle", c.Bundle, "--console-socket", "/none/such", c.ID)
	if r.Code != 1 || !strings.Contains(r.Stderr, "cannot use console socket if the runtime will not detach or allocate tty") {
		t.Errorf("create: %+v", r)
	}
	c = fixtures.New(t, terminal)
	r = c.Do("create", "--bundle", c.Bundle, "--console-socket", "/none/such", c.ID)
	if r.Code != 1 || !strings.Contains(r.Stderr, "no such file or directory") {
		t.Errorf("create: %+v", r)
	}
	c = fixtures.New(t, terminal, func(s *specs.Spec) { s.Mounts = s.Mounts[:2] })
	rcv := consoleSocket(t)
	r = c.Do("create", "--bundle", c.Bundle, "--console-socket", rcv.path, c.ID)
	if r.Code != 1 || !strings.Contains(r.Stderr, "needs a devpts file system") {
		t.Errorf("create: %+v", r)
	}
}
