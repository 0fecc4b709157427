package layer

import (
	"archive/tar"
	"errors"
	"io"
	"strings"
)

// maxHidden bounds the paths that are remembered; what is beyond is simply written and removed again.
const maxHidden = 400_000

// Hidden knows what later layers take away, so that it need not be written in the first place. It is worth having where
// the headers of later layers cost next to nothing to read: uncompressed layers of a file that can be seeked in.
type Hidden struct {
	gone   map[string]int  // path → highest layer that removes or replaces it
	opaque map[string]int  // directory → highest layer that empties it
	linked map[string]bool // targets of hard links: one of their names may stay when another goes
}

// Scan notes what one layer hides, and what it has several names for. r should seek over data. All layers are scanned, the
// lowest for its links.
func (x *Hidden) Scan(r io.Reader, index int) error {
	if x.gone == nil {
		x.gone, x.opaque, x.linked = make(map[string]int), make(map[string]int), make(map[string]bool)
	}
	tr := tar.NewReader(r)
	for len(x.gone)+len(x.opaque)+len(x.linked) < maxHidden {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := cleanName(h.Name)
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeLink {
			if to, err := cleanName(h.Linkname); err == nil {
				x.linked[to] = true
			}
		}
		parent, base := split(name)
		switch {
		case base == ".wh..wh..opq":
			x.opaque[parent] = index
		case strings.HasPrefix(base, whiteoutPrefix):
			x.gone[join(parent, base[len(whiteoutPrefix):])] = index
		case h.Typeflag != tar.TypeDir && h.Typeflag != tar.TypeXGlobalHeader && base != "":
			x.gone[name] = index
		}
	}
	return nil
}

func join(parent, base string) string {
	if parent == "" {
		return base
	}
	return parent + "/" + base
}

// hides says whether a layer above index takes away what is at name. name's parents must be real directories.
func (x *Hidden) hides(name string, index int) bool {
	if x.linked[name] {
		return false
	}
	if x.gone[name] > index {
		return true
	}
	for p := name; p != ""; {
		p, _ = split(p)
		if (p != "" && x.gone[p] > index) || x.opaque[p] > index {
			return true
		}
	}
	return false
}
