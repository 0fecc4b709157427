//go:build engines

package engines

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// podmanConfig keeps within what a machine without CAP_SYS_RESOURCE, or with cgroup v2 without the pids controller,
// can grant.
const podmanConfig = `[containers]
default_ulimits=["nofile=1024:20000","nproc=1024:20000"]
pids_limit=0
`

// podman is a podman with storage, database and runtime of its own.
type podman struct {
	command
	parent string // cgroup parent of its containers
}

func newPodman(t *testing.T) podman {
	t.Helper()
	m := workDir(t)
	conf := filepath.Join(m.dir, "containers.conf")
	if err := os.WriteFile(conf, []byte(podmanConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	p := podman{parent: fixtures.CgroupParent + "/" + m.mark(), command: command{
		argv: []string{
			require.Program(t, "podman"), "--root", m.dir + "/root", "--runroot", m.dir + "/run", "--tmpdir", m.dir + "/tmp",
			"--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime", fixtures.RuntimePath(t),
		},
		env: []string{"CONTAINERS_CONF=" + conf},
	}}
	image := filepath.Join(m.dir, "image.tar")
	writeImage(t, image)
	p.must(t, "load", "--quiet", "-i", image)
	t.Cleanup(func() { p.do(t, "rm", "--all", "--force", "--time", "0") })
	return p
}

// run is the start of a `run` command line; the image's name follows.
func (p podman) run(flags ...string) []string {
	return append([]string{"run", "--network=none", "--cgroup-parent=" + p.parent}, flags...)
}

// detached starts a container that runs the script, and returns its id.
func (p podman) detached(t *testing.T, script string) string {
	t.Helper()
	id := p.must(t, append(p.run("-d"), imageName, "sh", "-c", script)...)
	eventually(t, "podman says running", func() bool { return p.status(t, id) == "running" })
	return id
}

func (p podman) status(t *testing.T, id string) string {
	t.Helper()
	return p.must(t, "inspect", "--format", "{{.State.Status}}", id)
}

// TestPodman drives one podman through a container's life, on both cgroup layouts.
func TestPodman(t *testing.T) {
	require.Root(t)
	require.Program(t, "conmon")
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		p := newPodman(t)
		t.Run("run", p.testRun)
		t.Run("command that cannot be run", p.testBadCommand)
		t.Run("run with a terminal", p.testTerminal)
		t.Run("exec", p.testExec)
		t.Run("pause", p.testPause)
		t.Run("stop", p.testStop)
		t.Run("kill", p.testKill)
		t.Run("create then start", p.testCreateStart)
		t.Run("limits", p.testLimits)
	})
}

func (p podman) testRun(t *testing.T) {
	if out := p.must(t, append(p.run("--rm"), imageName, "echo", "hello")...); out != "hello" {
		t.Errorf("printed %q", out)
	}
	if a := p.do(t, append(p.run("--rm"), imageName, "sh", "-c", "echo oops >&2; exit 7")...); a.code != 7 || !strings.Contains(a.err, "oops") {
		t.Errorf("exit 7 became %+v", a)
	}
	if out := p.must(t, append(p.run("--rm", "--user", "1000:1000", "--workdir", "/tmp", "--env", "A=b"), imageName,
		"sh", "-c", "id -u; pwd; echo $A")...); out != "1000\n/tmp\nb" {
		t.Errorf("user, working directory and environment: %q", out)
	}
}

// testBadCommand: podman takes 127 and 126 from the runtime's error text.
func (p podman) testBadCommand(t *testing.T) {
	if a := p.do(t, append(p.run("--rm"), imageName, "/no/such/command")...); a.code != 127 {
		t.Errorf("missing command: %+v, want 127", a)
	}
	if a := p.do(t, append(p.run("--rm"), imageName, "/etc/passwd")...); a.code != 126 {
		t.Errorf("command without execute permission: %+v, want 126", a)
	}
}

func (p podman) testTerminal(t *testing.T) {
	if out := strings.TrimSpace(p.must(t, append(p.run("--rm", "-t"), imageName, "tty")...)); !strings.HasPrefix(out, "/dev/") {
		t.Errorf("run -t: tty says %q", out)
	}
	a := p.onTerminal(t, showSize, append(p.run("--rm", "-it"), imageName, "sh")...)
	if a.code != 5 || !strings.Contains(a.out, "\n33 99\n") {
		t.Errorf("run -it: %+v, want exit code 5 and size 33 99", a)
	}
}

