//go:build boot

package boot

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// running is a system that was started, by whatever.
type running interface {
	// exec runs a command inside.
	exec(args ...string) answer
	// stop is how the way's own user ends it: SIGTERM, or what the engine makes of it (podman chooses SIGRTMIN+3
	// itself). It need not wait.
	stop() answer
	stopped() bool
}

// endsByReboot are the trees whose init ends by reboot(2) alone, and goes on when that is refused, as engines' default
// capabilities refuse it.
var endsByReboot = map[string]bool{"openrc": true, "runit": true}

// way starts a system.
type way struct {
	name  string
	users bool // works with user namespaces
	start start
	// prepare, where start is nil, does what is the same with and without a user namespace, and gives the rest. t lasts
	// longer than the start's.
	prepare func(t *testing.T, tree string) start
}

type start func(t *testing.T, tree string, users bool) (s running, root string)

var ways = []way{
	{name: "run -d", users: true, start: startByRun},
	{name: "create, start", users: true, start: startByCreate},
	{name: "podman", users: true, start: startByPodman},
	{name: "ctr", users: true, start: startByCtr},
	{name: "docker save and import", start: startByImage},
	{name: "import and plain runc", start: startByRunc},
	{name: "CRI", users: true, prepare: prepareCRI},
}

// bundled is a system that the runtime's own commands started.
type bundled struct{ c *fixtures.Container }

func startByRun(t *testing.T, tree string, users bool) (running, string) {
	c, root := newSystem(t, tree, users)
	c.Must("run", "--detach", "--bundle", c.Bundle, c.ID)
	return bundled{c}, root
}

func startByCreate(t *testing.T, tree string, users bool) (running, string) {
	c, root := newSystem(t, tree, users)
	c.Create()
	c.Start()
	return bundled{c}, root
}

func (b bundled) exec(args ...string) answer {
	r := b.c.Do(append([]string{"exec", b.c.ID}, args...)...)
	return answer{strings.TrimSpace(r.Stdout), strings.TrimSpace(r.Stderr), r.Code}
}

func (b bundled) stop() answer {
	r := b.c.Do("kill", b.c.ID, "TERM")
	return answer{r.Stdout, r.Stderr, r.Code}
}

func (b bundled) stopped() bool {
	var s struct{ Status string }
	return json.Unmarshal([]byte(b.c.Do("state", b.c.ID).Stdout), &s) == nil && s.Status == "stopped"
}

// engine is a system in an engine; the fields are command lines.
type engine struct {
	env            []string
	run, end, list []string
	alive          string // what list prints while it runs
}

func (e engine) exec(args ...string) answer {
	return do(e.env, append(e.run[:len(e.run):len(e.run)], args...)...)
}
func (e engine) stop() answer  { return do(e.env, e.end...) }
func (e engine) stopped() bool { return !strings.Contains(do(e.env, e.list...).out, e.alive) }

// shortDir is a directory for an engine, whose sockets' paths must be short.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "gspb-") //nolint:usetesting // a short path, and not in a tmpfs
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// podmanConfig keeps within what a machine without CAP_SYS_RESOURCE or the pids controller can grant.
const podmanConfig = `[containers]
default_ulimits=["nofile=1024:20000","nproc=1024:20000"]
pids_limit=0
`

func startByPodman(t *testing.T, tree string, users bool) (running, string) {
	podman := require.Program(t, "podman")
	require.Program(t, "conmon")
	dir := shortDir(t)
	conf := filepath.Join(dir, "containers.conf")
	if err := os.WriteFile(conf, []byte(podmanConfig), 0o644); err != nil {
		t.Fatal(err)
	}
	root := writable(t, tree, users)
	before := names("/sys/fs/cgroup")
	t.Cleanup(func() { removePlain(before) })
	env := []string{"CONTAINERS_CONF=" + conf}
	p := []string{
		podman, "--root", dir + "/root", "--runroot", dir + "/run", "--tmpdir", dir + "/tmp", "--storage-driver=vfs",
		"--cgroup-manager=cgroupfs", "--events-backend=file", "--runtime", fixtures.RuntimePath(t),
	}
	with := func(args ...string) []string { return append(p[:len(p):len(p)], args...) }
	name := fixtures.UniqueID("boot")
	systemd := "--systemd=always"
	if up[tree] != nil {
		systemd = "--systemd=false" // else podman stops it by systemd's own signal, which means nothing to others
	}
	args := with("run", "--detach", "--name", name, systemd, "--network=none",
		"--cgroup-parent="+fixtures.CgroupParent)
	if endsByReboot[tree] {
		args = append(args, "--cap-add=SYS_BOOT")
	}
	if users {
		args = append(args, "--uidmap=0:100000:65536", "--gidmap=0:100000:65536")
	}
	t.Cleanup(func() { do(env, with("rm", "--force", "--time", "0", name)...) })
	if a := do(env, append(args, "--rootfs", root, "/sbin/init")...); a.code != 0 {
		t.Fatalf("podman run: %v", a)
	}
	return engine{
		env: env, run: with("exec", name), end: with("stop", "--time", "55", name),
		list: with("inspect", "--format", "{{.State.Status}}", name), alive: "running",
	}, root
}

// names are the entries of a directory.
func names(dir string) map[string]bool {
	found := map[string]bool{}
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		found[e.Name()] = true
	}
	return found
}

// removePlain removes the plain directories that podman 4.3 makes where v1 hierarchies are not mounted.
func removePlain(before map[string]bool) {
	for name := range names("/sys/fs/cgroup") {
		if !before[name] {
			fixtures.RemoveDirs("/sys/fs/cgroup/" + name)
		}
	}
}
