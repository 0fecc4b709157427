package layer

import (
	"archive/tar"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

const specialBits = unix.S_ISUID | unix.S_ISGID | unix.S_ISVTX

func mode(h *tar.Header) uint32 { return uint32(h.Mode) & 0o7777 }

// ids gives the owner to set, shifted into the user namespace's range.
func (t *Tree) ids(h *tar.Header) (uid, gid uint32, err error) {
	const top = 1<<32 - 1 // (uid_t)-1 means "leave alone" to chown
	if h.Uid < 0 || h.Gid < 0 || int64(h.Uid)+int64(t.UIDShift) >= top || int64(h.Gid)+int64(t.UIDShift) >= top {
		return 0, 0, fmt.Errorf("owner %d:%d is out of range", h.Uid, h.Gid)
	}
	return uint32(h.Uid) + t.UIDShift, uint32(h.Gid) + t.UIDShift, nil
}

// mustChown says whether a new object in d would not get its owner by itself.
func (t *Tree) mustChown(d *dir, uid, gid uint32) bool {
	if t.Rootless && uid == 0 && gid == 0 {
		return false // the container's root is the user
	}
	return uid != t.euid || gid != t.egid || d.setgid
}

// mayNot says whether an owner could not be set because we are an ordinary user.
func (t *Tree) mayNot(err error) bool {
	return t.Rootless && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EINVAL))
}

// make runs a call that creates base in d. What is in its place is removed first: a later entry always wins.
func (t *Tree) make(d *dir, base string, create func() error) error {
	err := create()
	if !errors.Is(err, unix.EEXIST) {
		return err
	}
	if err := t.remove(d.fd, base); err != nil {
		return err
	}
	return create()
}

// count adds a file to the size of the tree, and holds it against the limit.
func (t *Tree) count(size int64) error {
	if size < 0 {
		return fmt.Errorf("size is %d", size)
	}
	if n := t.Bytes.Add(size); t.MaxBytes > 0 && (n > t.MaxBytes || n < 0) {
		return ErrTooBig
	}
	return nil
}

func (t *Tree) regular(tr *tar.Reader, h *tar.Header, d *dir, base string) error {
	if err := t.count(h.Size); err != nil {
		return err
	}
	m := mode(h)
	uid, gid, err := t.ids(h)
	if err != nil {
		return err
	}
	chown := t.mustChown(d, uid, gid)
	open := m &^ specialBits
	if t.Rootless {
		open = 0o600 // extended attributes of a file that its owner may not write cannot be set
	}
	var fd int
	if err := t.make(d, base, func() (err error) {
		fd, err = unix.Openat(d.fd, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, open)
		return err
	}); err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	err = t.fill(tr, h, fd)
	if err == nil && chown {
		if err = unix.Fchown(fd, int(uid), int(gid)); t.mayNot(err) {
			t.Notices.Add("owner could not be set", h.Name)
			err = nil
		}
	}
	if err == nil && len(h.PAXRecords) > 0 {
		err = t.attributes(h, fd, target{fd: fd})
	}
	if err == nil && (m != open || hasACL(h)) {
		err = unix.Fchmod(fd, m)
	}
	if err == nil {
		ts := times(h)
		err = utimensFd(fd, &ts)
	}
	if cerr := unix.Close(fd); err == nil {
		err = cerr
	}
	return err
}

// mkdir makes a directory, or changes the one that is there: a directory's entry never empties it.
func (t *Tree) mkdir(h *tar.Header, d *dir, name, base string) error {
	m := mode(h)
	fresh := true
	open := m & 0o1777
	if t.Rootless {
		open |= 0o700
	}
	err := unix.Mkdirat(d.fd, base, open)
	if errors.Is(err, unix.EEXIST) {
		var st unix.Stat_t
		if err = unix.Fstatat(d.fd, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("stat: %w", err)
		}
		if fresh = st.Mode&unix.S_IFMT != unix.S_IFDIR; fresh {
			err = t.make(d, base, func() error { return unix.Mkdirat(d.fd, base, open) })
		}
	}
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	return t.directoryMetadata(h, d, name, d.fd, base, !fresh)
}

