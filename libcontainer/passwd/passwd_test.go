package passwd

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestHome(t *testing.T) {
	long := strings.Repeat("x", 70000)
	tests := []struct {
		name, file string
		uid        uint32
		want       string
	}{
		{"root", "root:x:0:0:root:/root:/bin/sh\n", 0, "/root"},
		{"second line", "root:x:0:0::/root:/bin/sh\nu:x:7:7::/home/u:\n", 7, "/home/u"},
		{"the first of two counts", "a:x:7:7::/a:\nb:x:7:7::/b:\n", 7, "/a"},
		{"unknown", "root:x:0:0::/root:/bin/sh\n", 8, "/"},
		{"no line end", "root:x:0:0::/root:", 0, "/root"},
		{"no shell", "root:x:0:0::/root", 0, "/root"},
		{"empty home", "root:x:0:0:::/bin/sh\n", 0, "/"},
		{"too few fields", "root:x:0:0\n", 0, "/"},
		{"comment and blank lines", "\n# c\nroot:x:0:0::/root:\n", 0, "/root"},
		{"not a prefix", "a:x:70:7::/a:\n", 7, "/"},
		{"largest", "a:x:4294967295:7::/a:\n", 4294967295, "/a"},
		{"long lines", "l:x:1:1:" + long + ":/l:\nroot:x:0:0::/root:\n", 0, "/root"},
		{"NUL and garbage", "\x00\xff:::\n\x00\nroot:x:0:0::/root:\n", 0, "/root"},
		{"empty", "", 0, "/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t)
			if err := os.WriteFile(filepath.Join(root, "etc/passwd"), []byte(tt.file), 0o644); err != nil {
				t.Fatal(err)
			}
			if got := Home(root, tt.uid); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func tree(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestHostile has files that are none: nothing outside is read, and nothing blocks.
func TestHostile(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(outside, []byte("root:x:0:0::/outside:\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(root, file string) error{
		"absolute symlink": func(_, file string) error { return os.Symlink(outside, file) },
		"symlink upwards": func(_, file string) error {
			return os.Symlink(strings.Repeat("../", 30)+outside[1:], file)
		},
		"symlink to /proc": func(root, file string) error { return os.Symlink("/proc/self/environ", file) },
		"symlinked directory": func(root, _ string) error {
			if err := os.Remove(filepath.Join(root, "etc")); err != nil {
				return err
			}
			return os.Symlink(filepath.Dir(outside), filepath.Join(root, "etc"))
		},
		"loop":       func(_, file string) error { return os.Symlink("passwd", file) },
		"fifo":       func(_, file string) error { return syscall.Mkfifo(file, 0o644) },
		"directory":  func(_, file string) error { return os.Mkdir(file, 0o755) },
		"missing":    func(string, string) error { return nil },
		"very large": func(_, file string) error { return largeFile(file) },
	}
	for name, make := range tests {
		t.Run(name, func(t *testing.T) {
			root := tree(t)
			if err := make(root, filepath.Join(root, "etc/passwd")); err != nil {
				t.Fatal(err)
			}
			if got := Home(root, 0); got != "/" {
				t.Errorf("home is %q", got)
			}
		})
	}
	t.Run("missing root", func(t *testing.T) {
		if got := Home(filepath.Join(t.TempDir(), "none"), 0); got != "/" {
			t.Errorf("home is %q", got)
		}
	})
	t.Run("symlink inside", func(t *testing.T) {
		root := tree(t)
		if err := os.WriteFile(filepath.Join(root, "real"), []byte("root:x:0:0::/inside:\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/../../real", filepath.Join(root, "etc/passwd")); err != nil {
			t.Fatal(err)
		}
		if got := Home(root, 0); got != "/inside" {
			t.Errorf("home is %q", got)
		}
	})
}

func largeFile(file string) error {
	if err := os.WriteFile(file, []byte("root:x:0:0::/large:\n"), 0o644); err != nil {
		return err
	}
	return os.Truncate(file, 1<<40)
}
