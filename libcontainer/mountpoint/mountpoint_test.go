package mountpoint

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// tree makes directories ("dir/"), files and links ("link -> target") below a new directory.
func tree(t *testing.T, entries ...string) (dir string, root int) {
	t.Helper()
	dir = t.TempDir()
	for _, e := range entries {
		name, target, link := strings.Cut(e, " -> ")
		p := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(p), 0o755)
		switch {
		case err != nil:
		case link:
			err = os.Symlink(target, p)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(p, 0o755)
		default:
			err = os.WriteFile(p, []byte("old"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(root) })
	return dir, root
}

func TestMake(t *testing.T) {
	tests := []struct {
		name, path string
		entries    []string
		made       string
	}{
		{"nothing in the way", "/a/b/c", nil, "a/b/c"},
		{"what exists", "/a/b", []string{"a/b/"}, "a/b"},
		{"resolved", "/etc/resolv.conf", []string{"etc/resolv.conf -> ../run/systemd/resolve/stub-resolv.conf"}, "run/systemd/resolve/stub-resolv.conf"},
		{"absolute", "/var/lib/x", []string{"var/lib -> /opt/data"}, "opt/data/x"},
		{"a link to a link", "/a", []string{"a -> b", "b -> /c", "c -> d/e"}, "d/e"},
		{"a link that exists", "/a/x", []string{"a -> b", "b/"}, "b/x"},
		{"out at the top", "/etc/x", []string{"etc/x -> ../../../../../y"}, "y"},
		{"up what is not there", "/x", []string{"x -> no/such/../file"}, "no/file"},
		{"dots and slashes", "//a/./x", []string{"a -> b//./c/"}, "b/c/x"},
		{"the root", "/a", []string{"a -> /"}, "."},
	}
	for _, tt := range tests {
		for _, directory := range []bool{true, false} {
			dir, root := tree(t, tt.entries...)
			if err := Make(root, tt.path, directory, nil); err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			info, err := os.Lstat(filepath.Join(dir, tt.made))
			exists := tt.name == "what exists" || tt.name == "the root"
			if err != nil || info.IsDir() != (directory || exists) || info.Mode()&os.ModeSymlink != 0 {
				t.Errorf("%s: %v %v", tt.name, info, err)
			}
		}
	}
}

func TestMakeErrors(t *testing.T) {
	tests := []struct {
		name, path string
		entries    []string
		want       error
		says       string
	}{
		{"loop", "/a/x", []string{"a -> b", "b -> a"}, unix.ELOOP, `"/a"`},
		{"itself", "/a", []string{"a -> a/b"}, unix.ELOOP, `"/a"`},
		{"below a file", "/f/x", []string{"f"}, unix.ENOTDIR, `"/f/x"`},
		{"a name without end", "/" + strings.Repeat("x", 300), nil, unix.ENAMETOOLONG, "xxx"},
	}
	for _, tt := range tests {
		dir, root := tree(t, tt.entries...)
		err := Make(root, tt.path, true, nil)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) != len(tt.entries) {
			t.Errorf("%s: left %v, %v", tt.name, left, err)
		}
	}
}

// FuzzMake: whatever links there are, nothing is made outside of the root.
func FuzzMake(f *testing.F) {
	f.Add("/a/x", "b", "../../c")
	f.Add("a", "/", "a/..")
	f.Add("../a", "../../b/../..", "a//b/./../../..")
	f.Fuzz(func(t *testing.T, name, a, b string) {
		for _, s := range []string{name, a, b} {
			if len(s) > 200 || strings.Contains(s, "\x00") {
				t.Skip()
			}
		}
		outside := t.TempDir()
		dir := filepath.Join(outside, "root")
		for _, err := range []error{os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(outside, "file"), nil, 0o600)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		_, _ = os.Symlink(a, filepath.Join(dir, "a")), os.Symlink(b, filepath.Join(dir, "b"))
		root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(root)
		err = Make(root, name, true, nil)
		left, readErr := os.ReadDir(outside)
		if readErr != nil || len(left) != 2 {
			t.Errorf("Make: %v; outside are %v, %v", err, left, readErr)
		}
	})
}
