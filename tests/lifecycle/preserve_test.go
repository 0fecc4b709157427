package lifecycle

import (
	"fmt"
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

// activated starts the runtime as a service manager does that passes descriptors: $LISTEN_PID is the process's own.
func activated(cmd *exec.Cmd, n int) *exec.Cmd {
	cmd.Args = append([]string{"sh", "-c", `LISTEN_PID=$$; export LISTEN_PID; exec "$@"`, "sh"}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	cmd.Path = "/bin/sh"
	cmd.Env = append(cmd.Env, fmt.Sprintf("LISTEN_FDS=%d", n))
	return cmd
}

// TestNotPassed asks for descriptors that nobody gave the runtime. Their numbers are those of the files that it opens
// itself, its state directory, log and control groups: none of them may reach the container.
func TestNotPassed(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		running := sleeping(t)
		program := []string{"/bin/sh", "-c", "ls -l /proc/self/fd"}
		for n := 1; n <= 6; n++ {
			preserve := fmt.Sprintf("--preserve-fds=%d", n)
			c := fixtures.New(t, func(s *specs.Spec) { s.Process.Args = program })
			log := "--log=" + c.Bundle + "/log"
			commands := map[string]*exec.Cmd{
				"run":                c.Cmd("run", preserve, c.ID),
				"run with a log":     c.Cmd(log, "run", preserve, c.ID),
				"create":             c.Cmd(log, "create", preserve, c.ID),
				"exec":               running.Cmd(append([]string{log, "exec", preserve, running.ID}, program...)...),
				"LISTEN_FDS, run":    activated(c.Cmd(log, "run", c.ID), n),
				"LISTEN_FDS, create": activated(c.Cmd("create", c.ID), n),
			}
			for name, cmd := range commands {
				// With that the Go runtime opens descriptors of its own before main.
				cmd.Stdin = nonBlocking(t)
				cmd.WaitDelay = time.Second // a container that should not be holds our pipe
				out, err := cmd.CombinedOutput()
				if err == nil {
					t.Errorf("%s with %d descriptors of which none is open:\n%s", name, n, out)
				}
				if said, _ := os.ReadFile(c.Bundle + "/log"); !strings.Contains(string(out)+string(said), "descriptor 3 of --preserve-fds or $LISTEN_FDS") {
					t.Errorf("%s: %s", name, out)
				}
			}
			// With a gap: 3 is there, 4 and the rest are the runtime's.
			cmd := c.Cmd("run", fmt.Sprintf("--preserve-fds=%d", n+1), c.ID)
			file, err := os.Open("/etc/hostname")
			if err != nil {
				t.Fatal(err)
			}
			cmd.ExtraFiles = []*os.File{file}
			out, err := cmd.CombinedOutput()
			file.Close()
			if err == nil || !strings.Contains(string(out), "descriptor 4 of --preserve-fds") {
				t.Errorf("of %d descriptors the first is open: %v: %s", n+1, err, out)
			}
			if left := c.WaitClean(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		}
	})
}

// nonBlocking is the end to read from of an empty pipe that does not wait.
func nonBlocking(t *testing.T) *os.File {
	t.Helper()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	end := os.NewFile(uintptr(p[0]), "stdin")
	t.Cleanup(func() { end.Close(); unix.Close(p[1]) })
	return end
}

// TestSocketActivation shows what a program gets of the descriptors that a service manager passed to the runtime.
func TestSocketActivation(t *testing.T) {
	require.Root(t)
	const script = "ls /proc/self/fd | tr '\\n' ' '; echo fds=$LISTEN_FDS pid=$LISTEN_PID"
	c := fixtures.New(t, fixtures.Shell(script))
	with := func(cmd *exec.Cmd, files int) string {
		t.Helper()
		for range files {
			f, err := os.Open("/etc/hostname")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			cmd.ExtraFiles = append(cmd.ExtraFiles, f)
		}
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%q: %v", cmd.Args, err)
		}
		return string(out)
	}
	want(t, "3 sockets and one more descriptor", with(activated(c.Cmd("run", "--preserve-fds", "1", c.ID), 3), 4), "0 1 2 3 4 5 6 7 fds=3 pid=1")
	want(t, "2 sockets", with(activated(c.Cmd("run", c.ID), 2), 3), "0 1 2 3 4 5 fds=2 pid=1")
	foreign := c.Cmd("run", c.ID)
	foreign.Env = append(foreign.Env, "LISTEN_FDS=2", "LISTEN_PID=1")
	want(t, "sockets meant for another process", with(foreign, 2), "0 1 2 3 fds= pid=")
	unsaid := c.Cmd("run", c.ID)
	unsaid.Env = append(unsaid.Env, "LISTEN_FDS=2")
	want(t, "sockets meant for nobody", with(unsaid, 2), "0 1 2 3 fds= pid=")
	running := sleeping(t)
	want(t, "exec", with(activated(running.Cmd("exec", running.ID, "/bin/sh", "-c", script), 2), 2), "0 1 2 3 fds= pid=")
}
