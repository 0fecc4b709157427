package treelock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/lockfile"
)

func TestOneContainerATree(t *testing.T) {
	base := t.TempDir()
	tree, link, locks := filepath.Join(base, "tree"), filepath.Join(base, "link"), filepath.Join(base, "locks")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("tree", link); err != nil {
		t.Fatal(err)
	}
	first, err := Take(locks, tree, false)
	if err != nil {
		t.Fatal(err)
	}
	// The names are nspawn's, seen beside a tree of a running one.
	var st unix.Stat_t
	if err := unix.Stat(tree, &st); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(base, ".#tree.lck"), filepath.Join(locks, fmt.Sprintf("inode-%d:%d", st.Dev, st.Ino))} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := Take(locks, link, false); !errors.Is(err, lockfile.ErrBusy) || !strings.Contains(err.Error(), tree) {
		t.Errorf("through a symlink: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := Take(locks, tree, true)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Take(locks, link, true)
	if err != nil {
		t.Fatalf("two readers: %v", err)
	}
	if _, err := Take(locks, tree, false); !errors.Is(err, lockfile.ErrBusy) {
		t.Errorf("a writer beside readers: %v", err)
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(locks)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABusyLocalLockGivesTheGlobalOneBack(t *testing.T) {
	base := t.TempDir()
	tree := filepath.Join(base, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		t.Fatal(err)
	}
	held, err := lockfile.Take(filepath.Join(base, ".#tree.lck"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, err := Take(filepath.Join(base, "locks"), tree, false); !errors.Is(err, lockfile.ErrBusy) {
		t.Errorf("error %v", err)
	}
	left, err := os.ReadDir(filepath.Join(base, "locks"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
