package staging

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKilledBetween: of two directories one was put in place when the process was killed. The next import finds things as they were
// before, with and without something to replace.
func TestKilledBetween(t *testing.T) {
	for name, replaces := range map[string]bool{"new": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			if unix.Setxattr(top, pending, []byte("x"), 0) != nil {
				t.Skip("needs root, and a file system with trusted attributes")
			}
			dest := filepath.Join(top, "tree")
			force := func(int) error { return nil }
			if replaces {
				if err := os.MkdirAll(dest+"/old", 0o755); err != nil {
					t.Fatal(err)
				}
			}
			d, err := New(dest, force)
			if err != nil {
				t.Fatal(err)
			}
			if f, err := d.Create("new", 0o644); err != nil {
				t.Fatal(err)
			} else {
				f.Close()
			}
			if err := unix.Fsetxattr(d.FD, pending, []byte(d.tmp), 0); err != nil {
				t.Fatal(err)
			}
			if err := d.place(false); err != nil {
				t.Fatal(err)
			}
			// A living import's work is left alone.
			if other, err := New(dest, force); err != nil {
				t.Fatal(err)
			} else if other.Close(); !there(dest + "/new") {
				t.Fatal("it was taken from a living import")
			}
			unix.Close(d.FD)
			if replaces {
				unix.Close(d.replaced)
			}
			unix.Close(d.parent)
			next, err := New(dest, force)
			if err != nil {
				t.Fatal(err)
			}
			next.Close()
			if there(dest+"/new") || there(dest+"/old") != replaces {
				t.Errorf("new %v, old %v", there(dest+"/new"), there(dest+"/old"))
			}
			if left, _ := filepath.Glob(top + "/.*" + marker + "*"); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
