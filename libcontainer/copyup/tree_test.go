package copyup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openPath opens a directory as the init process does.
func openPath(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// newTmpfs returns a detached tmpfs, for root, or else just a directory.
func newTmpfs(t *testing.T) int {
	t.Helper()
	if os.Geteuid() != 0 {
		return openPath(t, t.TempDir())
	}
	fd, err := detachedTmpfs()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func detachedTmpfs() (int, error) {
	fs, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(fs)
	if err := unix.FsconfigCreate(fs); err != nil {
		return -1, fmt.Errorf("fsconfig: %w", err)
	}
	return unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
}

// describe is all that is known about a file.
func describe(t *testing.T, path string, links map[inode]string, name string) string {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%q %#o %d:%d", name, st.Mode, st.Uid, st.Gid)
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		fmt.Fprintf(&b, " %d.%09d", st.Mtim.Sec, st.Mtim.Nsec)
	} else {
		fmt.Fprintf(&b, " %d.%09d %d bytes, %d links, device %#x", st.Mtim.Sec, st.Mtim.Nsec, st.Size, st.Nlink, st.Rdev)
		id := inode{st.Dev, st.Ino}
		if first, ok := links[id]; ok {
			fmt.Fprintf(&b, " = %q", first)
		}
		links[id] = name
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		fmt.Fprintf(&b, " -> %d:%x %v", len(target), checksum([]byte(target)), err)
	case unix.S_IFREG:
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, " %x %v", checksum(data), err)
	}
	return b.String() + describeXattrs(t, path)
}

func checksum(b []byte) (sum uint64) {
	for _, c := range b {
		sum = sum*1099511628211 ^ uint64(c)
	}
	return sum
}

func describeXattrs(t *testing.T, path string) string {
	t.Helper()
	names := make([]byte, 4096)
	n, err := unix.Llistxattr(path, names)
	if err == unix.EOPNOTSUPP {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for name := range strings.SplitSeq(string(names[:n]), "\x00") {
		if name == "" || name == "security.selinux" {
			continue
		}
		value := make([]byte, 4096)
		n, err := unix.Lgetxattr(path, name, value)
		list = append(list, fmt.Sprintf(" %s=%d:%x %v", name, n, checksum(value[:max(n, 0)]), err))
	}
	sort.Strings(list)
	return strings.Join(list, "")
}

// snapshot describes all files below a directory, which may be a link in /proc,
// one a line.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	links := map[inode]string{}
	var walk func(below string)
	walk = func(below string) {
		entries, err := os.ReadDir(dir + "/" + below)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := below + e.Name()
			lines = append(lines, describe(t, dir+"/"+name, links, name))
			if e.IsDir() {
				walk(name + "/")
			}
		}
	}
	walk("")
	return strings.Join(lines, "\n")
}

// builder makes files.
type builder struct {
	t   *testing.T
	dir string
}

func (b builder) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b builder) path(name string) string { return filepath.Join(b.dir, name) }

func (b builder) file(name, data string, mode uint32) {
	b.t.Helper()
	b.ok(os.WriteFile(b.path(name), []byte(data), 0o600))
	b.ok(unix.Chmod(b.path(name), mode))
}

func (b builder) mkdir(name string, mode uint32) {
	b.t.Helper()
	b.ok(os.MkdirAll(b.path(name), 0o700))
	b.ok(unix.Chmod(b.path(name), mode))
}

func (b builder) own(name string, uid, gid int) {
	b.t.Helper()
	mode := uint32(0)
	var st unix.Stat_t
	b.ok(unix.Lstat(b.path(name), &st))
	mode = st.Mode & permissions
	b.ok(os.Lchown(b.path(name), uid, gid))
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		b.ok(unix.Chmod(b.path(name), mode)) // the set-ID bits are gone
	}
}

func (b builder) touch(name string, sec, nsec int64) {
	b.t.Helper()
	times := []unix.Timespec{{Sec: sec, Nsec: nsec}, {Sec: sec, Nsec: nsec}}
	b.ok(unix.UtimesNanoAt(unix.AT_FDCWD, b.path(name), times, unix.AT_SYMLINK_NOFOLLOW))
}

// xattr sets an extended attribute if the file system has them.
func (b builder) xattr(name, key string, value []byte) {
	b.t.Helper()
	if err := unix.Lsetxattr(b.path(name), key, value, 0); err != nil {
		b.t.Logf("source without %s: %v", key, err)
	}
}

// capability is a version 2 file capability: cap_net_raw=ep (vfs_cap_data).
func capability() []byte {
	b := make([]byte, 20)
	binary.LittleEndian.PutUint32(b, 0x02000001)
	binary.LittleEndian.PutUint32(b[4:], 1<<unix.CAP_NET_RAW)
	return b
}

// acl is user::rwx user:7:rw- group::--- mask::rw- other::--- (posix_acl_xattr.h).
func acl() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range [][3]uint32{{0x01, 7, ^uint32(0)}, {0x02, 6, 7}, {0x04, 0, ^uint32(0)}, {0x10, 6, ^uint32(0)}, {0x20, 0, ^uint32(0)}} {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return b
}

// plain fills a directory with what anybody can make.
func plain(t *testing.T) builder {
	t.Helper()
	b := builder{t, t.TempDir()}
	b.file("hello", "hello\n", 0o640)
	b.file("empty", "", 0o000|0o400)
	b.file("setuid", "#!", 0o6755)
	b.file("new\nline ü \xff", "x", 0o644)
	b.file(strings.Repeat("n", 255), "long", 0o644)
	b.file("big", strings.Repeat("0123456789abcdef", 1<<17), 0o600)
	b.xattr("hello", "user.origin", []byte("here"))
	b.xattr("hello", "user.large", bytes.Repeat([]byte("v"), 700))
	b.mkdir("sub", 0o1777)
	b.mkdir("sub/deep/er", 0o2750)
	b.mkdir("nothing", 0o555)
	b.ok(os.Symlink("/etc/passwd", b.path("absolute")))
	b.ok(os.Symlink("../../../..", b.path("sub/up")))
	b.ok(os.Symlink("sub", b.path("directory")))
	b.ok(os.Symlink(strings.Repeat("d/", 2000)+"x", b.path("dangling")))
	b.ok(os.Link(b.path("hello"), b.path("sub/deep/er/hard")))
	b.ok(os.Link(b.path("absolute"), b.path("sub/hardlink-to-symlink")))
	b.ok(unix.Mkfifo(b.path("fifo"), 0o622))
	b.touch("hello", -157766400, 123456789) // 1965
	b.touch("absolute", 4102444800, 5)      // 2100
	b.touch("fifo", 1, 2)
	b.touch("nothing", 3, 4)
	b.touch("sub", 5, 6)
	return b
}

func (b builder) sparse(name string, size int64, data map[int64]string) {
	b.t.Helper()
	f, err := os.Create(b.path(name))
	b.ok(err)
	defer f.Close()
	b.ok(f.Truncate(size))
	for at, s := range data {
		_, err := f.WriteAt([]byte(s), at)
		b.ok(err)
	}
}
