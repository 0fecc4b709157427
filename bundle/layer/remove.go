package layer

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxOpen bounds the directories that are open at once while a tree is removed. What lies deeper is first moved up.
const maxOpen = 64

// remover removes trees of any depth with a bounded number of descriptors.
type remover struct {
	top   int // directory on the same file system that deep directories are moved to
	moved []string
	next  int
}

// RemoveAt removes name in the directory dirfd with everything in it. top is a directory descriptor on the same file system where
// deep directories may be put for a moment. It never follows a link. A name that does not exist is no error.
func RemoveAt(dirfd int, name string, top int) error {
	r := &remover{top: top}
	if err := r.remove(dirfd, name, 0); err != nil {
		return err
	}
	for len(r.moved) > 0 {
		last := r.moved[len(r.moved)-1]
		r.moved = r.moved[:len(r.moved)-1]
		if err := r.remove(top, last, 0); err != nil {
			return err
		}
	}
	return nil
}

func (r *remover) remove(dirfd int, name string, depth int) error {
	err := unix.Unlinkat(dirfd, name, 0)
	switch {
	case err == nil, errors.Is(err, unix.ENOENT):
		return nil
	case !errors.Is(err, unix.EISDIR) && !errors.Is(err, unix.EPERM):
		return fmt.Errorf("remove %q: %w", name, err)
	}
	if depth >= maxOpen {
		r.next++
		aside := ".gspawn-remove-" + strconv.Itoa(r.next)
		if err := unix.Renameat2(dirfd, name, r.top, aside, unix.RENAME_NOREPLACE); err != nil {
			return fmt.Errorf("remove %q: move it up: %w", name, err)
		}
		r.moved = append(r.moved, aside)
		return nil
	}
	fd, err := openToEmpty(dirfd, name)
	if err != nil {
		return fmt.Errorf("remove %q: %w", name, err)
	}
	err = list(fd, func(child string) error { return r.remove(fd, child, depth+1) })
	unix.Close(fd)
	if err != nil {
		return err
	}
	if err := unix.Unlinkat(dirfd, name, unix.AT_REMOVEDIR); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove directory %q: %w", name, err)
	}
	return nil
}

func openToList(dirfd int, name string) (int, error) {
	if name == "" {
		name = "."
	}
	return unix.Openat(dirfd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// openToEmpty opens a directory whose entries are to go. Its owner may have to make it readable and writable first.
func openToEmpty(dirfd int, name string) (int, error) {
	fd, err := openToList(dirfd, name)
	var st unix.Stat_t
	switch {
	case err == nil:
		if e := unix.Fstat(fd, &st); e == nil && st.Mode&0o700 != 0o700 {
			_ = unix.Fchmod(fd, 0o700) // if this fails, removing the entries tells
		}
		return fd, nil
	case !errors.Is(err, unix.EACCES):
		return -1, err
	}
	if e := unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW); e != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return -1, err
	}
	if e := unix.Fchmodat(dirfd, name, 0o700, 0); e != nil {
		return -1, err
	}
	return openToList(dirfd, name)
}

// list calls do for every entry of a directory. Entries may be removed meanwhile.
func list(fd int, do func(name string) error) error {
	buf := make([]byte, 16<<10)
	var names []string
	for {
		n, err := unix.Getdents(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list directory: %w", err)
		}
		if n == 0 {
			return nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names[:0])
		for _, name := range names {
			if err := do(name); err != nil {
				return err
			}
		}
	}
}

// remove removes an entry of the tree, whatever it is, and forgets the open directories that may have been meant by it.
func (t *Tree) remove(dirfd int, name string) error {
	err := unix.Unlinkat(dirfd, name, 0)
	if errors.Is(err, unix.ENOENT) || (err == nil && t.dirs.links == 0) {
		return nil
	}
	if err := t.dirs.flushBut(dirfd); err != nil {
		return err
	}
	if err == nil {
		return nil
	}
	return RemoveAt(dirfd, name, t.root)
}

// removeLower removes what a directory has from the layers below: everything but what this layer made. name is the
// directory's in dirfd, or empty for dirfd itself. What is not a directory is left alone.
func (t *Tree) removeLower(dirfd int, name string) error {
	fd, err := openToList(dirfd, name)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %q: %w", name, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("stat %q: %w", name, err)
	}
	if err := list(fd, func(child string) error {
		if _, own := t.seen[t.key(st.Ino, child)]; own {
			return t.removeLower(fd, child)
		}
		return t.remove(fd, child)
	}); err != nil {
		return err
	}
	// Removing must not change the times that the directory's own entry gave it.
	return unix.UtimesNanoAt(fd, "", []unix.Timespec{st.Atim, st.Mtim}, unix.AT_EMPTY_PATH)
}

// RemoveContents empties a directory.
func RemoveContents(fd int) error {
	dir, err := openToList(fd, "")
	if err != nil {
		return fmt.Errorf("list directory: %w", err)
	}
	defer unix.Close(dir)
	return list(dir, func(name string) error { return RemoveAt(fd, name, fd) })
}
