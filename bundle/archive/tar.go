package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// An image archive's own table of contents (not the layers') is bounded: docker's have three entries a layer, and names of some
// eighty bytes.
const (
	maxEntries   = 20000
	maxNameBytes = 6 << 20 // of names and link targets together
)

// maxLinks bounds a chain of links between the archive's entries.
const maxLinks = 16

// member is an entry of an image archive: a piece of the file, or a link to another entry.
type member struct {
	offset, size int64
	link         string
	unusable     bool // a sparse file, a device: never part of an image
}

// tarball is a store over an uncompressed tar file that can be read at any place.
type tarball struct {
	r       io.ReaderAt
	members map[string]member
	close   func() error
}

// OpenTar makes a store of an uncompressed tar of size bytes. It reads the headers only. The store's Close calls close,
// which may be nil.
func OpenTar(r io.ReaderAt, size int64, close func() error) (Store, error) {
	t := &tarball{r: r, members: make(map[string]member), close: close}
	section := io.NewSectionReader(r, 0, size)
	names := 0
	tr := tar.NewReader(section)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read image archive: %w", err)
		}
		if len(t.members) >= maxEntries {
			return nil, fmt.Errorf("read image archive: more than %d entries", maxEntries)
		}
		offset, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		for _, name := range []string{h.Name, h.Linkname} {
			if len(name) >= unix.PathMax {
				return nil, fmt.Errorf("read image archive: name of %d bytes: %w", len(name), unix.ENAMETOOLONG)
			}
		}
		m, ok := newMember(h, offset)
		if !ok {
			continue
		}
		if end := m.offset + m.size; m.link == "" && (m.size < 0 || end > size || end < m.offset) {
			return nil, fmt.Errorf("read image archive: %q is cut off: %w", h.Name, io.ErrUnexpectedEOF)
		}
		// The strings of a header may be pieces of a much larger one.
		name := strings.Clone(cleanName(h.Name))
		m.link = strings.Clone(m.link)
		if names += len(name) + len(m.link); names > maxNameBytes {
			return nil, fmt.Errorf("read image archive: names take more than %d MiB", maxNameBytes>>20)
		}
		t.members[name] = m
	}
}

func newMember(h *tar.Header, offset int64) (member, bool) {
	switch h.Typeflag {
	case tar.TypeReg:
		sparse := h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != ""
		return member{offset: offset, size: h.Size, unusable: sparse}, true
	case tar.TypeSymlink:
		return member{link: cleanName(path.Join(path.Dir(cleanName(h.Name)), h.Linkname))}, true
	case tar.TypeLink:
		return member{link: cleanName(h.Linkname)}, true
	case tar.TypeDir, tar.TypeXGlobalHeader:
		return member{}, false
	}
	return member{unusable: true}, true
}

// cleanName makes a name of the archive relative to its top; ".." cannot climb over it.
func cleanName(name string) string { return path.Clean("/" + name)[1:] }

func (t *tarball) Open(name string) (*File, error) {
	at := cleanName(name)
	for range maxLinks {
		m, ok := t.members[at]
		switch {
		case !ok:
			return nil, fmt.Errorf("open %q: %w", name, fs.ErrNotExist)
		case m.unusable:
			return nil, fmt.Errorf("open %q: not a plain file in the archive", name)
		case m.link == "":
			return &File{SectionReader: io.NewSectionReader(t.r, m.offset, m.size)}, nil
		}
		at = m.link
	}
	return nil, fmt.Errorf("open %q: too many links in the archive", name)
}

func (t *tarball) Close() error {
	if t.close == nil {
		return nil
	}
	return t.close()
}
