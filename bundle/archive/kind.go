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
	Unclear               // the first name is of neither kind; all of them have to be looked at
)

// Probe reads a tar's first entries and says what it looks like. It reads no further than it must, so that a caller who
// keeps what was read can go on with a stream.
//
// Only names decide. An archive that looks like an image and has no manifest in it turns out to be a root file system later,
// when the caller can look at all of it. Builders like jib give blobs any name: a file at the top that is not hidden decides
// nothing.
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
		if h.Typeflag == tar.TypeReg && name[0] != '.' && !strings.Contains(name, "/") {
			return Unclear, nil
		}
		return RootFS, nil
	}
}

// HasDocuments looks at a tar's names until it knows: an image has a manifest at its top and none of a system's directories. What
// cannot be read is the business of those who read all of it. r should seek over data.
func HasDocuments(r io.Reader) bool {
	tr := tar.NewReader(r)
	manifest, index, layout := false, false, false
	for {
		h, err := tr.Next()
		if err != nil {
			return manifest || (index && layout)
		}
		switch top, _, nested := strings.Cut(cleanName(h.Name), "/"); {
		case IsSystem(top):
			return false
		case nested || h.Typeflag != tar.TypeReg:
		case top == "manifest.json":
			manifest = true
		case top == "index.json":
			index = true
		case top == "oci-layout":
			layout = true
		}
	}
}

// IsSystem says whether a name at the top of a tree is that of a system's directory, which no image archive has.
func IsSystem(top string) bool { return top == "usr" || top == "etc" || top == "bin" }

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
