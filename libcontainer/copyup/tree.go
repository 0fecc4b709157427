package copyup

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// maxDepth is how deep the directories may lie: each level takes two
// descriptors.
const maxDepth = 256

var errTooDeep = errors.New("directories are nested too deeply (the limit is 256)")

// inode names a file of the source.
type inode struct{ dev, ino uint64 }

// tree is one copy.
type tree struct {
	to       int
	uid, gid uint32 // who made a new file
	foreign  bool   // it is made for another user namespace: see CopyAs
	path     []byte // of what is being copied, below from
	depth    int
	links    map[inode]string // paths of files that have more than one
}

func copyTree(from, to, uid, gid int, foreign bool) error {
	t := &tree{to: to, uid: uint32(uid), gid: uint32(gid), foreign: foreign}
	source, err := openDir(from)
	if err == nil {
		defer unix.Close(source)
		var target int
		if target, err = openDir(to); err == nil {
			defer unix.Close(target)
			err = t.entries(source, target)
		}
	}
	if err != nil {
		return fmt.Errorf("copy %q: %w", "/"+string(t.path), err)
	}
	return nil
}

// open opens an entry of a directory, and nothing else; a file that it makes is
// the maker's alone.
func open(dir int, name string, flags int) (fd int, err error) {
	how := unix.OpenHow{
		Flags:   uint64(flags | unix.O_NOFOLLOW | unix.O_CLOEXEC),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV,
	}
	if flags&unix.O_CREAT != 0 {
		how.Mode = 0o600 // extended attributes need the permission to write
	}
	for {
		fd, err = unix.Openat2(dir, name, &how)
		// EAGAIN: something was renamed meanwhile, the kernel is not sure.
		if err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
}

// openDir makes an O_PATH descriptor one to read.
func openDir(dir int) (int, error) { return open(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY) }

// entries copies what is in the directory source. When it fails, t.path is left
// as that of the culprit.
func (t *tree) entries(source, target int) error {
	if t.depth++; t.depth > maxDepth {
		return errTooDeep
	}
	names, err := list(source)
	if err != nil {
		return err
	}
	length := len(t.path)
	for _, name := range names {
		if length > 0 {
			t.path = append(t.path, '/')
		}
		t.path = append(t.path, name...)
		if err := t.entry(source, target, name); err != nil {
			return err
		}
		t.path = t.path[:length]
	}
	t.depth--
	return nil
}

func list(dir int) (names []string, err error) {
	buffer := make([]byte, 8192)
	for {
		n, err := unix.ReadDirent(dir, buffer)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return nil, err
		case n == 0:
			return names, nil
		default:
			_, _, names = unix.ParseDirent(buffer[:n], -1, names)
		}
	}
}

// entry copies one file of any type.
func (t *tree) entry(source, target int, name string) error {
	fd, err := open(source, name, unix.O_PATH)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil // removed meanwhile
	case errors.Is(err, unix.EXDEV):
		return mountpoint(source, target, name)
	case err != nil:
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return t.directory(fd, target, name, &st)
	}
	id := inode{st.Dev, st.Ino}
	if st.Nlink > 1 {
		if first, ok := t.links[id]; ok {
			return unix.Linkat(t.to, first, target, name, 0)
		}
	}
	made, err := t.file(fd, target, name, &st)
	// A path that is too long cannot be linked to: then the files are two.
	if made && st.Nlink > 1 && len(t.path) < unix.PathMax {
		if t.links == nil {
			t.links = make(map[inode]string)
		}
		t.links[id] = string(t.path)
	}
	return err
}

// mountpoint makes an empty file or directory where something is mounted.
func mountpoint(source, target int, name string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(source, name, &st, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.Mkdirat(target, name, 0o755)
	}
	return unix.Mknodat(target, name, unix.S_IFREG|0o644, 0)
}

func (t *tree) directory(fd, target int, name string, st *unix.Stat_t) error {
	if err := unix.Mkdirat(target, name, 0o700); err != nil {
		return err
	}
	made, err := open(target, name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(made)
	kept, err := t.own(made, st, 0o005)
	if err != nil {
		return err
	}
	source, err := openDir(fd)
	if err != nil {
		return err
	}
	defer unix.Close(source)
	if err := t.entries(source, made); err != nil {
		return err
	}
	return attributes(fd, made, st, kept)
}
