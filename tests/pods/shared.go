package pods

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// sharedDirs are made by ctr, by shims and by containerd's CNI library wherever its own directories are; innermost first.
var sharedDirs = []string{
	"/run/containerd/s", "/run/containerd/fifo", "/run/containerd/runc/default", "/run/containerd/runc", "/run/containerd",
	"/var/lib/cni/results", "/var/lib/cni",
}

// CleanShared has the test remove, as its last act, what a containerd of its own makes outside its own directories, if it
// was not there.
func CleanShared(t testing.TB) {
	var absent []string
	for _, s := range sharedDirs {
		if _, err := os.Stat(s); err != nil {
			absent = append(absent, s)
		}
	}
	t.Cleanup(func() {
		for _, dir := range absent {
			_ = unix.Rmdir(dir) // unless somebody else's files are in it now
		}
	})
}

// UpperDir is the upper directory of the overlay that `ctr snapshot mounts` prints: what a container wrote to its root
// file system.
func UpperDir(mounts string) (dir string, ok bool) {
	_, after, ok := strings.Cut(mounts, "upperdir=")
	dir, _, _ = strings.Cut(after, ",")
	return strings.TrimSpace(dir), ok
}
