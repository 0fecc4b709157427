package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// chownAt sets the owner of a new object, given as the image has it.
func (t *Tree) chownAt(fd int, name string, uid, gid uint32) error {
	if t.Rootless && uid == 0 && gid == 0 {
		return nil // the container's root is the user
	}
	flags := unix.AT_SYMLINK_NOFOLLOW
	if name == "" {
		flags = unix.AT_EMPTY_PATH
	}
	err := unix.Fchownat(fd, name, int(uid+t.UIDShift), int(gid+t.UIDShift), flags)
	if t.mayNot(err) {
		t.Notices.Add("owner could not be set", name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("set owner %d:%d: %w", uid, gid, err)
	}
	return nil
}

// chmodAt changes what is known not to be a symbolic link: nobody else can reach the tree, and it was just made.
func chmodAt(fd int, name string, m uint32) error {
	if name == "" {
		return unix.Fchmodat(fd, ".", m, 0)
	}
	return unix.Fchmodat(fd, name, m, 0)
}

func timespec(t time.Time) unix.Timespec {
	return unix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}

// times of an entry: access, then modification. Few archives have the access time.
func times(h *tar.Header) [2]unix.Timespec {
	m := timespec(h.ModTime)
	a := m
	if !h.AccessTime.IsZero() {
		a = timespec(h.AccessTime)
	}
	return [2]unix.Timespec{a, m}
}

func (t *Tree) setTimes(fd int, name string, ts *[2]unix.Timespec) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if name == "" {
		flags = unix.AT_EMPTY_PATH
	}
	if err := unix.UtimesNanoAt(fd, name, ts[:], flags); err != nil {
		return fmt.Errorf("set times: %w", err)
	}
	return nil
}

// utimensFd is futimens(3). The library's wrapper wants a path, and copies it.
func utimensFd(fd int, ts *[2]unix.Timespec) error {
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(fd), 0, uintptr(unsafe.Pointer(ts)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("set times: %w", errno)
	}
	return nil
}

// lateModes are the modes of directories that their owner, being an ordinary user, could not fill. They are kept
// open while layers are applied.
type lateModes struct {
	modes map[string]uint32
	bytes int
}

// maxLate bounds the bytes for each kind of thing that is done in the end; lateOverhead is what one takes beside its strings.
const (
	maxLate      = 6 << 20
	lateOverhead = 64
)

// set notes a directory's mode and gives the one to use meanwhile.
func (l *lateModes) set(t *Tree, path string, m uint32) uint32 {
	if !t.Rootless {
		return m
	}
	if m&0o700 == 0o700 {
		if _, ok := l.modes[path]; ok {
			delete(l.modes, path)
			l.bytes -= len(path) + lateOverhead
		}
		return m
	}
	l.note(t, path, m)
	return m | 0o700
}

func (l *lateModes) note(t *Tree, path string, m uint32) {
	if l.modes == nil {
		l.modes = make(map[string]uint32)
	}
	if _, ok := l.modes[path]; !ok {
		if l.bytes+len(path)+lateOverhead > maxLate {
			t.Notices.Add("directory was left writable for its owner, there are too many of them", path)
			return
		}
		l.bytes += len(path) + lateOverhead
	}
	l.modes[path] = m
}

// open makes a directory of an earlier run usable; within one run all are.
func (l *lateModes) open(*Tree, string, int) {}

// apply sets the modes, the deepest first so that none bars the way to another.
func (l *lateModes) apply(t *Tree) error {
	paths := make([]string, 0, len(l.modes))
	for p := range l.modes {
		paths = append(paths, p)
	}
	sortDeepestFirst(paths)
	for _, p := range paths {
		fd, _, err := t.resolve(p)
		if err != nil {
			continue // removed or replaced by a later layer
		}
		err = unix.Chmod("/proc/self/fd/"+strconv.Itoa(fd), l.modes[p])
		unix.Close(fd)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("set mode of %q: %w", "/"+p, err)
		}
	}
	return nil
}
