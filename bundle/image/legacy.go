package image

import (
	"fmt"
	"sort"
	"strings"

	"github.com/gspawn/gspawn-oci/bundle/archive"
	"github.com/gspawn/gspawn-oci/bundle/stream"
)

// ancestor is the "json" of a layer as docker wrote it before version 1.10: an image a layer, each naming its parent.
type ancestor struct {
	Config
	Parent string `json:"parent"`
}

type tagged struct{ name, id string }

// resolveLegacy reads an archive that has only "repositories" and one directory a layer. It has no digests at all.
func resolveLegacy(s archive.Store, w Wanted) (*Image, error) {
	raw, err := archive.ReadAll(s, "repositories", maxDocument)
	if err != nil {
		return nil, err
	}
	var repos map[string]map[string]string
	if err := decode("repositories", raw, &repos); err != nil {
		return nil, err
	}
	var all []tagged
	for name, tags := range repos {
		for tag, id := range tags {
			all = append(all, tagged{name + ":" + tag, id})
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].name < all[j].name })
	names := func(t tagged) []string { return []string{t.name} }
	same := func(a, b tagged) bool { return a.id == b.id }
	top, err := choose("the archive", all, names, same, w.Ref)
	if err != nil {
		return nil, err
	}
	return newLegacy(s, top)
}

func newLegacy(s archive.Store, top tagged) (*Image, error) {
	img := &Image{Layout: "docker-legacy", Ref: top.name}
	img.notice("the archive is of the oldest layout, which has no digests: the layers cannot be verified")
	seen := make(map[string]bool)
	for id := top.id; id != ""; {
		if len(id) != 64 || !stream.IsHex(id) {
			return nil, fmt.Errorf("repositories: %s: %q is not a layer's id", word(top.name), id)
		}
		if seen[id] {
			return nil, fmt.Errorf("layer %s: it is its own ancestor", id)
		}
		if seen[id] = true; len(seen) > maxLayers {
			return nil, fmt.Errorf("image %q: more than %d layers", top.name, maxLayers)
		}
		var a ancestor
		raw, err := archive.ReadAll(s, id+"/json", maxDocument)
		if err != nil {
			return nil, fmt.Errorf("layer %s: %w", id, missing(id+"/json", err))
		}
		if err := decode("layer "+id, raw, &a); err != nil {
			return nil, err
		}
		if len(img.Layers) == 0 {
			img.Config = a.Config
		}
		if archive.Has(s, id+"/layer.tar") {
			img.Layers = append(img.Layers, Layer{Name: id, Blob: id + "/layer.tar", Want: stream.Want{Size: -1}})
		}
		id = strings.TrimPrefix(a.Parent, "sha256:")
	}
	for i, j := 0, len(img.Layers)-1; i < j; i, j = i+1, j-1 {
		img.Layers[i], img.Layers[j] = img.Layers[j], img.Layers[i]
	}
	img.Config.RootFS.DiffIDs = nil
	return img, nil
}