// directoryMetadata sets what a directory's entry says; base is empty for the root, whose descriptor fd is. old says that the
// directory was there before.
func (t *Tree) directoryMetadata(h *tar.Header, d *dir, name string, fd int, base string, old bool) error {
	m := mode(h)
	uid, gid, err := t.ids(h)
	if err != nil {
		return err
	}
	chown := old || t.mustChown(d, uid, gid)
	if chown {
		if err := t.chownAt(fd, base, uint32(h.Uid), uint32(h.Gid)); err != nil {
			return err
		}
	}
	if err := t.attributesAt(h, target{dir: fd, name: base, path: name, isDir: true}); err != nil {
		return err
	}
	if old || m&(unix.S_ISUID|unix.S_ISGID) != 0 || d.setgid || (chown && m&specialBits != 0) || t.Rootless || hasACL(h) {
		if err := chmodAt(fd, base, t.late.set(t, name, m)); err != nil {
			return fmt.Errorf("set mode: %w", err)
		}
	}
	ts := times(h)
	if p, ok := t.dirs.get(name); ok {
		p.times, p.dirty = ts, true // set when it leaves the cache, after all that comes into it
		p.setgid = m&unix.S_ISGID != 0
		return nil
	}
	return t.setTimes(fd, base, &ts)
}

func (t *Tree) symlink(h *tar.Header, d *dir, base string) error {
	uid, gid, err := t.ids(h)
	if err != nil {
		return err
	}
	if err := t.make(d, base, func() error { return unix.Symlinkat(h.Linkname, d.fd, base) }); err != nil {
		return fmt.Errorf("make symbolic link: %w", err)
	}
	if t.mustChown(d, uid, gid) {
		if err := t.chownAt(d.fd, base, uint32(h.Uid), uint32(h.Gid)); err != nil {
			return err
		}
	}
	if err := t.attributesAt(h, target{dir: d.fd, name: base}); err != nil {
		return err
	}
	ts := times(h)
	return t.setTimes(d.fd, base, &ts)
}

// hardlink gives an earlier file, of this layer or one below, another name. The link's own metadata is the file's.
func (t *Tree) hardlink(h *tar.Header, d *dir, base string, l Layer) error {
	name, err := cleanName(h.Linkname)
	if err != nil {
		return fmt.Errorf("link target: %w", err)
	}
	parent, last := split(name)
	if last == "" {
		return fmt.Errorf("link target %q is a directory", h.Linkname)
	}
	for range 2 {
		var from place
		if from, err = t.directory(parent, false); err != nil {
			break
		}
		if from.ino == d.ino && last == base {
			return nil // a link to itself
		}
		if err = unix.Linkat(from.fd, last, d.fd, base, 0); !errors.Is(err, unix.EEXIST) {
			break
		}
		// Removing may close the target's directory: it is looked up again.
		if err = t.remove(d.fd, base); err != nil {
			return err
		}
	}
	if errors.Is(err, unix.ENOENT) {
		if l.Hidden != nil {
			return ErrNeedsHidden
		}
		return fmt.Errorf("link target %q does not exist", h.Linkname)
	}
	if err != nil {
		return fmt.Errorf("make hard link to %q: %w", h.Linkname, err)
	}
	return nil
}

// device gives the type bits and the number that mknod(2) wants.
func device(h *tar.Header) (kind uint32, dev int, err error) {
	switch h.Typeflag {
	case tar.TypeFifo:
		return unix.S_IFIFO, 0, nil
	case tar.TypeBlock:
		kind = unix.S_IFBLK
	default:
		kind = unix.S_IFCHR
	}
	if h.Devmajor < 0 || h.Devminor < 0 || h.Devmajor >= 1<<12 || h.Devminor >= 1<<20 {
		return 0, 0, fmt.Errorf("device number %d:%d is out of range", h.Devmajor, h.Devminor)
	}
	return kind, int(unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))), nil
}

// attributesAt sets the extended attributes of what is no open file.
func (t *Tree) attributesAt(h *tar.Header, at target) error {
	if len(h.PAXRecords) == 0 {
		return nil
	}
	return t.attributes(h, -1, at)
}

// node makes a device or a fifo.
func (t *Tree) node(h *tar.Header, d *dir, name, base string) error {
	uid, gid, err := t.ids(h)
	if err != nil {
		return err
	}
	kind, dev, err := device(h)
	if err != nil {
		return err
	}
	m := mode(h)
	err = t.make(d, base, func() error { return unix.Mknodat(d.fd, base, kind|m&^specialBits, dev) })
	if errors.Is(err, unix.EPERM) && kind != unix.S_IFIFO {
		t.Notices.Add("device node was left out, making one is not permitted", name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("make node: %w", err)
	}
	if t.mustChown(d, uid, gid) {
		if err := t.chownAt(d.fd, base, uint32(h.Uid), uint32(h.Gid)); err != nil {
			return err
		}
	}
	if err := t.attributesAt(h, target{dir: d.fd, name: base}); err != nil {
		return err
	}
	if m&specialBits != 0 || hasACL(h) {
		if err := chmodAt(d.fd, base, m); err != nil {
			return fmt.Errorf("set mode: %w", err)
		}
	}
	ts := times(h)
	return t.setTimes(d.fd, base, &ts)
}
