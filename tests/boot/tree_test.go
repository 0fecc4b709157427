//go:build boot

package boot

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// userBase is where the users of a user namespace lie on the host.
const userBase = 100000

// cacheDir is where trees and their shifted copies are kept between runs.
func cacheDir() string {
	if dir := os.Getenv("GSPAWN_CACHE"); dir != "" {
		return dir
	}
	return "/var/tmp/gspawn-oci-cache"
}

var buildTree sync.Mutex

// pristine is a tree that nobody writes to; trees.sh makes it where GSPAWN_TREES does not have it.
func pristine(t *testing.T, name string) string {
	t.Helper()
	if dir := os.Getenv("GSPAWN_TREES"); dir != "" {
		tree := filepath.Join(dir, name)
		require.File(t, tree)
		return tree
	}
	require.Program(t, "mmdebstrap")
	buildTree.Lock()
	defer buildTree.Unlock()
	script := filepath.Join(fixtures.RepoRoot(), "tests/boot/trees.sh")
	if out, err := exec.Command(script, name).CombinedOutput(); err != nil {
		t.Skipf("the tree %s cannot be made: %v\n%s", name, err, out)
	}
	return filepath.Join(cacheDir(), "trees", name)
}

// shifted is a copy of a tree that belongs to the users of the user namespace.
func shifted(t *testing.T, name string) string {
	t.Helper()
	from := pristine(t, name)
	dir := filepath.Join(cacheDir(), "shifted")
	to := filepath.Join(dir, name)
	buildTree.Lock()
	defer buildTree.Unlock()
	source, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(to); err == nil && info.ModTime().Equal(source.ModTime()) {
		return to
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	temporary := filepath.Join(dir, "."+name)
	_ = os.RemoveAll(temporary)
	if out, err := exec.Command("cp", "-a", from, temporary).CombinedOutput(); err != nil {
		t.Fatalf("copy a tree: %v\n%s", err, out)
	}
	if err := shift(temporary); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(to), os.Chtimes(temporary, source.ModTime(), source.ModTime()), os.Rename(temporary, to)); err != nil {
		t.Fatal(err)
	}
	return to
}

func shift(tree string) error {
	return filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		if err := os.Lchown(path, int(st.Uid)+userBase, int(st.Gid)+userBase); err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return nil
		}
		return unix.Chmod(path, st.Mode&0o7777) // chown took setuid away
	})
}

// stopMark is a unit that leaves a file when it is stopped, which only a clean shutdown does.
const stopMark = `[Unit]
Description=Tell that the system was shut down cleanly
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/touch /var/stopped-cleanly
`

// writable is a tree to boot: an overlay over the cached one, so that nothing is copied. With users it belongs to those
// of the user namespace.
func writable(t *testing.T, name string, users bool) string {
	t.Helper()
	lower := ""
	if users {
		lower = shifted(t, name)
	} else {
		lower = pristine(t, name)
	}
	dir, err := os.MkdirTemp("/var/tmp", "gsp-boot-") //nolint:usetesting // /tmp may be a tmpfs, too small for trees
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "root")
	upper, work := filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	for _, d := range []string{root, upper, work} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if users {
		if err := os.Chown(upper, userBase, userBase); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mount("overlay", root, "overlay", 0, "lowerdir="+lower+",upperdir="+upper+",workdir="+work); err != nil {
		t.Fatalf("mount overlay: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(root, unix.MNT_DETACH) })
	if _, err := os.Lstat(root + "/etc/systemd/system"); err == nil {
		unit := root + "/etc/systemd/system/stop-mark.service"
		wants := root + "/etc/systemd/system/multi-user.target.wants"
		if err := errors.Join(os.WriteFile(unit, []byte(stopMark), 0o644), os.MkdirAll(wants, 0o755),
			os.Symlink("../stop-mark.service", wants+"/stop-mark.service")); err != nil {
			t.Fatal(err)
		}
	}
	if name == "openrc" {
		// sysvinit's powerwait action, which Debian's inittab names and no package brings; LXC's templates add it too.
		script := "#!/bin/sh\nexec /sbin/shutdown -h now\n"
		if err := os.WriteFile(root+"/etc/init.d/powerfail", []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func stoppedCleanly(root string) bool {
	_, err := os.Lstat(root + "/var/stopped-cleanly")
	return err == nil
}
