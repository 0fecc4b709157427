//go:build boot

package boot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
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

// startContainerd gives the start of a ctr command line for a daemon of its own.
func startContainerd(t *testing.T, dir string) []string {
	t.Helper()
	daemon, ctr := require.Program(t, "containerd"), require.Program(t, "ctr")
	config := filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, containerdConfig, dir), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(daemon, "-c", config)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(patience(10*time.Second), func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		timer.Stop()
	})
	argv := []string{ctr, "-a", dir + "/c.sock"}
	if _, ok := within(10*time.Second, func() bool { return do(nil, append(argv, "version")...).code == 0 }); !ok {
		t.Fatal("containerd does not answer")
	}
	return argv
}

func startByCtr(t *testing.T, tree string, users bool) (running, string) {
	dir := shortDir(t)
	c := startContainerd(t, dir)
	with := func(args ...string) []string { return append(c[:len(c):len(c)], args...) }
	root := writable(t, tree, users)
	id := fixtures.UniqueID("boot")
	args := with("run", "--detach", "--runc-binary", fixtures.RuntimePath(t), "--runc-root", dir+"/runtime",
		"--cgroup", fixtures.CgroupParent+"/"+id, "--env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	if require.IsCgroupV2() {
		args = append(args, "--cpu-shares", "0") // ctr's default is 1024, and the cpu controller may be missing
	}
	if endsByReboot[tree] {
		args = append(args, "--cap-add", "CAP_SYS_BOOT")
	}
	t.Cleanup(func() {
		do(nil, with("task", "rm", "--force", id)...)
		do(nil, with("container", "rm", id)...)
	})
	if a := do(nil, append(args, "--rootfs", root, id, "/sbin/init")...); a.code != 0 {
		t.Fatalf("ctr run: %v", a)
	}
	n := 0
	return ctrSystem{engine{
		end: with("task", "kill", "--signal", "TERM", id), list: with("task", "ls"), alive: "RUNNING",
	}, func(args ...string) answer {
		n++
		return do(nil, append(with("task", "exec", "--exec-id", fmt.Sprint("e", n), id), args...)...)
	}}, root
}

type ctrSystem struct {
	engine
	inside func(args ...string) answer
}

func (c ctrSystem) exec(args ...string) answer { return c.inside(args...) }
