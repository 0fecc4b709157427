//go:build boot

package boot

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/pods"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// containerdConfig leaves out what needs a network.
const containerdConfig = `version = 2
root = "%[1]s/root"
state = "%[1]s/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "%[1]s/c.sock"
`

// containerd is a daemon of the test's own.
type containerd struct{ dir, client string }

// ctr is a command line that asks it.
func (c containerd) ctr(args ...string) []string {
	return append([]string{c.client, "-a", c.dir + "/c.sock"}, args...)
}

func startContainerd(t *testing.T, dir string) containerd {
	t.Helper()
	daemon, c := require.Program(t, "containerd"), containerd{dir, require.Program(t, "ctr")}
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, containerdConfig, dir), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(dir+"/bin", 0o755), os.Symlink(fixtures.RuntimePath(t), dir+"/bin/runc")); err != nil {
		t.Fatal(err)
	}
	pods.CleanShared(t)
	cmd := exec.Command(daemon, "-c", config)
	cmd.Env = append(os.Environ(), "PATH="+dir+"/bin:"+os.Getenv("PATH"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(patience(10*time.Second), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
	})
	if _, ok := within(10*time.Second, func() bool { return do(nil, c.ctr("version")...).code == 0 }); !ok {
		t.Fatal("containerd does not answer")
	}
	return c
}

// startByCtr runs a tree as it is, and with user namespaces an image of it: ctr gives them to no root file system that it
// did not make. It forgets --runc-binary then, so that the runtime is in runc's place, in PATH.
func startByCtr(t *testing.T, tree string, users bool) (running, string) {
	c := startContainerd(t, shortDir(t))
	if !users {
		root := writable(t, tree, false)
		return c.run(t, tree, []string{"--rootfs"}, root, "/sbin/init"), root
	}
	if a := do(nil, c.ctr("image", "import", saveImage(t, writable(t, tree, false), ""))...); a.code != 0 {
		t.Fatalf("ctr image import: %v", a)
	}
	ids := fmt.Sprintf("0:%d:65536", userBase)
	s := c.run(t, tree, []string{"--uidmap", ids, "--gidmap", ids}, "docker.io/library/system:1")
	return s, c.written(t, s.id)
}

// run starts a system; the image or root file system comes before its id, the command after it.
func (c containerd) run(t *testing.T, tree string, flags []string, from string, command ...string) ctrSystem {
	t.Helper()
	id := fixtures.UniqueID("boot")
	args := c.ctr("run", "--detach", "--runc-binary", fixtures.RuntimePath(t), "--runc-root", c.dir+"/runtime",
		"--cgroup", fixtures.CgroupParent+"/"+id, "--env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	if require.IsCgroupV2() {
		args = append(args, "--cpu-shares", "0") // ctr's default is 1024, and the cpu controller may be missing
	}
	if endsByReboot[tree] {
		args = append(args, "--cap-add", "CAP_SYS_BOOT")
	}
	t.Cleanup(func() {
		do(nil, c.ctr("task", "rm", "--force", id)...)
		do(nil, c.ctr("container", "rm", id)...)
	})
	if a := do(nil, slices.Concat(args, flags, []string{from, id}, command)...); a.code != 0 {
		t.Fatalf("ctr run: %v", a)
	}
	n := 0
	return ctrSystem{engine{
		end: c.ctr("task", "kill", "--signal", "TERM", id), list: c.ctr("task", "ls"), alive: "RUNNING",
	}, id, func(args ...string) answer {
		n++
		return do(nil, append(c.ctr("task", "exec", "--exec-id", fmt.Sprint("e", n), id), args...)...)
	}}
}

// written is the directory with what a container wrote to its root file system: the upper one of its overlay.
func (c containerd) written(t *testing.T, id string) string {
	t.Helper()
	a := do(nil, c.ctr("snapshot", "mounts", "/", id)...)
	dir, ok := pods.UpperDir(a.out)
	if !ok {
		t.Fatalf("ctr snapshot mounts: %v", a)
	}
	return dir
}

type ctrSystem struct {
	engine
	id     string
	inside func(args ...string) answer
}

func (c ctrSystem) exec(args ...string) answer { return c.inside(args...) }
