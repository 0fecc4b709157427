// Package pods starts a containerd of the test's own, with its CRI plugin and the runtime under test, and has the client
// of tests/cri ask it for pods, as a kubelet would. The client is CRI_CLIENT, or built from tests/cri.
//
// It must never use containerd's own directories nor a cgroup outside of fixtures.CgroupParent, and it removes all that
// it started. It knows the runtime as a program, and imports tests/fixtures, tests/require and tests/import/imagewriter.
package pods

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// config has no AppArmor, whose profile only a tool that may be missing could load, and keeps within what a machine
// without CAP_SYS_RESOURCE grants. All else is as it is by default, or a directory of the test.
const config = `version = 2
root = "%[1]s/root"
state = "%[1]s/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "%[1]s/c.sock"
[plugins."io.containerd.grpc.v1.cri"]
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = "docker.io/library/` + pauseImage + `"
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "%[1]s/cni"
  conf_dir = "%[1]s/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
  default_runtime_name = "gspawn"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.gspawn]
  runtime_type = "io.containerd.runc.v2"
  pod_annotations = ["io.gspawn.*"]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.gspawn.options]
  BinaryName = "%[2]s"
  Root = "%[1]s/runtime"
`

// network is a CNI configuration, and plugin its one plugin: a pod's network namespace stays empty, since no test talks
// over it, but the pod has an address, or containerd would refuse it. "loopback" is asked for without any configuration.
const (
	network = `{"cniVersion":"0.4.0","name":"none","plugins":[{"type":"none"}]}`
	plugin  = `#!/bin/sh
[ "$CNI_COMMAND" != ADD ] || echo '{"cniVersion":"0.4.0","interfaces":[{"name":"'"$CNI_IFNAME"'","sandbox":"'"$CNI_NETNS"'"}],
	"ips":[{"version":"4","address":"192.0.2.1/24","interface":0}]}'
`
)

// Daemon is a running containerd.
type Daemon struct {
	dir, client, ctr string
	cgroup           string // of all its pods
	log              string
	daemon           *exec.Cmd
	pods             []string // ids
}

// Start starts containerd and registers its end. It skips where no pod could start.
func Start(t testing.TB) *Daemon {
	t.Helper()
	require.Root(t)
	require.Program(t, "containerd-shim-runc-v2")
	if controllers, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil && !slices.Contains(strings.Fields(string(controllers)), "cpu") {
		t.Skip("v1 hierarchies hold this machine's controllers, and containerd gives every sandbox a share of the CPU")
	}
	dir, err := os.MkdirTemp("/var/tmp", "gspp-") //nolint:usetesting // the paths of sockets must be short
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{
		dir: dir, client: client(t), ctr: require.Program(t, "ctr"), cgroup: fixtures.CgroupParent + "/" + filepath.Base(dir),
		log: filepath.Join(dir, "containerd.log"),
	}
	CleanShared(t)
	t.Cleanup(func() { d.end(t) })
	d.configure(t)
	d.start(t)
	d.Import(t, writePause(t, dir), pauseImage)
	return d
}

func (d *Daemon) configure(t testing.TB) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(d.dir, "cni"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"config.toml": fmt.Sprintf(config, d.dir, fixtures.RuntimePath(t)), "cni/none.conflist": network,
		"cni/none": plugin, "cni/loopback": plugin,
	} {
		if err := os.WriteFile(filepath.Join(d.dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *Daemon) start(t testing.TB) {
	t.Helper()
	log, err := os.Create(d.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	d.daemon = exec.Command(require.Program(t, "containerd"), "-c", filepath.Join(d.dir, "config.toml"))
	d.daemon.Stdout, d.daemon.Stderr = log, log
	if err := d.daemon.Start(); err != nil {
		t.Fatal(err)
	}
	d.wait(t, "containerd answers", func() bool { return d.ctrCommand("version").Run() == nil })
}

// UserNamespaces tells whether the containerd of this machine gives pods user namespaces, which it does since 1.7 and
// ignores before.
func UserNamespaces(t testing.TB) bool {
	t.Helper()
	out, err := exec.Command(require.Program(t, "containerd"), "--version").Output()
	words := strings.Fields(string(out))
	if err != nil || len(words) < 3 {
		t.Fatalf("containerd --version: %v, %q", err, out)
	}
	var major, minor int
	if _, err := fmt.Sscanf(strings.TrimPrefix(words[2], "v"), "%d.%d", &major, &minor); err != nil {
		t.Fatalf("containerd --version: %q: %v", out, err)
	}
	return major > 1 || major == 1 && minor >= 7
}

// CRI is a command line of the client of tests/cri.
func (d *Daemon) CRI(args ...string) []string {
	return append([]string{d.client, d.dir + "/c.sock"}, args...)
}

func (d *Daemon) ctrCommand(args ...string) *exec.Cmd {
	return exec.Command(d.ctr, append([]string{"-a", d.dir + "/c.sock", "-n", "k8s.io"}, args...)...)
}

// Import imports an image's archive, and waits until CRI has heard of it.
func (d *Daemon) Import(t testing.TB, archive, name string) {
	t.Helper()
	if out, err := d.ctrCommand("image", "import", archive).CombinedOutput(); err != nil {
		t.Fatalf("ctr image import: %v\n%s", err, out)
	}
	d.wait(t, "CRI knows the image "+name, func() bool { return exec.Command(d.client, d.CRI("image", name)[1:]...).Run() == nil })
}

// wait polls for a minute at most, which is long for a machine that emulates its processor.
func (d *Daemon) wait(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
