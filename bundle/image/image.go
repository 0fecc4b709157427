package image

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/gspawn/gspawn-oci/bundle/archive"
	"github.com/gspawn/gspawn-oci/bundle/stream"
)

// Image is a resolved image: its configuration, checked, and its layers, not yet read.
type Image struct {
	Layout  string   // "oci", "docker-archive", "docker-legacy"
	Ref     string   // the name it was found by, may be empty
	Digest  string   // of the manifest (OCI) or of the config (docker); empty in the oldest layout
	Config  Config   //
	Layers  []Layer  // lowest first
	Notices []string // what a user should know
}

// Layer is one change of the file system.
type Layer struct {
	Name string // for messages
	Blob string // in the store
	Want stream.Want
}

// Wanted is which image of several is meant.
type Wanted struct {
	Ref      string // "name:tag", "tag", a digest or a prefix of an image id; empty: the only one there is
	Platform string // "os/arch[/variant]"; empty: this machine's where there is a choice
}

// ErrNoImage is returned when the store holds no image in any known layout.
var ErrNoImage = errors.New("no image: neither index.json nor manifest.json nor repositories is there")

// errAbsent: what is pointed to is not there.
var errAbsent = errors.New("it is not in the image")

const (
	maxLayers   = 1000
	maxDocument = 4 << 20 // as registries have it
)

// Resolve finds the wanted image.
func Resolve(s archive.Store, w Wanted) (*Image, error) {
	var img *Image
	var err error
	switch {
	case archive.Has(s, "index.json"):
		img, err = resolveOCI(s, w)
	case archive.Has(s, "manifest.json"):
		img, err = resolveDocker(s, w)
	case archive.Has(s, "repositories"):
		img, err = resolveLegacy(s, w)
	default:
		return nil, ErrNoImage
	}
	if err != nil {
		return nil, err
	}
	return img, img.check(w)
}

// check compares the parts of an image with each other and with the machine.
func (img *Image) check(w Wanted) error {
	c := &img.Config
	if c.OS != "" && c.OS != "linux" {
		return fmt.Errorf("image %s: it is for the operating system %q, not linux", img.title(), c.OS)
	}
	if len(img.Layers) > maxLayers {
		return fmt.Errorf("image %s: %d layers are more than %d", img.title(), len(img.Layers), maxLayers)
	}
	p, err := parsePlatform(w.Platform)
	if err != nil {
		return err
	}
	if c.Architecture != "" && !p.fits(&Platform{OS: "linux", Architecture: c.Architecture, Variant: c.Variant}) {
		if w.Platform != "" {
			return fmt.Errorf("image %s: it is for %s/%s, not %s", img.title(), word(c.OS), word(c.Architecture), w.Platform)
		}
		img.notice("the image is for linux/%s, this machine is %s", word(c.Architecture), p)
	}
	return nil
}

// word is a name of the image's author for a message: quoted, unless it has nothing but what names are made of. A terminal
// obeys whatever else is written to it.
func word(s string) string {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("._-+:/@", c) < 0 {
			return strconv.Quote(s)
		}
	}
	return s
}

func (img *Image) title() string {
	if img.Ref != "" {
		return fmt.Sprintf("%q", img.Ref)
	}
	return img.Digest
}

func (img *Image) notice(format string, args ...any) {
	img.Notices = append(img.Notices, fmt.Sprintf(format, args...))
}

// setDiffIDs gives every layer the sum of its uncompressed bytes.
func (img *Image) setDiffIDs() error {
	ids := img.Config.RootFS.DiffIDs
	if len(ids) != len(img.Layers) {
		return fmt.Errorf("image %s: the config names %d layers, the manifest %d", img.title(), len(ids), len(img.Layers))
	}
	for i, id := range ids {
		if !stream.ValidDigest(id) {
			return fmt.Errorf("image %s: rootfs.diff_ids[%d] %q: not a sha256 digest", img.title(), i, id)
		}
		img.Layers[i].Want.DiffID = id
	}
	return nil
}

// choose picks the one candidate that a reference means; names lists each candidate's own.
func choose[T any](what string, all []T, names func(T) []string, same func(a, b T) bool, ref string) (T, error) {
	var none T
	var found []T
	for _, means := range []func([]string, string) bool{slices.Contains[[]string], matches} {
		for _, c := range all {
			if ref == "" || means(names(c), ref) {
				found = append(found, c)
			}
		}
		if len(found) > 0 {
			break // a whole name is not the short form of another
		}
	}
	distinct := found[:min(1, len(found))]
	for _, c := range found[len(distinct):] {
		if !same(distinct[0], c) {
			distinct = append(distinct, c)
		}
	}
	if len(distinct) == 1 {
		return distinct[0], nil
	}
	var list []string
	for _, c := range all {
		var quoted []string
		for _, n := range names(c) {
			quoted = append(quoted, word(n))
		}
		list = append(list, strings.Join(quoted, " "))
	}
	sort.Strings(list)
	choices := strings.Join(list, ", ")
	switch {
	case len(all) == 0:
		return none, fmt.Errorf("%s has no image in it", what)
	case len(found) == 0:
		return none, fmt.Errorf("%s has no image %q; there are: %s", what, ref, choices)
	case ref == "":
		return none, fmt.Errorf("%s has several images; choose one with --ref: %s", what, choices)
	}
	return none, fmt.Errorf("%s has several images that %q may mean: %s", what, ref, choices)
}

// matches says whether one of an image's names is meant by ref: its tag, its short form, or an id.
func matches(names []string, ref string) bool {
	for _, n := range names {
		if familiar(n) == familiar(ref) {
			return true
		}
		if tag := n[strings.LastIndexByte(n, ':')+1:]; tag == ref && !strings.Contains(n, "sha256:") {
			return true
		}
		if id, ok := strings.CutPrefix(n, "sha256:"); ok && len(ref) >= 7 && stream.IsHex(ref) && strings.HasPrefix(id, ref) {
			return true
		}
	}
	return false
}

// familiar is the form in which people write a name: without docker's default registry, or what podman puts in its place for images
// that were built here, and with a tag.
func familiar(name string) string {
	name = strings.TrimPrefix(name, "localhost/")
	name = strings.TrimPrefix(name, "docker.io/")
	name = strings.TrimPrefix(name, "library/")
	if last := name[strings.LastIndexByte(name, '/')+1:]; !strings.ContainsAny(last, ":@") {
		name += ":latest"
	}
	return name
}

// readBlob reads a document of a content-addressed layout and checks it against its digest.
func readBlob(s archive.Store, digest string, size int64) ([]byte, error) {
	if !stream.ValidDigest(digest) {
		return nil, fmt.Errorf("digest %q: not a sha256 digest", digest)
	}
	raw, err := archive.ReadAll(s, blobName(digest), maxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", digest, errAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", digest, err)
	}
	if size >= 0 && int64(len(raw)) != size {
		return nil, fmt.Errorf("blob %s: size is %d, its descriptor says %d", digest, len(raw), size)
	}
	if got := sum(raw); got != digest {
		return nil, fmt.Errorf("blob %s: digest is %s", digest, got)
	}
	return raw, nil
}

func blobName(digest string) string { return "blobs/sha256/" + digest[len("sha256:"):] }
