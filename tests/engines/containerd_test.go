//go:build engines

package engines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// containerdConfig: the CRI plugin wants a network and is not needed; the rest is left as it is.
const containerdConfig = `version = 2
root = "%[1]s/root"
state = "%[1]s/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "%[1]s/c.sock"
[debug]
  level = "info"
`

// containerd is a daemon of its own; the embedded command is ctr connected to it.
type containerd struct {
	command
	m       *machine
	runtime string
	n       int // containers so far
}

func newContainerd(t *testing.T) *containerd {
	t.Helper()
	m := workDir(t)
	config, socket := filepath.Join(m.dir, "config.toml"), filepath.Join(m.dir, "c.sock")
	if err := os.WriteFile(config, fmt.Appendf(nil, containerdConfig, m.dir), 0o644); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(m.dir, "containerd.log"))
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command(require.Program(t, "containerd"), "-c", config)
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	c := &containerd{m: m, runtime: fixtures.RuntimePath(t), command: command{argv: []string{require.Program(t, "ctr"), "-a", socket}}}
	t.Cleanup(func() { c.shutdown(t, daemon, log) })
	eventually(t, "containerd answers", func() bool { return c.do(t, "version").code == 0 })
	image := filepath.Join(m.dir, "image.tar")
	writeImage(t, image)
	c.must(t, "image", "import", image)
	return c
}

// shutdown removes containers, then the daemon; shims end with their containers.
func (c *containerd) shutdown(t *testing.T, daemon *exec.Cmd, log *os.File) {
	for _, id := range strings.Fields(c.do(t, "container", "ls", "-q").out) {
		c.do(t, "task", "rm", "--force", id)
		c.do(t, "container", "rm", id)
	}
	_ = daemon.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- daemon.Wait() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		_ = daemon.Process.Kill()
		<-done
		t.Error("containerd did not end within ten seconds")
	}
	log.Close()
	if t.Failed() {
		text, _ := os.ReadFile(log.Name())
		t.Logf("containerd's log, last part:\n%s", text[max(0, len(text)-4000):])
	}
}

// run is the start of a `ctr run` command line with a fresh id; the image's name and the id are in it, the command follows.
func (c *containerd) run(flags ...string) (argv []string, id string) {
	c.n++
	id = fmt.Sprintf("%s-%d", c.m.mark(), c.n)
	argv = append([]string{
		"run", "--runc-binary", c.runtime, "--runc-root", c.m.dir + "/runtime", "--cgroup", fixtures.CgroupParent + "/" + id,
	}, flags...)
	if require.IsCgroupV2() {
		argv = append(argv, "--cpu-shares", "0") // ctr's default is 1024, and the cpu controller may be missing
	}
	return append(argv, imageName, id), id
}

func (c *containerd) detached(t *testing.T, script string) string {
	t.Helper()
	argv, id := c.run("-d")
	c.must(t, append(argv, "sh", "-c", script)...)
	eventually(t, "ctr says RUNNING", func() bool { return c.status(t, id) == "RUNNING" })
	return id
}

func (c *containerd) status(t *testing.T, id string) string {
	t.Helper()
	for line := range strings.Lines(c.must(t, "task", "ls")) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == id {
			return f[2]
		}
	}
	return ""
}

// remove removes a stopped container.
func (c *containerd) remove(t *testing.T, id string) {
	t.Helper()
	eventually(t, "ctr says STOPPED", func() bool { return c.status(t, id) == "STOPPED" })
	c.do(t, "task", "rm", id) // its exit code is the container's
	c.must(t, "container", "rm", id)
	if s := c.status(t, id); s != "" {
		t.Errorf("after task rm the task is %q", s)
	}
}

// TestContainerd drives one containerd through a container's life, on both cgroup layouts. --runc-binary becomes the
// shim's BinaryName option.
func TestContainerd(t *testing.T) {
	require.Root(t)
	require.Program(t, "containerd-shim-runc-v2")
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		c := newContainerd(t)
		t.Run("run", c.testRun)
		t.Run("command that cannot be run", c.testBadCommand)
		t.Run("run with a terminal", c.testTerminal)
		t.Run("exec", c.testExec)
		t.Run("pause", c.testPause)
		t.Run("kill", c.testKill)
		t.Run("forced removal", c.testForce)
		t.Run("seccomp", c.testSeccomp)
	})
}

func (c *containerd) testRun(t *testing.T) {
	argv, _ := c.run("--rm")
	if out := c.must(t, append(argv, "echo", "hello")...); out != "hello" {
		t.Errorf("printed %q", out)
	}
	argv, _ = c.run("--rm")
	if a := c.do(t, append(argv, "sh", "-c", "exit 7")...); a.code != 7 {
		t.Errorf("exit 7 became %+v", a)
	}
	argv, _ = c.run("--rm", "--env", "A=b", "--cwd", "/tmp")
	if out := c.must(t, append(argv, "sh", "-c", "pwd; echo $A")...); out != "/tmp\nb" {
		t.Errorf("working directory and environment: %q", out)
	}
}

