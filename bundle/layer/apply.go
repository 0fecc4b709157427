package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// Layer says what is applied.
type Layer struct {
	Index     int     // from 0
	Whiteouts bool    // names that begin with .wh. remove what is below; off for a plain root file system
	Hidden    *Hidden // what later layers hide; may be nil
}

const whiteoutPrefix = ".wh."

// Apply reads a tar to its end and changes the tree accordingly. After an error the tree is of no use.
//
// Two goroutines share the work: one takes the tar apart, the other makes the calls, in the archive's order.
func (t *Tree) Apply(ctx context.Context, r io.Reader, l Layer) error {
	t.ctx, t.seen = ctx, nil
	if l.Index > 0 && l.Whiteouts {
		t.seen = make(map[entryKey]struct{})
	}
	t.src = newInput(r)
	tr := tar.NewReader(t.src)
	q := newQueue()
	done := make(chan error, 1)
	go func() { done <- t.work(tr, q, l) }()
	err := q.fill(ctx, tr, t.src)
	if werr := <-done; werr != nil {
		return werr // it is about an earlier entry than err
	}
	if err != nil {
		return err
	}
	return t.dropBookkeeping()
}

// Ended says whether the tar that was applied had an end marker: one block of zeros at least, in the place of a header. A tar without
// one may have been cut off between two entries. No bytes at all are no tar, and were not cut off.
func (t *Tree) Ended() bool { return t.src.zeros > 0 || t.src.pos == 0 }

// work applies the entries that come through the queue.
func (t *Tree) work(tr *tar.Reader, q *queue, l Layer) error {
	var err error
	for b := range q.full {
		for i := range b.items {
			it := &b.items[i]
			if err == nil {
				if err = t.one(tr, it, l); err != nil {
					q.failed.Store(true)
				}
			}
			if it.stream {
				q.back <- struct{}{}
			}
		}
		q.free <- b
	}
	return err
}

func (t *Tree) one(tr *tar.Reader, it *item, l Layer) error {
	if n := t.Files.Add(1); t.MaxFiles > 0 && n > t.MaxFiles {
		return ErrTooManyFiles
	}
	t.data = it
	if it.dropped > 0 {
		t.Notices.Add("attributes were left out, they are larger than any file system allows", it.header.Name)
	}
	if err := t.entry(tr, it.header, l); err != nil {
		return fmt.Errorf("entry %q: %w", brief(it.header), err)
	}
	return nil
}

// entry applies one entry of a tar.
func (t *Tree) entry(tr *tar.Reader, h *tar.Header, l Layer) error {
	name, err := cleanName(h.Name)
	if err != nil {
		return err
	}
	parent, base := split(name)
	if l.Whiteouts && strings.HasPrefix(base, whiteoutPrefix) {
		return t.whiteout(parent, base)
	}
	if l.Whiteouts && t.bookkeeping(parent) {
		return nil
	}
	if base == "" {
		return t.rootEntry(h)
	}
	d, err := t.directory(parent, true)
	if err != nil {
		return err
	}
	if t.seen != nil {
		t.seen[t.key(d.ino, base)] = struct{}{}
	}
	if !d.linked && l.hides(h, name) {
		return nil // the tar reader skips the data
	}
	d.dirty = true
	return t.object(tr, h, d, name, l)
}

// object makes what an entry is about, in its directory.
func (t *Tree) object(tr *tar.Reader, h *tar.Header, d place, name string, l Layer) error {
	_, base := split(name)
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeRegA, tar.TypeCont, tar.TypeGNUSparse: //nolint:staticcheck // old archives have RegA
		return t.regular(tr, h, d.dir, base)
	case tar.TypeDir:
		return t.mkdir(h, d.dir, name, base)
	case tar.TypeSymlink:
		return t.symlink(h, d.dir, base)
	case tar.TypeLink:
		return t.hardlink(h, d.dir, base, l)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return t.node(h, d.dir, name, base)
	}
	return fmt.Errorf("type %q is not known", h.Typeflag)
}

// hides says whether an entry need not be written, as a later layer takes the file away.
func (l *Layer) hides(h *tar.Header, name string) bool {
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeLink:
		return l.Hidden != nil && l.Hidden.hides(name, l.Index)
	}
	return false
}

// cleanName makes an entry's name relative to the root: leading slashes go, and ".." cannot climb over it.
func cleanName(name string) (string, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return "", errors.New("name has a NUL byte")
	}
	if len(name) >= unix.PathMax {
		return "", fmt.Errorf("name of %d bytes: %w", len(name), unix.ENAMETOOLONG)
	}
	return path.Clean("/" + name)[1:], nil
}

// rootEntry applies "./", the root directory itself.
func (t *Tree) rootEntry(h *tar.Header) error {
	if h.Typeflag != tar.TypeDir {
		return errors.New("the root can only be a directory")
	}
	d, err := t.directory("", false)
	if err != nil {
		return err
	}
	return t.directoryMetadata(h, d.dir, "", d.fd, "", true)
}

// whiteout applies a name that removes: .wh.NAME, or .wh..wh..opq for all of a directory that came from below.
func (t *Tree) whiteout(parent, base string) error {
	name := base[len(whiteoutPrefix):]
	opaque := base == ".wh..wh..opq"
	if name == "" || name == "." || name == ".." {
		return errors.New("whiteout of a name that cannot be")
	}
	if t.seen == nil || (!opaque && strings.HasPrefix(name, whiteoutPrefix)) {
		return nil // nothing is below; or AUFS's own bookkeeping (.wh..wh.plnk, .wh..wh.aufs)
	}
	d, err := t.lower(parent)
	if err != nil || d.dir == nil {
		return err
	}
	if !opaque {
		if _, own := t.seen[t.key(d.ino, name)]; !own {
			d.dirty = true
			return t.remove(d.fd, name)
		}
		// A whiteout is about the layers below. What this layer itself has put there stays, but for what is below it.
		parent = join(parent, name)
	}
	// Many directories are about to change: the times that are to be kept must be on disk, not in the cache.
	if err := t.dirs.flush(); err != nil {
		return err
	}
	if d, err = t.lower(parent); err != nil || d.dir == nil {
		return err
	}
	d.dirty = true
	return t.removeLower(d.fd, "")
}

// lower gives a directory if there is one: what is to be removed may not be there.
func (t *Tree) lower(p string) (place, error) {
	d, err := t.directory(p, false)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return place{}, nil
	}
	return d, err
}
