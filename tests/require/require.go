// Package require states what a test needs of the machine: a privilege, a cgroup layout, a program.
// A test whose need is not met is skipped with the reason; with REQUIRE_ALL=1 it fails instead, so that a
// machine which is meant to run everything (.ci/run) cannot pass by skipping.
//
// It must never change the machine. It imports the standard library and x/sys/unix only.
package require

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// CgroupRoot is where every cgroup layout is mounted (cgroups(7)).
const CgroupRoot = "/sys/fs/cgroup"

// missing skips t, or fails it when REQUIRE_ALL=1.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("REQUIRE_ALL") == "1" {
		t.Fatalf("REQUIRE_ALL=1: "+format, args...)
	}
	t.Skipf(format, args...)
}

// Root needs effective uid 0 in the initial user namespace.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "needs root, runs as uid %d", os.Geteuid())
	}
	uidMap, err := os.ReadFile("/proc/self/uid_map")
	if err == nil && len(strings.Fields(string(uidMap))) == 3 && !strings.Contains(string(uidMap), "4294967295") {
		missing(t, "needs root of the initial user namespace, uid_map is %q", strings.TrimSpace(string(uidMap)))
	}
}

// NotRoot needs an unprivileged user.
func NotRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() == 0 {
		missing(t, "needs an unprivileged user, runs as root")
	}
}

// IsCgroupV2 tells whether cgroup2 is mounted on CgroupRoot itself (statfs(2) magic), the "unified" layout.
func IsCgroupV2() bool {
	var fs unix.Statfs_t
	return unix.Statfs(CgroupRoot, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC
}

// CgroupV2 needs the unified layout. Tests that can run in a mount namespace of their own want
// fixtures.InCgroupV2 instead.
func CgroupV2(t testing.TB) {
	t.Helper()
	if !IsCgroupV2() {
		missing(t, "needs cgroup v2 on %s", CgroupRoot)
	}
}

// CgroupV1 needs the legacy or hybrid layout.
func CgroupV1(t testing.TB) {
	t.Helper()
	if IsCgroupV2() {
		missing(t, "needs cgroup v1 or hybrid on %s", CgroupRoot)
	}
}

// Controller needs a cgroup controller, by its name in cgroups(7), on the layout that is mounted.
func Controller(t testing.TB, name string) {
	t.Helper()
	if !IsCgroupV2() {
		if _, err := os.Stat(CgroupRoot + "/" + name + "/cgroup.procs"); err != nil {
			missing(t, "needs the v1 cgroup controller %s: %v", name, err)
		}
		return
	}
	have, err := os.ReadFile(CgroupRoot + "/cgroup.controllers")
	if err != nil {
		missing(t, "needs the cgroup controller %s: %v", name, err)
	}
	for _, c := range strings.Fields(string(have)) {
		if c == name {
			return
		}
	}
	missing(t, "needs the cgroup controller %s, have %q", name, strings.TrimSpace(string(have)))
}

// CPUs needs n CPUs that this thread may run on, and returns those it may.
func CPUs(t testing.TB, n int) (all unix.CPUSet) {
	t.Helper()
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		t.Fatal(err)
	}
	if all.Count() < n {
		missing(t, "needs %d CPUs, may run on %d", n, all.Count())
	}
	return all
}

// Program needs an executable in PATH or the sbin directories, and returns its absolute path.
func Program(t testing.TB, name string) string {
	t.Helper()
	if p, err := exec.LookPath(name); err == nil {
		return p
	}
	for _, dir := range []string{"/usr/local/sbin/", "/usr/sbin/", "/sbin/"} {
		if unix.Access(dir+name, unix.X_OK) == nil {
			return dir + name
		}
	}
	missing(t, "needs the program %s", name)
	return ""
}

// File needs a path to exist.
func File(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		missing(t, "needs %s: %v", path, err)
	}
}

// Capability needs a capability in the effective set, by its number in capability.h.
func Capability(t testing.TB, number int, name string) {
	t.Helper()
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		missing(t, "needs %s: capget: %v", name, err)
	}
	if data[number/32].Effective&(1<<(number%32)) == 0 {
		missing(t, "needs the capability %s", name)
	}
}