// testBadCommand: the error's text comes from the runtime's log.json, by way of the shim.
func (c *containerd) testBadCommand(t *testing.T) {
	argv, id := c.run("--rm")
	a := c.do(t, append(argv, "/no/such/command")...)
	if a.code == 0 || !strings.Contains(a.err, "/no/such/command") || !strings.Contains(a.err, "no such file or directory") {
		t.Errorf("missing command: %+v, want its name and the cause", a)
	}
	c.do(t, "container", "rm", id)
}

func (c *containerd) testTerminal(t *testing.T) {
	argv, _ := c.run("--rm", "-t")
	a := c.onTerminal(t, showSize, append(argv, "sh")...)
	if a.code != 5 || !strings.Contains(a.out, "\n33 99\n") {
		t.Errorf("run -t: %+v, want exit code 5 and size 33 99", a)
	}
}

func (c *containerd) testExec(t *testing.T) {
	id := c.detached(t, "sleep 100")
	if out := c.must(t, "task", "exec", "--exec-id", "e1", id, "sh", "-c", "echo inside; id -u"); out != "inside\n0" {
		t.Errorf("exec printed %q", out)
	}
	if a := c.do(t, "task", "exec", "--exec-id", "e2", id, "sh", "-c", "exit 9"); a.code != 9 {
		t.Errorf("exec exit 9 became %+v", a)
	}
	if a := c.do(t, "task", "exec", "--exec-id", "e3", id, "/no/such/command"); a.code == 0 || !strings.Contains(a.err, "/no/such/command") {
		t.Errorf("exec of a missing command: %+v", a)
	}
	a := c.onTerminal(t, "tty; exit 4\n", "task", "exec", "-t", "--exec-id", "e4", id, "sh")
	if a.code != 4 || !strings.Contains(a.out, "/dev/pts/") {
		t.Errorf("exec -t: %+v, want exit code 4 and a terminal", a)
	}
	if out := c.must(t, "task", "ps", id); len(strings.Fields(out)) < 3 {
		t.Errorf("task ps: %q, want a process", out)
	}
	c.must(t, "task", "kill", "--signal", "KILL", id)
	c.remove(t, id)
}

func (c *containerd) testPause(t *testing.T) {
	id := c.detached(t, "sleep 100")
	c.must(t, "task", "pause", id)
	if s := c.status(t, id); s != "PAUSED" {
		t.Errorf("after pause: %q", s)
	}
	c.must(t, "task", "resume", id)
	if s := c.status(t, id); s != "RUNNING" {
		t.Errorf("after resume: %q", s)
	}
	c.must(t, "task", "kill", "--signal", "KILL", id)
	c.remove(t, id)
}

func (c *containerd) testKill(t *testing.T) {
	argv, id := c.run("-d")
	c.must(t, append(argv, "sh", "-c", `trap "exit 3" TERM; touch /tmp/ready; while :; do usleep 20000; done`)...)
	eventually(t, "the trap is set", func() bool {
		return c.do(t, "task", "exec", "--exec-id", fixtures.UniqueID("w"), id, "test", "-e", "/tmp/ready").code == 0
	})
	c.must(t, "task", "kill", "--signal", "TERM", id)
	eventually(t, "ctr says STOPPED", func() bool { return c.status(t, id) == "STOPPED" })
	if a := c.do(t, "task", "kill", id); a.code == 0 || !strings.Contains(a.err, "not found") {
		t.Errorf("kill of a stopped task: %+v, want that it is not found", a)
	}
	if a := c.do(t, "task", "rm", id); !strings.Contains(a.err, "exit code 3") {
		t.Errorf("task rm says %q, want the task's exit code 3", a.err)
	}
	c.must(t, "container", "rm", id)
}

// testForce removes a running task: the shim calls kill --all, delete, and delete --force.
func (c *containerd) testForce(t *testing.T) {
	id := c.detached(t, "sleep 100 & sleep 100 & wait")
	c.do(t, "task", "rm", "--force", id)
	if s := c.status(t, id); s != "" {
		t.Errorf("after task rm --force the task is %q", s)
	}
	c.must(t, "container", "rm", id)
}

func (c *containerd) testSeccomp(t *testing.T) {
	argv, _ := c.run("--rm", "--seccomp")
	if out := c.must(t, append(argv, "grep", "Seccomp:", "/proc/self/status")...); strings.Fields(out)[1] != "2" {
		t.Errorf("%q, want filter mode 2", out)
	}
}
