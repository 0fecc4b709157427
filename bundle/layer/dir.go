package layer

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// dir is an open directory of the tree. Its times are put back when it leaves the cache, since filling a directory must
// not change what its own entry said.
type dir struct {
	fd      int
	ino     uint64
	setgid  bool
	dirty   bool
	times   [2]unix.Timespec
	used    uint64
	aliases []string // paths by which it is in the cache
}

// place is a path's directory in the cache.
type place struct {
	*dir
	linked bool // a symbolic link lies on the way
}

// cacheSize is enough for depth-first archives to find every parent, and keeps descriptors few. maxAliases bounds the paths that
// symbolic links give one of them.
const (
	cacheSize  = 48
	maxAliases = 16
)

type dirCache struct {
	byPath map[string]place
	byIno  map[uint64]*dir
	clock  uint64
	links  int // places with a symbolic link on the way
}

func (c *dirCache) init() {
	c.byPath = make(map[string]place, cacheSize)
	c.byIno = make(map[uint64]*dir, cacheSize)
}

func (c *dirCache) get(p string) (place, bool) {
	d, ok := c.byPath[p]
	if ok {
		c.clock++
		d.used = c.clock
	}
	return d, ok
}

// put adds a directory just opened, or finds that it is there by another path.
func (c *dirCache) put(p string, d *dir, linked bool) (place, error) {
	if old, ok := c.byIno[d.ino]; ok {
		unix.Close(d.fd)
		if d = old; len(d.aliases) >= maxAliases {
			c.forget(d)
		}
	} else {
		if len(c.byIno) >= cacheSize {
			if err := c.evict(); err != nil {
				unix.Close(d.fd)
				return place{}, err
			}
		}
		c.byIno[d.ino] = d
	}
	c.clock++
	d.used = c.clock
	d.aliases = append(d.aliases, p)
	at := place{d, linked}
	if linked {
		c.links++
	}
	c.byPath[p] = at
	return at, nil
}

// evict closes the directory that was not used for the longest time.
func (c *dirCache) evict() error {
	var oldest *dir
	for _, d := range c.byIno {
		if oldest == nil || d.used < oldest.used {
			oldest = d
		}
	}
	return c.remove(oldest)
}

// forget takes a directory's paths from it.
func (c *dirCache) forget(d *dir) {
	for _, p := range d.aliases {
		if c.byPath[p].linked {
			c.links--
		}
		delete(c.byPath, p)
	}
	d.aliases = d.aliases[:0]
}

func (c *dirCache) remove(d *dir) error {
	c.forget(d)
	delete(c.byIno, d.ino)
	return d.close()
}

// close puts the times back and closes the descriptor.
func (d *dir) close() error {
	var err error
	if d.dirty {
		err = unix.UtimesNanoAt(d.fd, "", d.times[:], unix.AT_EMPTY_PATH)
	}
	unix.Close(d.fd)
	if err != nil {
		return fmt.Errorf("set times of directory: %w", err)
	}
	return nil
}

// flush empties the cache.
func (c *dirCache) flush() error { return c.flushBut(-1) }

// flushBut empties the cache, after anything that may have changed what a path means. The directory that is being
// worked on stays open, but is no longer found by its paths.
func (c *dirCache) flushBut(fd int) error {
	var first error
	for _, d := range c.byIno {
		if d.fd == fd {
			c.forget(d)
			continue
		}
		if err := c.remove(d); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// drop closes everything without putting times back.
func (c *dirCache) drop() {
	for _, d := range c.byIno {
		unix.Close(d.fd)
	}
	c.init()
}

// maxLinks bounds the symbolic links that are followed by hand, as the kernel does.
const maxLinks = 40

// directory gives the directory of a cleaned path ("" is the root). With create, what is missing is made, as docker
// does: layers need not have entries for the parents of their files.
func (t *Tree) directory(p string, create bool) (place, error) {
	if d, ok := t.dirs.get(p); ok {
		return d, nil
	}
	fd, linked, err := t.resolve(p)
	if errors.Is(err, unix.ENOENT) && create {
		if err = t.makeParents(p, 0); err == nil {
			fd, linked, err = t.resolve(p)
		}
	}
	if err != nil {
		return place{}, fmt.Errorf("open directory %q: %w", "/"+p, err)
	}
	d := &dir{fd: fd}
	if err := d.stat(); err != nil {
		unix.Close(fd)
		return place{}, err
	}
	if t.Rootless {
		t.late.open(t, p, fd)
	}
	if t.seen != nil && create {
		if err := t.markParents(p); err != nil {
			unix.Close(fd)
			return place{}, err
		}
	}
	return t.dirs.put(p, d, linked)
}

func (d *dir) stat() error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err != nil {
		return fmt.Errorf("stat directory: %w", err)
	}
	d.ino, d.setgid = st.Ino, st.Mode&unix.S_ISGID != 0
	d.times = [2]unix.Timespec{st.Atim, st.Mtim}
	return nil
}

// resolve opens a path's directory; linked says that symbolic links were followed, within the tree.
func (t *Tree) resolve(p string) (fd int, linked bool, err error) {
	if p == "" {
		p = "."
	}
	fd, err = t.openDir(p, unix.O_PATH, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_SYMLINKS)
	if errors.Is(err, unix.ELOOP) {
		fd, err = t.openDir(p, unix.O_PATH, unix.RESOLVE_IN_ROOT)
		linked = true
	}
	return fd, linked, err
}

// makeParents makes the directory p and those above it that are missing. A symbolic link that leads nowhere yet gets the
// directory that it names.
func (t *Tree) makeParents(p string, links int) error {
	if links > maxLinks {
		return unix.ELOOP
	}
	parent, base := split(p)
	if base == "" {
		return nil
	}
	fd, _, err := t.resolve(parent)
	if errors.Is(err, unix.ENOENT) {
		if err = t.makeParents(parent, links); err == nil {
			fd, _, err = t.resolve(parent)
		}
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = unix.Mkdirat(fd, base, 0o755)
	switch {
	case err == nil:
		return t.chownAt(fd, base, 0, 0)
	case errors.Is(err, unix.EEXIST):
		target, err := readlink(fd, base)
		if errors.Is(err, unix.EINVAL) {
			return nil // not a link: what is wrong with it, opening it will tell
		}
		if err != nil {
			return err
		}
		if !strings.HasPrefix(target, "/") {
			target = parent + "/" + target
		}
		return t.makeParents(path.Clean("/" + target)[1:], links+1)
	}
	return err
}

func readlink(fd int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, name, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// markParents notes that this layer needs p and the directories above it: an opaque whiteout that follows must not take
// them away with what the layer put there.
func (t *Tree) markParents(p string) error {
	for p != "" {
		parent, base := split(p)
		d, ok := t.dirs.get(parent)
		if !ok {
			var err error
			if d, err = t.directory(parent, false); err != nil {
				return err
			}
		}
		k := t.key(d.ino, base)
		if _, ok := t.seen[k]; ok {
			return nil
		}
		t.seen[k] = struct{}{}
		p = parent
	}
	return nil
}

// split cuts a cleaned path into its directory and its last component.
func split(p string) (parent, base string) {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i], p[i+1:]
	}
	return "", p
}
