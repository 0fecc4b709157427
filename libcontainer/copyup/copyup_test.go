package copyup

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: owners, devices and mounts")
	}
}

func wantSame(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			t.Errorf("missing %s", w[i])
		case i >= len(w):
			t.Errorf("too much %s", g[i])
		case g[i] != w[i]:
			t.Errorf("\ngot  %s\nwant %s", g[i], w[i])
		}
	}
}

func TestCopy(t *testing.T) {
	b := plain(t)
	to := newTmpfs(t)
	if err := Copy(openPath(t, b.dir), to); err != nil {
		t.Fatal(err)
	}
	wantSame(t, snapshot(t, path(to)), snapshot(t, b.dir))
}

func TestCopyRoot(t *testing.T) {
	needRoot(t)
	b := plain(t)
	b.own("hello", 1000, 1001)
	b.own("setuid", 4000000, 70000)
	b.own("absolute", 7, 8)
	b.own("fifo", 9, 10)
	b.own("sub/deep", 11, 0)
	b.xattr("hello", "security.capability", capability())
	b.xattr("big", "system.posix_acl_access", acl())
	b.xattr("sub", "system.posix_acl_default", acl())
	b.xattr("nothing", "trusted.note", []byte{0, 1})
	b.ok(unix.Mknod(b.path("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	b.ok(unix.Mknod(b.path("loop"), unix.S_IFBLK|0o660, int(unix.Mkdev(7, 300))))
	to := newTmpfs(t)
	if err := Copy(openPath(t, b.dir), to); err != nil {
		t.Fatal(err)
	}
	wantSame(t, snapshot(t, path(to)), snapshot(t, b.dir))
}

func TestCopySocketLeftOut(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") //nolint:usetesting // a socket's path has 108 bytes (unix(7))
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", dir+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	to := newTmpfs(t)
	if err := Copy(openPath(t, dir), to); err != nil {
		t.Fatal(err)
	}
	if got := snapshot(t, path(to)); got != "" {
		t.Errorf("copied %s", got)
	}
}

func TestCopySparse(t *testing.T) {
	const size = 8 << 20
	tests := map[string]map[int64]string{
		"no data":         nil,
		"in the middle":   {2 << 20: "middle", 5 << 20: strings.Repeat("m", 100000)},
		"first and last":  {0: "first", size - 4: "last"},
		"hole at the end": {0: "first"},
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			b := builder{t, t.TempDir()}
			b.sparse("f", size, data)
			to := newTmpfs(t)
			if err := Copy(openPath(t, b.dir), to); err != nil {
				t.Fatal(err)
			}
			wantSame(t, snapshot(t, path(to)), snapshot(t, b.dir))
			var st unix.Stat_t
			b.ok(unix.Stat(path(to)+"/f", &st))
			if used := st.Blocks * 512; used > 1<<20 {
				t.Errorf("the copy takes %d bytes", used)
			}
		})
	}
}

func TestCopyBuffered(t *testing.T) {
	b := builder{t, t.TempDir()}
	want := strings.Repeat("0123456789abcdef", 10000)
	b.file("from", want, 0o600)
	b.file("to", "", 0o600)
	from, err := os.Open(b.path("from"))
	b.ok(err)
	defer from.Close()
	to, err := os.OpenFile(b.path("to"), os.O_RDWR, 0)
	b.ok(err)
	defer to.Close()
	b.ok(buffered(int(from.Fd()), int(to.Fd()), 5, 1<<40))
	if got, _ := os.ReadFile(b.path("to")); string(got) != want[5:] {
		t.Errorf("%d bytes came, or others than those", len(got))
	}
}

// TestCopyMount is a mount below the directory: what is in it stays there.
func TestCopyMount(t *testing.T) {
	needRoot(t)
	b := builder{t, t.TempDir()}
	b.mkdir("dir", 0o700)
	b.file("file", "covered", 0o600)
	for source, target := range map[string]string{"/proc/self": "dir", "/proc/uptime": "file"} {
		b.ok(unix.Mount(source, b.path(target), "", unix.MS_BIND, ""))
		defer unix.Unmount(b.path(target), unix.MNT_DETACH)
	}
	to := newTmpfs(t)
	if err := Copy(openPath(t, b.dir), to); err != nil {
		t.Fatal(err)
	}
	got := snapshot(t, path(to))
	if lines := strings.Split(got, "\n"); len(lines) != 2 || !strings.HasPrefix(lines[0], `"dir" 040755`) ||
		!strings.HasPrefix(lines[1], `"file" 0100644`) || !strings.Contains(lines[1], " 0 bytes") {
		t.Errorf("copied\n%s", got)
	}
}

func TestCopyErrors(t *testing.T) {
	tests := map[string]struct {
		from, to func(builder)
		path     string
		want     error
	}{
		"target not empty": {
			from: func(b builder) { b.mkdir("a", 0o755); b.file("a/f", "new", 0o644) },
			to:   func(b builder) { b.mkdir("a", 0o755) },
			path: `"/a"`, want: unix.EEXIST,
		},
		"symbolic link in the target": {
			from: func(b builder) { b.file("f", "new", 0o644) },
			to:   func(b builder) { b.ok(os.Symlink("/dev/null", b.path("f"))) },
			path: `"/f"`, want: unix.EEXIST,
		},
		"too deep": {
			from: func(b builder) { b.mkdir(strings.Repeat("d/", 257), 0o755) },
			path: `"/d/d/d/`, want: errTooDeep,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			from, to := builder{t, t.TempDir()}, builder{t, t.TempDir()}
			tt.from(from)
			if tt.to != nil {
				tt.to(to)
			}
			err := Copy(openPath(t, from.dir), openPath(t, to.dir))
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.path) {
				t.Errorf("%q does not name %s", err, tt.path)
			}
		})
	}
}

func TestCopyDepth(t *testing.T) {
	b := builder{t, t.TempDir()}
	b.mkdir(strings.Repeat("d/", maxDepth-1), 0o755)
	to := newTmpfs(t)
	if err := Copy(openPath(t, b.dir), to); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(path(to), strings.Repeat("d/", maxDepth-1))); err != nil {
		t.Error(err)
	}
}

// TestOpen is what an attacker who changes the source meanwhile could put there.
func TestOpen(t *testing.T) {
	b := builder{t, t.TempDir()}
	b.mkdir("sub", 0o755)
	b.file("f", "", 0o644)
	b.ok(os.Symlink(".", b.path("link")))
	b.ok(os.Symlink("f", b.path("filelink")))
	dir := openPath(t, b.path("sub"))
	root := openPath(t, b.dir)
	tests := map[string]struct {
		dir   int
		name  string
		flags int
		want  error
	}{
		"parent":            {dir, "..", unix.O_PATH, unix.EXDEV},
		"absolute":          {dir, "/etc", unix.O_PATH, unix.EXDEV},
		"link to a file":    {root, "filelink", unix.O_RDONLY, unix.ELOOP},
		"through a link":    {root, "link/f", unix.O_PATH, unix.ELOOP},
		"directory by link": {root, "link", unix.O_RDONLY | unix.O_DIRECTORY, unix.ENOTDIR},
		"the link itself":   {root, "link", unix.O_PATH, nil},
		"file":              {root, "f", unix.O_PATH, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fd, err := open(tt.dir, tt.name, tt.flags)
			if err == nil {
				unix.Close(fd)
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
