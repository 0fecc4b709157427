package image

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gspawn/gspawn-oci/bundle/archive"
	"github.com/gspawn/gspawn-oci/bundle/stream"
)

// saved is one image in the manifest.json of "docker save".
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func resolveDocker(s archive.Store, w Wanted) (*Image, error) {
	raw, err := archive.ReadAll(s, "manifest.json", maxDocument)
	if err != nil {
		return nil, err
	}
	var all []saved
	if err := decode("manifest.json", raw, &all); err != nil {
		return nil, err
	}
	names := func(m saved) []string {
		list := m.RepoTags
		if id := configID(m.Config); id != "" {
			list = append(list[:len(list):len(list)], "sha256:"+id)
		}
		return list
	}
	same := func(a, b saved) bool { return a.Config == b.Config }
	m, err := choose("the archive", all, names, same, w.Ref)
	if err != nil {
		return nil, err
	}
	return newDocker(s, m)
}

func newDocker(s archive.Store, m saved) (*Image, error) {
	img := &Image{Layout: "docker-archive"}
	if len(m.RepoTags) > 0 {
		img.Ref = m.RepoTags[0]
	}
	raw, err := archive.ReadAll(s, m.Config, maxDocument)
	if err != nil {
		return nil, fmt.Errorf("manifest.json: Config: %w", missing(m.Config, err))
	}
	img.Digest = sum(raw)
	if id := configID(m.Config); id != "" && img.Digest != "sha256:"+id {
		return nil, fmt.Errorf("config %q: digest is %s", m.Config, img.Digest)
	}
	if err := decode("config "+word(m.Config), raw, &img.Config); err != nil {
		return nil, err
	}
	for _, name := range m.Layers {
		l := Layer{Name: word(name), Blob: name, Want: stream.Want{Size: -1}}
		if id := path.Base(name); strings.HasPrefix(name, "blobs/sha256/") && stream.ValidDigest("sha256:"+id) {
			l.Name, l.Want.Digest = "sha256:"+id, "sha256:"+id
		}
		img.Layers = append(img.Layers, l)
	}
	return img, img.setDiffIDs()
}

// configID is the sum in the name of a config: ID.json, or blobs/sha256/ID. Empty when the name has none.
func configID(name string) string {
	id := strings.TrimSuffix(path.Base(name), ".json")
	if stream.ValidDigest("sha256:" + id) {
		return id
	}
	return ""
}

func missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%q is not in the archive", name)
	}
	return err
}
