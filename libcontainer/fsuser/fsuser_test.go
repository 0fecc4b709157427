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
	for name, as := range map[string]func(uid, gid int, f func() error) error{"As": As, "PrivilegedAs": PrivilegedAs} {
		dir := t.TempDir()
		if err := errors.Join(os.Chown(dir, 1234, 5678), os.Chmod(filepath.Dir(dir), 0o755)); err != nil {
			t.Fatal(err)
		}
		err := as(1234, 5678, func() error {
			if uid, gid := owned(t, dir); uid != 1234 || gid != 5678 {
				t.Errorf("%s: made by %d:%d", name, uid, gid)
			}
			return failure
		})
		if !errors.Is(err, failure) {
			t.Errorf("%s: got %v", name, err)
		}
		if uid, gid := owned(t, t.TempDir()); uid != 0 || gid != 0 {
			t.Errorf("%s: afterwards made by %d:%d", name, uid, gid)
		}
	}
}

// TestCapabilities: only PrivilegedAs keeps those for files, and both give them back.
func TestCapabilities(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make files as another user")
	}
	dir := t.TempDir()
	try := func() error {
		err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o600)
		_ = os.Remove(filepath.Join(dir, "f"))
		return err
	}
	if err := errors.Join(os.Chown(dir, 4321, 4321), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	if err := As(1234, 5678, try); !errors.Is(err, unix.EACCES) {
		t.Errorf("As: %v, want EACCES", err)
	}
	if err := PrivilegedAs(1234, 5678, try); err != nil {
		t.Errorf("PrivilegedAs: %v", err)
	}
	if err := As(0, 0, try); err != nil {
		t.Errorf("as itself: %v", err)
	}
	if err := try(); err != nil {
		t.Errorf("afterwards: %v", err)
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
