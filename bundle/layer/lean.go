package layer

import (
	"archive/tar"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// The kernel's limits of extended attributes (linux/limits.h). What is beyond them cannot be set anywhere, and need not be kept.
const (
	maxAttributeName  = 255
	maxAttributeValue = 64 << 10
	maxAttributeNames = 64 << 10 // of one file, together
)

// lean takes from a header what nothing will ask for, so that a queue of headers stays small whatever they hold. The strings of PAX
// records are pieces of one buffer of up to a megabyte: what is kept is copied out of it.
func (it *item) lean() error {
	h := it.header
	for _, name := range []string{h.Name, h.Linkname} {
		if len(name) >= unix.PathMax {
			return fmt.Errorf("name of %d bytes: %w", len(name), unix.ENAMETOOLONG)
		}
	}
	it.weight = 512 + len(h.Name) + len(h.Linkname)
	h.Uname, h.Gname, h.Xattrs = "", "", nil //nolint:staticcheck // the reader fills it, too
	if len(h.PAXRecords) == 0 {
		return nil
	}
	h.Name, h.Linkname = strings.Clone(h.Name), strings.Clone(h.Linkname)
	kept := make(map[string]string)
	names := 0
	for k, v := range h.PAXRecords {
		if !isAttribute(k) {
			continue
		}
		// Base64 takes four bytes for three.
		if names += len(k); len(k) > len(libXattr)+3*maxAttributeName || len(v) > maxAttributeValue/3*4+4 || names > maxAttributeNames {
			it.dropped++
			continue
		}
		kept[strings.Clone(k)] = strings.Clone(v)
		it.weight += len(k) + len(v) + 100
	}
	h.PAXRecords = kept
	if len(kept) == 0 {
		h.PAXRecords = nil
	}
	return nil
}

func isAttribute(key string) bool {
	return strings.HasPrefix(key, schilyXattr) || strings.HasPrefix(key, libXattr) || strings.HasPrefix(key, schilyACL)
}

// brief is a name for a message, which a hostile one must not fill.
func brief(h *tar.Header) string {
	const enough = 256
	if len(h.Name) > enough {
		return h.Name[:enough] + "…"
	}
	return h.Name
}