func (p podman) testExec(t *testing.T) {
	id := p.detached(t, "sleep 100")
	if out := p.must(t, "exec", id, "sh", "-c", "echo inside; id -u"); out != "inside\n0" {
		t.Errorf("exec printed %q", out)
	}
	if a := p.do(t, "exec", id, "sh", "-c", "exit 9"); a.code != 9 {
		t.Errorf("exec exit 9 became %+v", a)
	}
	if a := p.do(t, "exec", id, "/no/such/command"); a.code != 127 {
		t.Errorf("exec of a missing command: %+v, want 127", a)
	}
	if out := strings.TrimSpace(p.must(t, "exec", "-t", id, "tty")); !strings.HasPrefix(out, "/dev/pts/") {
		t.Errorf("exec -t: tty says %q", out)
	}
	if a := p.onTerminal(t, "tty; exit 4\n", "exec", "-it", id, "sh"); a.code != 4 || !strings.Contains(a.out, "/dev/pts/") {
		t.Errorf("exec -it: %+v, want exit code 4 and a terminal", a)
	}
	p.must(t, "rm", "--force", "--time", "0", id)
}

func (p podman) testPause(t *testing.T) {
	id := p.detached(t, "while :; do echo tick; usleep 20000; done")
	p.must(t, "pause", id)
	if s := p.status(t, id); s != "paused" {
		t.Errorf("after pause: %q", s)
	}
	before := strings.Count(p.must(t, "logs", id), "tick")
	if a := p.do(t, "exec", id, "true"); a.code == 0 {
		t.Error("exec into a paused container succeeded")
	}
	if after := strings.Count(p.must(t, "logs", id), "tick"); after > before+1 {
		t.Errorf("a paused container went on: %d lines became %d", before, after)
	}
	p.must(t, "unpause", id)
	if s := p.status(t, id); s != "running" {
		t.Errorf("after unpause: %q", s)
	}
	eventually(t, "output goes on", func() bool { return strings.Count(p.must(t, "logs", id), "tick") > before+1 })
	p.must(t, "rm", "--force", "--time", "0", id)
}

func (p podman) testStop(t *testing.T) {
	id := p.detached(t, `trap "exit 3" TERM; echo ready; while :; do usleep 20000; done`)
	eventually(t, "the trap is set", func() bool { return strings.Contains(p.must(t, "logs", id), "ready") })
	p.must(t, "stop", "--time", "20", id)
	if code := p.must(t, "wait", id); code != "3" {
		t.Errorf("exit code after stop is %s, want 3", code)
	}
	p.must(t, "start", id) // a second life of the same container
	eventually(t, "running again", func() bool { return p.status(t, id) == "running" })
	p.must(t, "stop", "--time", "20", id)
	p.must(t, "rm", id)
}

func (p podman) testKill(t *testing.T) {
	id := p.detached(t, "sleep 100")
	p.must(t, "kill", "--signal", "KILL", id)
	if code := p.must(t, "wait", id); code != "137" {
		t.Errorf("exit code after kill is %s, want 137", code)
	}
	if a := p.do(t, "kill", id); a.code == 0 {
		t.Error("kill of a stopped container succeeded")
	}
	p.must(t, "rm", id)
	if a := p.do(t, "inspect", id); a.code == 0 {
		t.Error("the removed container is still known")
	}
}

func (p podman) testCreateStart(t *testing.T) {
	id := p.must(t, append(append([]string{"create"}, p.run()[1:]...), imageName, "sleep", "100")...)
	p.must(t, "init", id) // the runtime's create
	if s := p.status(t, id); s != "initialized" {
		t.Errorf("after init: %q", s)
	}
	p.must(t, "start", id)
	if out := p.must(t, "top", id, "args"); !strings.Contains(out, "sleep 100") {
		t.Errorf("top: %q", out)
	}
	p.must(t, "rm", "--force", "--time", "0", id)
}

// testLimits: a limit of each controller that the layout here has reaches the container's cgroup.
func (p podman) testLimits(t *testing.T) {
	if require.IsCgroupV2() {
		if have, _ := os.ReadFile(require.CgroupRoot + "/cgroup.controllers"); !strings.Contains(string(have), "memory") {
			t.Skip("v1 hierarchies hold this machine's controllers: the host's layout tests them")
		}
		if out := p.must(t, append(p.run("--rm", "--memory=64m", "--pids-limit=50"), imageName, "sh", "-c",
			"cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max")...); out != "67108864\n50" {
			t.Errorf("limits are %q", out)
		}
		return
	}
	if out := p.must(t, append(p.run("--rm", "--memory=64m", "--pids-limit=50"), imageName, "sh", "-c",
		"cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max")...); out != "67108864\n50" {
		t.Errorf("limits are %q", out)
	}
}
