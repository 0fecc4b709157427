package lockfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestExclusiveAndShared(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	take := func(shared bool, want error) *Lock {
		t.Helper()
		l, err := Take(name, shared)
		if !errors.Is(err, want) {
			t.Fatalf("Take: %v, want %v", err, want)
		}
		return l
	}
	first := take(false, nil)
	take(false, ErrBusy)
	take(true, ErrBusy)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	a, b := take(true, nil), take(true, nil)
	take(false, ErrBusy)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err != nil {
		t.Errorf("the file of a lock that is held is gone: %v", err)
	}
	take(false, ErrBusy)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is left behind: %v", err)
	}
}

func TestSymlinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("target", filepath.Join(dir, "lock")); err != nil {
		t.Fatal(err)
	}
	if _, err := Take(filepath.Join(dir, "lock"), false); err == nil {
		t.Error("a symlink was followed")
	}
}
