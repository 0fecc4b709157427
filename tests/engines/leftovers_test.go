//go:build engines

package engines

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
)

// engineDirs are shared directories that engines make on their way.
var engineDirs = []string{"/run/containerd", "/run/libpod", "/run/containers", "/run/crun", "/run/runc", "/run/gspawn-oci"}

// machine is what existed before an engine was started.
type machine struct {
	dir     string          // everything of this test lies below
	exist   map[string]bool // of engineDirs
	cgroups map[string]bool // entries of /sys/fs/cgroup
	states  map[string]bool // entries of the runtime's default state directory
}

// workDir makes a short-named directory for an engine, and registers the check for leftovers below it.
func workDir(t *testing.T) *machine {
	t.Helper()
	dir, err := os.MkdirTemp("", "gsp-eng-") //nolint:usetesting // it is looked through for leftovers before it goes, and sockets need short paths
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{dir: dir, exist: map[string]bool{}, cgroups: entries("/sys/fs/cgroup"), states: entries(stateDir(t))}
	for _, d := range engineDirs {
		_, err := os.Stat(d)
		m.exist[d] = err == nil
	}
	t.Cleanup(func() { m.check(t) })
	return m
}

// stateDir is where the runtime keeps its state when a caller gives no --root, as podman does not.
func stateDir(t *testing.T) string { return "/run/" + filepath.Base(fixtures.RuntimePath(t)) }

func entries(dir string) map[string]bool {
	found := map[string]bool{}
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		found[e.Name()] = true
	}
	return found
}

// check fails the test for what containers left, and removes that and what the engine itself left.
func (m *machine) check(t *testing.T) {
	t.Helper()
	var left []string
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if left = m.leftovers(t); len(left) == 0 || time.Now().After(end) {
			break
		}
	}
	if len(left) > 0 {
		t.Errorf("left behind:\n  %s", strings.Join(left, "\n  "))
	}
	m.clear(t)
}

// leftovers names processes, cgroups and states of containers. Mounts that the engine's storage has are not the
// runtime's; those of a root file system of a container keep the removal of dir from working, which check tells.
func (m *machine) leftovers(t *testing.T) []string {
	var left []string
	for _, pid := range m.processes() {
		cmdline, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		left = append(left, fmt.Sprintf("process %s %.200q", pid, strings.ReplaceAll(string(cmdline), "\x00", " ")))
	}
	for _, parent := range fixtures.CgroupDirs(fixtures.CgroupParent) {
		found, _ := filepath.Glob(parent + "/*" + m.mark() + "*")
		podman, _ := filepath.Glob(parent + "/" + m.mark() + "/libpod-*")
		for _, f := range append(found, podman...) {
			if info, err := os.Stat(f); err == nil && info.IsDir() && filepath.Base(f) != m.mark() {
				left = append(left, "cgroup "+f)
			}
		}
	}
	for name := range entries(stateDir(t)) {
		// Containers' ids only: caches and locks may stay.
		if !m.states[name] && (len(name) == 64 || strings.Contains(name, m.mark())) {
			left = append(left, "state "+stateDir(t)+"/"+name)
		}
	}
	return left
}

// mark is a name unique to this test, used in cgroups and ids.
func (m *machine) mark() string { return filepath.Base(m.dir) }

// processes have the work directory in their arguments or as their root.
func (m *machine) processes() []string {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []string
	for _, d := range dirs {
		pid := filepath.Base(d)
		if pid == fmt.Sprint(os.Getpid()) {
			continue
		}
		cmdline, _ := os.ReadFile(d + "/cmdline")
		cgroup, _ := os.ReadFile(d + "/cgroup")
		if len(cmdline) > 0 && (strings.Contains(string(cmdline), m.dir+"/") || strings.Contains(string(cgroup), m.mark())) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (m *machine) clear(t *testing.T) {
	for _, pid := range m.processes() {
		var n int
		if _, err := fmt.Sscan(pid, &n); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
	unmountBelow(m.dir)
	for _, parent := range fixtures.CgroupDirs(fixtures.CgroupParent) {
		found, _ := filepath.Glob(parent + "/*" + m.mark() + "*")
		for _, f := range found {
			fixtures.RemoveDirs(f)
		}
	}
	for name := range entries("/sys/fs/cgroup") {
		if !m.cgroups[name] { // podman 4.3 makes plain directories for v1 hierarchies that are not mounted
			fixtures.RemoveDirs("/sys/fs/cgroup/" + name)
		}
	}
	for _, d := range engineDirs {
		if !m.exist[d] {
			unmountBelow(d)
			_ = os.RemoveAll(d)
		}
	}
	if err := os.RemoveAll(m.dir); err != nil {
		t.Errorf("remove the engine's directory: %v", err)
	}
}

// unmountBelow detaches every mount at or below dir.
func unmountBelow(dir string) {
	info, _ := os.ReadFile("/proc/self/mountinfo")
	lines := strings.Split(string(info), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if f := strings.Fields(lines[i]); len(f) > 4 && (f[4] == dir || strings.HasPrefix(f[4], dir+"/")) {
			_ = unix.Unmount(f[4], unix.MNT_DETACH)
		}
	}
}
