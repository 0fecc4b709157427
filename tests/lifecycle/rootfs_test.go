package lifecycle

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestHidden shows that what is masked cannot be read and what is read-only not be written, whatever it is.
func TestHidden(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, func(s *specs.Spec) {
		s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, "/secret/file", "/secret/dir", "/secret/missing", "/etc/passwd/below", "/secret/link", "/secret/dangling")
		s.Linux.ReadonlyPaths = append(s.Linux.ReadonlyPaths, "/ro/file", "/ro/dir", "/ro/missing", "/ro/dangling")
	}, fixtures.Shell(strings.Join([]string{
		"cat /secret/file", "ls -A /secret/dir", "cat /linked", "touch /secret/dir/x 2>/dev/null || echo dir masked",
		"echo x 2>/dev/null >/ro/file || echo file ro", "touch /ro/dir/x 2>/dev/null || echo dir ro", "cat /ro/file",
		"cat /ro/dir/inside", "ls -A /sys/firmware", "cat /proc/kcore | wc -c", "echo 1 2>/dev/null >/proc/sys/kernel/msgmax || echo sys ro",
		"cat /proc/timer_list", "touch /other && echo rest writable",
	}, ";")))
	for name, text := range map[string]string{
		"secret/file": "secret", "secret/dir/inside": "secret", "linked": "secret", "ro/file": "readable\n", "ro/dir/inside": "readable\n",
	} {
		if err := os.MkdirAll(c.Rootfs(name+"/.."), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Rootfs(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"secret/link": "/linked", "secret/dangling": "/nowhere", "ro/dangling": "/nowhere"} {
		if err := os.Symlink(to, c.Rootfs(name)); err != nil {
			t.Fatal(err)
		}
	}
	r := c.Run()
	want(t, "what is seen", r.Stdout, "dir masked\nfile ro\ndir ro\nreadable\nreadable\n0\nsys ro\nrest writable")
	if r.Code != 0 {
		t.Errorf("run: %+v", r)
	}
}

func TestReadonlyRoot(t *testing.T) {
	got := output(t, func(s *specs.Spec) { s.Root.Readonly = true }, tmpfs("/tmp"),
		fixtures.Shell("touch /x 2>/dev/null || echo denied; touch /tmp/x && echo tmp; touch /dev/x && echo dev; echo y >/dev/null && echo null"))
	want(t, "writes", got, "denied\ntmp\ndev\nnull")
}

func TestRootPropagation(t *testing.T) {
	for word, shown := range map[string]string{"": "private", "private": "private", "rprivate": "private", "slave": "private", "rslave": "private", "shared": "shared", "unbindable": "unbindable"} {
		t.Run(word, func(t *testing.T) {
			got := output(t, func(s *specs.Spec) { s.Linux.RootfsPropagation = word }, attributes("/"))
			wantIn(t, "the root mount", got, shown)
		})
	}
}

// TestDefaultDevices shows that each is there, works, and is everybody's.
func TestDefaultDevices(t *testing.T) {
	const script = `for d in null zero full random urandom tty; do stat -c '%n %a %t:%T %u:%g' /dev/$d; done
head -c 3 /dev/zero | od -An -tx1; head -c 5 /dev/urandom | wc -c; echo x 2>/dev/null >/dev/full || echo full
for l in fd stdin stdout stderr ptmx core; do echo $l $(readlink /dev/$l); done`
	const seen = `/dev/null 666 1:3 0:0
/dev/zero 666 1:5 0:0
/dev/full 666 1:7 0:0
/dev/random 666 1:8 0:0
/dev/urandom 666 1:9 0:0
/dev/tty 666 5:0 0:0
 00 00 00
5
full
fd /proc/self/fd
stdin /proc/self/fd/0
stdout /proc/self/fd/1
stderr /proc/self/fd/2
ptmx pts/ptmx`
	got := output(t, fixtures.Shell(script))
	if !strings.HasPrefix(strings.TrimSpace(got), seen) {
		t.Errorf("devices are\n%s\nwant\n%s", got, seen)
	}
	t.Run("user namespace", func(t *testing.T) {
		got := output(t, fixtures.WithUserNamespace(100000, 65536), fixtures.Shell("echo x >/dev/null && head -c 2 /dev/zero | wc -c; stat -c %t:%T /dev/null"))
		want(t, "devices", got, "2\n1:3")
	})
}

func TestDevices(t *testing.T) {
	mode := fs.FileMode(0o20640) // with the type's bits, as engines write it
	got := output(t, func(s *specs.Spec) {
		s.Linux.Devices = []specs.LinuxDevice{
			{Path: "/dev/deep/mem", Type: "c", Major: 1, Minor: 5, FileMode: &mode, UID: ptr(uint32(7)), GID: ptr(uint32(8))},
			{Path: "/dev/pipe", Type: "p", UID: ptr(uint32(7))},
			{Path: "/dev/loop77", Type: "b", Major: 7, Minor: 77},
			{Path: "/dev/high", Type: "c", Major: 4095, Minor: 70000},
			{Path: "/dev/null", Type: "c", Major: 1, Minor: 3, FileMode: ptr(fs.FileMode(0o600))},
		}
	}, fixtures.Shell("for d in deep/mem pipe loop77 high null; do stat -c '%n %F %a %t:%T %u:%g' /dev/$d; done"))
	want(t, "devices", got, `/dev/deep/mem character special file 640 1:5 7:8
/dev/pipe fifo 666 0:0 7:0
/dev/loop77 block special file 666 7:4d 0:0
/dev/high character special file 666 fff:11170 0:0
/dev/null character special file 600 1:3 0:0`)
}

// TestHostDev shows that nothing is made in a /dev that is the host's.
func TestHostDev(t *testing.T) {
	src := source(t)
	output(t, func(s *specs.Spec) {
		s.Mounts = []specs.Mount{s.Mounts[0], {Destination: "/dev", Type: "bind", Source: src, Options: []string{"bind"}}}
		s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil
	})
	names, err := os.ReadDir(src)
	if err != nil || len(names) != 2 {
		t.Errorf("the host's directory holds %v, %v", names, err)
	}
}

// TestNoMountsOfTheHost shows that the host's mounts are gone, and that new ones of the host come only where a mount is
// a slave of a shared one.
func TestNoMountsOfTheHost(t *testing.T) {
	for option, later := range map[string]string{"rprivate": "", "rslave": "file"} {
		t.Run(option, func(t *testing.T) {
			src := source(t)
			if err := unix.Mount("", src, "", unix.MS_SHARED, ""); err != nil {
				t.Fatal(err)
			}
			c := sleeping(t, bind("/m", src, "rbind", option))
			got := c.Must("exec", c.ID, "cat", "/proc/1/mountinfo")
			for line := range strings.Lines(got) {
				if f := strings.Fields(line); len(f) > 5 && (strings.Contains(f[4], c.Bundle) || strings.HasPrefix(f[4], "/run/") || strings.HasPrefix(f[4], "/old")) {
					t.Errorf("a mount of the host: %s", line)
				}
			}
			if err := os.Mkdir(src+"/later", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("tmpfs", src+"/later", "tmpfs", 0, ""); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(src+"/later/file", nil, 0o644); err != nil {
				t.Fatal(err)
			}
			want(t, "a later mount", c.Must("exec", c.ID, "ls", "/m/later"), later)
		})
	}
}

// TestNoRoot: a root file system that is not there, or is none, is told by its field, and nothing is made.
func TestNoRoot(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, say := range map[string]string{
		"nosuch": "no such file or directory", "/nosuch/rootfs": "no such file or directory", file: "is not a directory",
		file + "/x": "not a directory",
	} {
		got := refused(t, func(s *specs.Spec) { s.Root.Path = path })
		wantIn(t, "message", got, "root.path: ")
		wantIn(t, "message", got, say)
	}
}
