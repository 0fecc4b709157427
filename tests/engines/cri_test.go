//go:build engines

package engines

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/pods"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// cri is a containerd that is asked for pods; the embedded command is the client.
type cri struct {
	command
	d *pods.Daemon
}

// TestCRI drives containers of pods through their life, as Kubernetes does, on both cgroup layouts.
func TestCRI(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		d := pods.Start(t)
		image := filepath.Join(t.TempDir(), "image.tar")
		writeImage(t, image)
		d.Import(t, image, imageName)
		c := &cri{command{argv: d.CRI()}, d}
		t.Run("exec", c.testExec)
		t.Run("host network", c.testHostNetwork)
		t.Run("update and stats", c.testUpdate)
		t.Run("stop", c.testStop)
		t.Run("stop of what ignores SIGTERM", c.testStubborn)
		t.Run("more memory than the limit", c.testMemory)
		t.Run("command that cannot be run", c.testBadCommand)
		t.Run("remove", c.testRemove)
	})
}

// run starts a pod whose container is a shell with a script.
func (c *cri) run(t *testing.T, script string, flags ...string) *pods.Pod {
	t.Helper()
	return c.d.Run(t, append(flags, fixtures.UniqueID("pod"), imageName, "/bin/sh", "-c", script)...)
}

// ended waits for the container's end, and gives the line of its status.
func (c *cri) ended(t *testing.T, p *pods.Pod) (status string) {
	t.Helper()
	eventually(t, "CRI says CONTAINER_EXITED", func() bool {
		status = c.must(t, "status", p.Container)
		return strings.HasPrefix(status, "CONTAINER_EXITED")
	})
	return status
}

func (c *cri) testExec(t *testing.T) {
	p := c.run(t, "exec sleep 100", "--env", "A=b", "--seccomp")
	if s := c.must(t, "status", p.Container); !strings.HasPrefix(s, "CONTAINER_RUNNING") {
		t.Errorf("status %q", s)
	}
	script := "echo $A; cat /proc/1/comm; hostname; echo error >&2; exit 9"
	a := c.do(t, "exec", p.Container, "/bin/sh", "-c", script)
	if !strings.HasPrefix(a.out, "b\nsleep\npod-") || a.err != "error\n" || a.code != 9 {
		t.Errorf("exec: %+v, want the environment, process 1, the pod's host name, and exit code 9", a)
	}
	if out := c.must(t, "exec", p.Container, "grep", "Seccomp:", "/proc/self/status"); strings.Fields(out)[1] != "2" {
		t.Errorf("%q, want filter mode 2", out)
	}
	if a := c.do(t, "exec", p.Container, "/no/such/command"); a.code != 125 || !strings.Contains(a.err, "/no/such/command") {
		t.Errorf("exec of a missing command: %+v, want its name", a)
	}
}

// testHostNetwork: a pod on the host's network has its UTS namespace too.
func (c *cri) testHostNetwork(t *testing.T) {
	p := c.run(t, "exec sleep 100", "--host-network")
	for _, kind := range []string{"net", "uts"} {
		host, err := os.Readlink("/proc/self/ns/" + kind)
		if err != nil {
			t.Fatal(err)
		}
		if inside := c.must(t, "exec", p.Container, "readlink", "/proc/self/ns/"+kind); inside != host {
			t.Errorf("namespace %s, the host's is %s", inside, host)
		}
	}
}

func (c *cri) testUpdate(t *testing.T) {
	p := c.run(t, "exec sleep 100", "--memory", "67108864")
	if limit := memoryLimit(t, p); limit != 67108864 {
		t.Errorf("limit of memory %d, want 67108864", limit)
	}
	c.must(t, "update", "--memory", "134217728", p.Container)
	if limit := memoryLimit(t, p); limit != 134217728 {
		t.Errorf("limit of memory after update %d, want 134217728", limit)
	}
	stats := strings.Fields(c.must(t, "stats", p.Container))
	if len(stats) != 4 || stats[0] != "memory" || stats[1] == "0" || stats[2] != "cpu" || stats[3] == "0" {
		t.Errorf("stats: %q, want memory and CPU time", stats)
	}
}

func memoryLimit(t *testing.T, p *pods.Pod) int {
	t.Helper()
	for _, dir := range fixtures.CgroupDirs(p.Cgroup()) {
		for _, name := range []string{"memory.max", "memory.limit_in_bytes"} {
			if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				limit, err := strconv.Atoi(strings.TrimSpace(string(text)))
				if err != nil {
					t.Error(err)
				}
				return limit
			}
		}
	}
	t.Fatalf("no limit of memory in %v", fixtures.CgroupDirs(p.Cgroup()))
	return 0
}

func (c *cri) testStop(t *testing.T) {
	p := c.run(t, `trap "exit 3" TERM; touch /tmp/ready; while :; do usleep 20000; done`)
	eventually(t, "the trap is set", func() bool { return c.do(t, "exec", p.Container, "test", "-e", "/tmp/ready").code == 0 })
	c.must(t, "stop", p.Container, "30")
	if s := c.ended(t, p); s != "CONTAINER_EXITED 3 Error " {
		t.Errorf("status %q", s)
	}
	if a := c.do(t, "exec", p.Container, "true"); a.code != 125 || !strings.Contains(a.err, "CONTAINER_EXITED") {
		t.Errorf("exec in a stopped container: %+v", a)
	}
}

func (c *cri) testStubborn(t *testing.T) {
	p := c.run(t, "exec sleep 100") // process 1 of its namespace, so that SIGTERM does nothing
	c.must(t, "stop", p.Container, "1")
	if s := c.ended(t, p); !strings.HasPrefix(s, "CONTAINER_EXITED 137 ") {
		t.Errorf("status %q, want exit code 137", s)
	}
}

// testMemory does not look at the reason: containerd may say OOMKilled or Error, under runc too.
func (c *cri) testMemory(t *testing.T) {
	p := c.run(t, "exec tail /dev/zero", "--memory", "33554432")
	if s := c.ended(t, p); !strings.HasPrefix(s, "CONTAINER_EXITED 137 ") {
		t.Errorf("status %q, want exit code 137", s)
	}
}

// testBadCommand: the client removes the pod, so that the check for leftovers finds what the runtime left.
func (c *cri) testBadCommand(t *testing.T) {
	out, err := c.d.TryRun(fixtures.UniqueID("pod"), imageName, "/no/such/command")
	if err == nil || !strings.Contains(out, "/no/such/command") || !strings.Contains(out, "no such file or directory") {
		t.Errorf("missing command: %v, %q; want its name and the cause", err, out)
	}
}

// testRemove removes a pod whose container runs; pods.Start looks for what is left.
func (c *cri) testRemove(t *testing.T) {
	p := c.run(t, "sleep 100 & sleep 100 & wait")
	p.Remove(t)
	if a := c.do(t, "status", p.Container); a.code != 125 || !strings.Contains(a.err, "not found") {
		t.Errorf("status after removal: %+v", a)
	}
	if dirs := fixtures.CgroupDirs(p.Cgroup()); len(dirs) > 0 {
		t.Errorf("control groups after removal: %q", dirs)
	}
}
