package image

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gspawn/gspawn-oci/bundle/archive"
	"github.com/gspawn/gspawn-oci/bundle/stream"
)

const (
	maxIndexDepth = 8
	maxManifests  = 2000
	maxWalked     = 64 << 20 // bytes of documents that are read to find the image
	maxName       = 1024     // bytes of a name; registries allow 255
)

// candidate is one manifest of a layout, with what led to it.
type candidate struct {
	refs     []string // names given on the way, the outermost first
	digest   string
	size     int64
	platform *Platform // nil when no descriptor says
}

// document is what a blob that a descriptor points to may be. Which one it is, its content says: the descriptor's media
// type need not be true.
type document struct {
	manifest
	Manifests []descriptor `json:"manifests"`
	FSLayers  []struct{}   `json:"fsLayers"`
}

// walker collects the manifests of a layout.
type walker struct {
	store archive.Store
	found []candidate
	seen  int
	bytes int64
	above map[string]bool // indexes that are being read: one of them within itself is a loop
}

func resolveOCI(s archive.Store, w Wanted) (*Image, error) {
	raw, err := archive.ReadAll(s, "index.json", maxDocument)
	if err != nil {
		return nil, err
	}
	var top document
	if err := decode("index.json", raw, &top); err != nil {
		return nil, err
	}
	walk := &walker{store: s, above: make(map[string]bool)}
	if err := walk.index(top.Manifests, candidate{}, 0); err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	c, err := pick(walk.found, w)
	if err != nil {
		return nil, err
	}
	return newOCI(s, c)
}

func (w *walker) index(list []descriptor, above candidate, depth int) error {
	if depth > maxIndexDepth {
		return fmt.Errorf("indexes are nested more than %d deep", maxIndexDepth)
	}
	for i := range list {
		if attestation(&list[i]) {
			continue
		}
		if w.seen++; w.seen > maxManifests {
			return fmt.Errorf("more than %d manifests", maxManifests)
		}
		if err := w.descriptor(&list[i], above, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) descriptor(d *descriptor, above candidate, depth int) error {
	c := candidate{refs: above.refs, platform: above.platform, digest: d.Digest, size: d.Size}
	c.refs = append(c.refs[:len(c.refs):len(c.refs)], refNames(d)...)
	if d.Platform != nil {
		if !d.Platform.sane() {
			return fmt.Errorf("manifest %s: its platform has a name of more than %d bytes", word(d.Digest), maxName)
		}
		c.platform = d.Platform
	}
	if w.above[c.digest] {
		return fmt.Errorf("index %s contains itself", c.digest)
	}
	raw, err := readBlob(w.store, c.digest, d.Size)
	if err != nil {
		if d.Platform != nil && depth > 0 && errors.Is(err, errAbsent) {
			return nil // a layout may hold one platform of an index that names many
		}
		return err
	}
	if w.bytes += int64(len(raw)); w.bytes > maxWalked {
		return fmt.Errorf("the documents of the layout are larger than %d MiB together", maxWalked>>20)
	}
	var doc document
	if err := decode("manifest "+c.digest, raw, &doc); err != nil {
		return err
	}
	switch {
	case len(doc.FSLayers) > 0:
		return fmt.Errorf("manifest %s: docker's schema 1 is not supported; save the image again with a newer docker", c.digest)
	case doc.Manifests != nil && (doc.Layers != nil || doc.Config.Digest != ""):
		return fmt.Errorf("manifest %s: it is an index and a manifest at once", c.digest)
	case doc.Manifests != nil:
		w.above[c.digest] = true
		defer delete(w.above, c.digest)
		return w.index(doc.Manifests, c, depth+1)
	}
	// The document itself is not kept: thousands of large ones must not be in memory at once.
	w.found = append(w.found, c)
	return nil
}

// attestation says whether a descriptor leads to what was written down about an image, and not to an image.
func attestation(d *descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" ||
		(d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown")
}

// sane says whether a platform can be one that somebody asks for. A layout has up to maxManifests of them in memory.
func (p *Platform) sane() bool { return len(p.OS)+len(p.Architecture)+len(p.Variant) <= maxName }

// refNames are the names that a descriptor's annotations give. containerd and docker write the full name beside the tag.
func refNames(d *descriptor) []string {
	var names []string
	for _, key := range []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"} {
		if n := d.Annotations[key]; n != "" && len(n) <= maxName {
			names = append(names, n)
		}
	}
	return names
}

// pick chooses by platform first, as far as that narrows the choice, then by name.
func pick(all []candidate, w Wanted) (candidate, error) {
	p, err := parsePlatform(w.Platform)
	if err != nil {
		return candidate{}, err
	}
	var fit []candidate
	for _, c := range all {
		if c.platform == nil || p.fits(c.platform) {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 && len(all) > 0 {
		if len(all) == 1 && w.Platform == "" {
			return all[0], nil // an image for another machine is a notice where there is no choice
		}
		var have []string
		for _, c := range all {
			have = append(have, platform{c.platform.OS, c.platform.Architecture, c.platform.Variant}.String())
		}
		return candidate{}, fmt.Errorf("the image has no manifest for %s; it has: %s", p, strings.Join(have, ", "))
	}
	names := func(c candidate) []string { return append(append([]string(nil), c.refs...), c.digest) }
	same := func(a, b candidate) bool { return a.digest == b.digest }
	return choose("the layout", fit, names, same, w.Ref)
}

func newOCI(s archive.Store, c candidate) (*Image, error) {
	img := &Image{Layout: "oci", Digest: c.digest}
	if len(c.refs) > 0 {
		img.Ref = c.refs[0]
	}
	raw, err := readBlob(s, c.digest, c.size)
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := decode("manifest "+c.digest, raw, &m); err != nil {
		return nil, err
	}
	if m.Config.Digest == "" {
		return nil, fmt.Errorf("manifest %s: it has no config", c.digest)
	}
	raw, err = readBlob(s, m.Config.Digest, m.Config.Size)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if err := decode("config "+m.Config.Digest, raw, &img.Config); err != nil {
		return nil, err
	}
	if img.Config.RootFS.Type == "" && len(img.Config.RootFS.DiffIDs) == 0 && len(m.Layers) > 0 {
		return nil, fmt.Errorf("manifest %s: its config of type %q is not that of a container image", c.digest, m.Config.MediaType)
	}
	if err := img.addLayers(s, m.Layers); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", c.digest, err)
	}
	return img, img.setDiffIDs()
}

func (img *Image) addLayers(s archive.Store, layers []descriptor) error {
	for i, d := range layers {
		if !stream.ValidDigest(d.Digest) {
			return fmt.Errorf("layers[%d].digest %q: not a sha256 digest", i, d.Digest)
		}
		if d.Size < 0 {
			return fmt.Errorf("layers[%d].size is %d", i, d.Size)
		}
		if len(d.URLs) > 0 && !archive.Has(s, blobName(d.Digest)) {
			return fmt.Errorf("layers[%d] %s: it is not in the image, only its address is", i, d.Digest)
		}
		img.Layers = append(img.Layers, Layer{
			Name: d.Digest, Blob: blobName(d.Digest), Want: stream.Want{Digest: d.Digest, Size: d.Size},
		})
	}
	return nil
}
