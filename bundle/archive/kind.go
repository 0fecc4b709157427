package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Kind is what a tar file holds.
type Kind uint8

// What a tar file can be.
const (
	RootFS    Kind = iota // the files of a system
	ImageLike             // blobs and documents, as docker and OCI tools save images
)

// Probe reads a tar's first entries and says what it looks like. It reads no further than it must, so that a caller who
// keeps what was read can go on with a stream.
//
// Only names decide: every known layout has nothing at its top but these, and no root file system begins with one. An
// archive that looks like an image and has no manifest in it turns out to be a root file system later, when the
// caller can look at all of it.
func Probe(r io.Reader) (Kind, error) {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return RootFS, nil // empty: of either kind, and of no use; the root file system code says so
		}
		if err != nil {
			return RootFS, fmt.Errorf("not a tar archive, nor a compressed one, or a broken one: %w", err)
		}
		name := cleanName(h.Name)
		if name == "" || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if imageName(name) {
			return ImageLike, nil
		}
		return RootFS, nil
	}
}

// imageName says whether a name belongs to an image archive.
func imageName(name string) bool {
	top, rest, nested := strings.Cut(name, "/")
	switch top {
	case "manifest.json", "index.json", "oci-layout", "repositories":
		return !nested
	case "blobs":
		return !nested || rest == "sha256" || strings.HasPrefix(rest, "sha256/") || strings.HasPrefix(rest, "sha512")
	}
	id := strings.TrimSuffix(strings.TrimSuffix(top, ".json"), ".tar")
	id = strings.TrimPrefix(id, "sha256:")
	return len(id) == 64 && isHex(id)
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}
