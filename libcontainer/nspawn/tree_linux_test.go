package nspawn

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func makeTree(t *testing.T, links map[string]string, files map[string]string) *RootTree {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range links {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := OpenTree(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

func TestRootTreeResolvesInTheRoot(t *testing.T) {
	tree := makeTree(t,
		map[string]string{"sbin": "/usr/sbin", "usr/sbin/init": "../lib/systemd/systemd", "out": "../../../../../etc/marker",
			"loop": "loop", "magic": "/proc/self/exe"},
		map[string]string{"usr/lib/systemd/systemd": "x", "etc/marker": "inside", "file": "f"})
	for name, want := range map[string]string{
		"/sbin/init": "/usr/lib/systemd/systemd", "/out": "/etc/marker", "/../../file": "/file", "/usr/lib/systemd/systemd": "/usr/lib/systemd/systemd",
	} {
		got, mode, err := tree.Resolve(name)
		if err != nil || got != want || mode != 0o755 {
			t.Errorf("Resolve(%q) = %q, %v, %v; want %q", name, got, mode, err, want)
		}
	}
	for _, name := range []string{"/none", "/file/below", "/magic"} {
		if _, _, err := tree.Resolve(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Resolve(%q): %v, want fs.ErrNotExist", name, err)
		}
	}
	if _, _, err := tree.Resolve("/loop"); !errors.Is(err, unix.ELOOP) {
		t.Errorf("Resolve of a loop: %v", err)
	}
	if raw, err := tree.Read("/out", 4); err != nil || string(raw) != "insi" {
		t.Errorf("Read = %q, %v", raw, err)
	}
	if names, err := tree.List("/usr/lib"); err != nil || len(names) != 1 || names[0] != "systemd" {
		t.Errorf("List = %q, %v", names, err)
	}
}

func TestRootTreeDoesNotOpenFifos(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(root, "fifo"), 0o755); err != nil {
		t.Fatal(err)
	}
	tree, err := OpenTree(root)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if _, err := tree.Read("/fifo", 10); err == nil {
		t.Error("a fifo was read")
	}
	if _, mode, err := tree.Resolve("/fifo"); err != nil || mode.IsRegular() {
		t.Errorf("Resolve of a fifo = %v, %v", mode, err)
	}
}

func TestDetectOnARealTree(t *testing.T) {
	tree := makeTree(t, map[string]string{"sbin/init": "/lib/systemd/systemd"}, map[string]string{"lib/systemd/systemd": "x"})
	got, err := Detect(tree, "/sbin/init", "")
	if err != nil || got.Kind != Systemd || got.File != "/lib/systemd/systemd" {
		t.Errorf("Detect = %+v, %v", got, err)
	}
}
