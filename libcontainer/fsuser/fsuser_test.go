package fsuser

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// owned makes a file in dir and returns whose it is.
func owned(t *testing.T, dir string) (uid, gid uint32) {
	t.Helper()
	p := filepath.Join(dir, "f")
	if err := os.WriteFile(p, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		t.Fatal(err)
	}
	return st.Uid, st.Gid
}

func TestAs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make files as another user")
	}
	failure := errors.New("of f")
	dir := t.TempDir() // root's: As keeps the right to write to it
	err := As(1234, 5678, func() error {
		if uid, gid := owned(t, dir); uid != 1234 || gid != 5678 {
			t.Errorf("made by %d:%d", uid, gid)
		}
		return failure
	})
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if uid, gid := owned(t, t.TempDir()); uid != 0 || gid != 0 {
		t.Errorf("afterwards made by %d:%d", uid, gid)
	}
}

func TestAsNotPermitted(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may take on any ID")
	}
	err := As(12345, 12345, func() error { t.Error("was called"); return nil })
	if !errors.Is(err, unix.EPERM) {
		t.Errorf("got %v, want EPERM", err)
	}
}
