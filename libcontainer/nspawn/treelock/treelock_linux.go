// Package treelock keeps two containers from running on one tree, under the
// locks that systemd-nspawn and machinectl take, so that they keep off, too.
//
// It changes nothing in the tree; it imports lockfile and the standard library.
package treelock

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/lockfile"
)

// nspawnDir is where nspawn keeps the locks by inode.
const nspawnDir = "/run/systemd/nspawn/locks"

// Dir is where the locks by inode are: nspawn's place, and one of his own for an
// ordinary user, who may not write there; his systems are seen by him alone.
func Dir() string {
	if os.Geteuid() == 0 {
		return nspawnDir
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "gspawn-oci", ".locks")
	}
	return filepath.Join(os.TempDir(), "gspawn-oci-"+strconv.Itoa(os.Geteuid()), ".locks")
}

// Lock holds a tree.
type Lock struct {
	local, global *lockfile.Lock
}

// Take locks the tree below a directory, shared with others when it is used
// read-only. dir is Dir() but in tests. A tree that somebody uses is an error that
// wraps lockfile.ErrBusy.
func Take(dir, tree string, readOnly bool) (*Lock, error) {
	tree, err := filepath.Abs(tree)
	if err != nil {
		return nil, err
	}
	if tree, err = filepath.EvalSymlinks(tree); err != nil {
		return nil, fmt.Errorf("lock tree: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Stat(tree, &st); err != nil {
		return nil, fmt.Errorf("lock tree %q: %w", tree, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock tree %q: %w", tree, err)
	}
	l := &Lock{}
	name := "inode-" + strconv.FormatUint(st.Dev, 10) + ":" + strconv.FormatUint(st.Ino, 10)
	if l.global, err = lockfile.Take(filepath.Join(dir, name), readOnly); err != nil {
		return nil, fmt.Errorf("tree %q: %w", tree, err)
	}
	l.local, err = lockfile.Take(filepath.Join(filepath.Dir(tree), ".#"+filepath.Base(tree)+".lck"), readOnly)
	if err != nil && !beside(err) {
		return nil, errors.Join(fmt.Errorf("tree %q: %w", tree, err), l.global.Close())
	}
	return l, nil
}

// beside says whether an error only means that nothing can be written beside
// the tree, where the lock by inode has to do.
func beside(err error) bool {
	return errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM)
}

// Close gives the tree back.
func (l *Lock) Close() error {
	err := l.global.Close()
	if l.local != nil {
		err = errors.Join(err, l.local.Close())
	}
	return err
}
