// Package copytree copies a file system tree with all that it has: hard links, extended attributes, ACLs, holes, devices,
// owners, modes and times in nanoseconds. Data is shared with the original where the file system can (reflinks).
//
// It must never follow a symbolic link, never leave the file system of the tree (what is mounted in it is not part of it),
// and never change the source. It may import the standard library and golang.org/x/sys/unix.
package copytree

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Options of Copy.
type Options struct {
	UIDShift uint32
	ShiftACL func(acl []byte, by uint32) error // the same for what an ACL names; may change acl
	Rootless bool                              // owners cannot be set
	Notice   func(what, path string)           // what could not be done and is no error
	Count    func(bytes int64) error           // called for every entry; an error ends the copy
	Skip     func(dev, ino uint64) bool        // directories that are not part of the tree; may be nil
}

type copier struct {
	*Options
	ctx   context.Context
	dev   uint64
	root  int               // of the copy
	links map[uint64]string // inode with several names → its path in the copy
	buf   []byte
}

// Copy copies the directory src into the existing, empty directory dst. Both descriptors are the caller's.
func Copy(ctx context.Context, src, dst int, o Options) error {
	var st unix.Stat_t
	if err := unix.Fstat(src, &st); err != nil {
		return fmt.Errorf("stat source: %w", err)
	}
	c := &copier{Options: &o, ctx: ctx, dev: st.Dev, root: dst, links: make(map[uint64]string)}
	return c.directory(src, dst, "", &st)
}

// directory copies what is in a directory, then what is to be said about it: filling it changes its times.
func (c *copier) directory(src, dst int, path string, st *unix.Stat_t) error {
	names, err := list(src)
	if err != nil {
		return fmt.Errorf("list %q: %w", "/"+path, err)
	}
	for _, name := range names {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		at := name
		if path != "" {
			at = path + "/" + name
		}
		if err := c.entry(src, dst, name, at); err != nil {
			return fmt.Errorf("copy %q: %w", "/"+at, err)
		}
	}
	return c.metadata(src, "", dst, "", path, st)
}

