package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"strings"
)

// maxHidden bounds the paths that are remembered; what is beyond is simply written and removed again.
const maxHidden = 400_000

// Hidden knows what later layers take away, so that it need not be written in the first place. It is worth having where
// the headers of later layers cost next to nothing to read: uncompressed layers of a file that can be seeked in.
type Hidden struct {
	seed   maphash.Seed
	gone   map[pathKey]uint16   // path → highest layer that removes or replaces it, from 1
	opaque map[pathKey]uint16   // directory → highest layer that empties it, from 1
	linked map[pathKey]struct{} // targets of hard links: one of their names may stay when another goes
}

// pathKey stands for a path, as an entryKey does for an entry: a seeded hash, eight bytes however long the path is.
type pathKey uint64

func (x *Hidden) key(path string) pathKey { return pathKey(maphash.String(x.seed, path)) }

// Scan notes what one layer hides, and what it has several names for. r should seek over data. All layers are scanned, the
// lowest for its links.
func (x *Hidden) Scan(r io.Reader, index int) error {
	if x.gone == nil {
		x.seed = maphash.MakeSeed()
		x.gone, x.opaque, x.linked = make(map[pathKey]uint16), make(map[pathKey]uint16), make(map[pathKey]struct{})
	}
	if index >= math.MaxUint16 {
		return fmt.Errorf("layer %d is one too many", index)
	}
	layer := uint16(index + 1)
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
				x.linked[x.key(to)] = struct{}{}
			}
		}
		parent, base := split(name)
		switch {
		case base == ".wh..wh..opq":
			x.opaque[x.key(parent)] = layer
		case strings.HasPrefix(base, whiteoutPrefix):
			x.gone[x.key(join(parent, base[len(whiteoutPrefix):]))] = layer
		case h.Typeflag != tar.TypeDir && h.Typeflag != tar.TypeXGlobalHeader && base != "":
			x.gone[x.key(name)] = layer
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
	if x.gone == nil {
		return false // no layer could be scanned
	}
	own := uint16(index + 1)
	k := x.key(name)
	if _, ok := x.linked[k]; ok {
		return false
	}
	if x.gone[k] > own {
		return true
	}
	for p := name; p != ""; {
		p, _ = split(p)
		if k = x.key(p); (p != "" && x.gone[k] > own) || x.opaque[k] > own {
			return true
		}
	}
	return false
}
