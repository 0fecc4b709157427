package layer_test

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/layer"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// FuzzApply applies two layers of any bytes. Whatever they are: nothing outside of the tree changes, no descriptor stays open,
// and the tree can be removed again.
func FuzzApply(f *testing.F) {
	up := "../../../.."
	for _, s := range [][2][]byte{
		{iw.Tar(iw.Dir("a"), iw.File("a/b", "1"), iw.Hardlink("c", "a/b")), iw.Tar(iw.File("a/.wh.b", ""), iw.File(".wh..wh..opq", ""))},
		{iw.Tar(iw.Symlink("l", up), iw.File("l/canary", "1")), iw.Tar(iw.File("l/canary", "2"), iw.File("l/.wh.canary", ""))},
		{iw.Tar(iw.Symlink("l", "/"), iw.Dir("l/tree"), iw.File("l/tree/../../x", "")), iw.Tar(iw.Dir("l"), iw.Hardlink("h", up+"/canary"))},
		{iw.Tar(iw.Entry{Name: "f", Type: tar.TypeFifo}, iw.File("f", "1"), iw.Dir("f"), iw.Symlink("f", "f")), iw.Tar(iw.File("f/x", ""))},
		{iw.Tar(iw.Entry{Name: "x", PAX: map[string]string{"SCHILY.xattr.user.a": "1", "SCHILY.acl.access": "user::rw-,user:1:r--"}}), nil},
		{iw.RawHeader("x", '0', "-0000000001\x00"), iw.RawHeader("y", 'S', "77777777777\x00")},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		old := unix.Umask(0)
		defer unix.Umask(old)
		dir := t.TempDir()
		canary := filepath.Join(dir, "canary")
		if err := os.WriteFile(canary, []byte("untouched"), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(dir+"/tree", 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := unix.Open(dir+"/tree", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(root)
		before := descriptors(t)
		tree := layer.NewTree(root, &layer.Options{MaxFiles: 300, MaxBytes: 1 << 20, Rootless: os.Geteuid() != 0})
		err = tree.Apply(t.Context(), bytes.NewReader(one), layer.Layer{Whiteouts: true})
		if err == nil {
			err = tree.Apply(t.Context(), bytes.NewReader(two), layer.Layer{Index: 1, Whiteouts: true})
		}
		if err == nil {
			_ = tree.Finish() // an error is an answer, too
		}
		tree.Abandon()
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors are open, %d before", after, before)
		}
		raw, err := os.ReadFile(canary)
		st, serr := os.Lstat(canary)
		if err != nil || serr != nil || string(raw) != "untouched" || st.Mode() != 0o640 {
			t.Fatalf("the file outside was changed: %q, %v, %v", raw, err, st)
		}
		if err := layer.RemoveContents(root); err != nil {
			t.Fatalf("the tree cannot be removed: %v", err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 2 {
			t.Fatalf("something was made outside of the tree: %v", entries)
		}
	})
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestRemoveDeep: trees far deeper than descriptors or a path allow are removed.
func TestRemoveDeep(t *testing.T) {
	dir := t.TempDir()
	root, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root)
	at, err := unix.Dup(root)
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 {
		if err := unix.Mkdirat(at, "d", 0o700); err != nil {
			t.Fatal(err)
		}
		next, err := unix.Openat(at, "d", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(at)
		at = next
	}
	unix.Close(at)
	if err := layer.RemoveContents(root); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left", left)
	}
}
