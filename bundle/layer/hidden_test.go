package layer_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/layer"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// FuzzHidden scans two layers of any bytes for what the second hides, and applies them with that left out and without: the trees
// are the same, or the first says that it cannot be done.
func FuzzHidden(f *testing.F) {
	for _, s := range [][2][]byte{
		{iw.Tar(iw.File("a", "1"), iw.Hardlink("b", "a"), iw.Dir("d"), iw.File("d/x", "2")), iw.Tar(iw.File(".wh.a", ""), iw.File("d/.wh..wh..opq", ""))},
		{iw.Tar(iw.Symlink("l", "d"), iw.Dir("d"), iw.File("l/x", "3"), iw.File("d/y", "4")), iw.Tar(iw.File(".wh.l", ""), iw.Dir("l"), iw.File("l/x", "5"))},
		{iw.Tar(iw.File("a", "1")), iw.Tar(iw.Hardlink("b", "a"), iw.File("a", "2"))},
		{iw.Tar(iw.File("f/x", "1"), iw.File("f", "2")), iw.Tar(iw.Dir("f"), iw.File(".wh..wh.plnk/1.2", "3"), iw.Hardlink("g", ".wh..wh.plnk/1.2"))},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		old := unix.Umask(0)
		defer unix.Umask(old)
		hidden := new(layer.Hidden)
		for i, raw := range [][]byte{one, two} {
			if err := hidden.Scan(bytes.NewReader(raw), i); err != nil {
				return
			}
		}
		want, err := applied(t, one, two, nil)
		if err != nil {
			return // whatever is wrong, one of them may not get to it
		}
		got, err := applied(t, one, two, hidden)
		if errors.Is(err, layer.ErrNeedsHidden) {
			return
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("with hidden files left out: %v\n%s\nwith all:\n%s", err, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

// applied makes a tree of two layers and lists it.
func applied(t *testing.T, one, two []byte, hidden *layer.Hidden) ([]string, error) {
	dir := t.TempDir()
	root, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(root)
	defer func() {
		if err := layer.RemoveContents(root); err != nil {
			t.Error(err)
		}
	}()
	tree := layer.NewTree(root, &layer.Options{MaxFiles: 300, MaxBytes: 1 << 20, Rootless: os.Geteuid() != 0})
	defer tree.Abandon()
	for i, raw := range [][]byte{one, two} {
		if err := tree.Apply(t.Context(), bytes.NewReader(raw), layer.Layer{Index: i, Whiteouts: true, Hidden: hidden}); err != nil {
			return nil, err
		}
	}
	if err := tree.Finish(); err != nil {
		return nil, err
	}
	var lines []string
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		content := ""
		switch st.Mode().Type() {
		case 0:
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(raw)
		case fs.ModeSymlink:
			if content, err = os.Readlink(path); err != nil {
				return err
			}
		}
		lines = append(lines, fmt.Sprintf("%q %v %q", path[len(dir):], st.Mode(), content))
		return nil
	})
	return lines, err
}

// TestHiddenNothing: what was never told of a layer hides nothing.
func TestHiddenNothing(t *testing.T) {
	raw := iw.Tar(iw.File("a", "1"), iw.Entry{Name: "b", Type: tar.TypeFifo})
	want, err := applied(t, raw, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := applied(t, raw, nil, new(layer.Hidden))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}