// list gives a directory's names in order, so that copies are alike.
func list(fd int) ([]string, error) {
	buf := make([]byte, 32<<10)
	var names []string
	for {
		n, err := unix.Getdents(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n == 0 {
			sort.Strings(names)
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

func (c *copier) entry(src, dst int, name, path string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(src, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	kind := st.Mode & unix.S_IFMT
	size := int64(0)
	if kind == unix.S_IFREG {
		size = st.Blocks * 512
	}
	if err := c.Count(size); err != nil {
		return err
	}
	if kind == unix.S_IFDIR {
		return c.subdirectory(src, dst, name, path, &st)
	}
	if st.Nlink > 1 {
		if first, ok := c.links[st.Ino]; ok {
			return unix.Linkat(c.root, first, dst, name, 0)
		}
		c.links[st.Ino] = path
	}
	switch kind {
	case unix.S_IFREG:
		return c.regular(src, dst, name, path, &st)
	case unix.S_IFLNK:
		target := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(src, name, target)
		if err != nil {
			return err
		}
		if err := unix.Symlinkat(string(target[:n]), dst, name); err != nil {
			return err
		}
	default:
		err := unix.Mknodat(dst, name, kind|st.Mode&0o777, int(st.Rdev))
		if errors.Is(err, unix.EPERM) {
			c.Notice("device node was left out, making one is not permitted", path)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return c.metadata(src, name, dst, name, path, &st)
}

func (c *copier) subdirectory(src, dst int, name, path string, st *unix.Stat_t) error {
	if c.Skip != nil && c.Skip(st.Dev, st.Ino) {
		return nil
	}
	if err := unix.Mkdirat(dst, name, 0o700); err != nil {
		return err
	}
	from, err := unix.Openat(src, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	into, err := unix.Openat(dst, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(into)
	if st.Dev != c.dev {
		c.Notice("what is mounted here was not copied", path)
		return c.metadata(from, "", into, "", path, st)
	}
	return c.directory(from, into, path, st)
}

func (c *copier) regular(src, dst int, name, path string, st *unix.Stat_t) error {
	from, err := unix.Openat(src, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	into, err := unix.Openat(dst, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	err = c.data(from, into, st.Size)
	if err == nil {
		err = c.metadata(from, "", into, "", path, st)
	}
	if cerr := unix.Close(into); err == nil {
		err = cerr
	}
	return err
}

// data shares the blocks, or copies those that are there.
func (c *copier) data(from, into int, size int64) error {
	if size == 0 {
		return nil
	}
	if unix.IoctlFileClone(into, from) == nil {
		return nil
	}
	for off := int64(0); off < size; {
		begin, err := unix.Seek(from, off, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break // only a hole is left
		}
		if err != nil {
			begin = off // a file system without holes
		}
		end, err := unix.Seek(from, begin, unix.SEEK_HOLE)
		if err != nil || end > size {
			end = size
		}
		if err := c.piece(from, into, begin, end); err != nil {
			return err
		}
		off = end
	}
	return unix.Ftruncate(into, size)
}

func (c *copier) piece(from, into int, begin, end int64) error {
	for begin < end {
		if c.ctx.Err() != nil {
			return context.Cause(c.ctx)
		}
		r, w := begin, begin
		n, err := unix.CopyFileRange(from, &r, into, &w, int(min(end-begin, 64<<20)), 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EXDEV), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
			if n, err = c.readWrite(from, into, begin, end); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("copy data: %w", err)
		}
		if n == 0 {
			return nil // the file became shorter meanwhile
		}
		begin += int64(n)
	}
	return nil
}

func (c *copier) readWrite(from, into int, begin, end int64) (int, error) {
	if c.buf == nil {
		c.buf = make([]byte, 256<<10)
	}
	n, err := unix.Pread(from, c.buf[:min(int64(len(c.buf)), end-begin)], begin)
	if err != nil || n == 0 {
		return 0, err
	}
	return unix.Pwrite(into, c.buf[:n], begin)
}

// metadata copies everything but data: owner, attributes, mode, times, in the order in which one does not undo another.
// A name is relative to its descriptor; without one the descriptor itself is meant.
func (c *copier) metadata(src int, sname string, dst int, dname, path string, st *unix.Stat_t) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if dname == "" {
		flags = unix.AT_EMPTY_PATH
	}
	err := unix.Fchownat(dst, dname, int(st.Uid+c.UIDShift), int(st.Gid+c.UIDShift), flags)
	if err != nil && c.Rootless && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL)) {
		c.Notice("owner could not be set", path)
	} else if err != nil {
		return fmt.Errorf("set owner: %w", err)
	}
	if err := c.attributes(src, sname, dst, dname, path); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFLNK {
		err := error(nil)
		if dname == "" {
			err = unix.Fchmod(dst, st.Mode&0o7777)
		} else {
			err = unix.Fchmodat(dst, dname, st.Mode&0o7777, 0)
		}
		if err != nil {
			return fmt.Errorf("set mode: %w", err)
		}
	}
	if err := unix.UtimesNanoAt(dst, dname, []unix.Timespec{st.Atim, st.Mtim}, flags); err != nil {
		return fmt.Errorf("set times: %w", err)
	}
	return nil
}

// attributes copies the extended attributes, ACLs among them.
func (c *copier) attributes(src int, sname string, dst int, dname, path string) error {
	from, into := object{src, sname}, object{dst, dname}
	size, err := from.list(nil)
	if err != nil || size == 0 {
		return nil // none, or a file system without
	}
	raw := make([]byte, size+256)
	n, err := from.list(raw)
	if err != nil {
		return fmt.Errorf("list attributes: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(raw[:n]), "\x00"), "\x00") {
		if strings.HasPrefix(name, "trusted.overlay.") || strings.HasPrefix(name, "user.overlay.") || name == "" {
			continue
		}
		value, err := from.get(name)
		if err != nil {
			continue // gone, or not for us to see
		}
		if c.UIDShift != 0 && (name == "system.posix_acl_access" || name == "system.posix_acl_default") {
			if err := c.ShiftACL(value, c.UIDShift); err != nil {
				return err
			}
		}
		if err := into.set(name, value); err != nil {
			c.Notice(fmt.Sprintf("attribute %q could not be set (%v)", name, err), path)
		}
	}
	return nil
}

// object is what attributes belong to: an open file, or a name in an open directory, which need not be one that can be
// opened.
type object struct {
	fd   int
	name string
}

func (o object) path() string { return "/proc/self/fd/" + strconv.Itoa(o.fd) + "/" + o.name }

func (o object) list(b []byte) (int, error) {
	if o.name == "" {
		return unix.Flistxattr(o.fd, b)
	}
	return unix.Llistxattr(o.path(), b)
}

func (o object) get(attr string) ([]byte, error) {
	read := func(b []byte) (int, error) {
		if o.name == "" {
			return unix.Fgetxattr(o.fd, attr, b)
		}
		return unix.Lgetxattr(o.path(), attr, b)
	}
	size, err := read(nil)
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	size, err = read(b)
	return b[:max(size, 0)], err
}

func (o object) set(attr string, value []byte) error {
	if o.name == "" {
		return unix.Fsetxattr(o.fd, attr, value, 0)
	}
	return unix.Lsetxattr(o.path(), attr, value, 0)
}
