package image_test

import (
	"bytes"
	"testing"

	"github.com/gspawn/gspawn-oci/bundle/archive"
	"github.com/gspawn/gspawn-oci/bundle/image"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// FuzzResolve reads archives of any bytes as images, without the layers.
func FuzzResolve(f *testing.F) {
	i := &iw.Image{Layers: [][]byte{iw.Tar(iw.File("a", "1"))}, Tags: []string{"x:1"}}
	for _, files := range []iw.Files{i.DockerSave(), i.Docker25(), i.Podman(), i.Legacy(), i.OCI()} {
		f.Add(files.Tar(), "x:1", "linux/amd64")
	}
	f.Fuzz(func(t *testing.T, raw []byte, ref, platform string) {
		if _, err := archive.Probe(bytes.NewReader(raw)); err != nil {
			return
		}
		s, err := archive.OpenTar(bytes.NewReader(raw), int64(len(raw)), nil)
		if err != nil {
			return
		}
		img, err := image.Resolve(s, image.Wanted{Ref: ref, Platform: platform})
		if err == nil && img == nil {
			t.Fatal("neither an image nor an error")
		}
	})
}

// FuzzDocuments puts any bytes in the place of each document of an image.
func FuzzDocuments(f *testing.F) {
	i := &iw.Image{Layers: [][]byte{iw.Tar(iw.File("a", "1"))}, Tags: []string{"x:1"}}
	for n, files := range []iw.Files{i.DockerSave(), i.Legacy(), i.OCI()} {
		for _, name := range []string{"manifest.json", "repositories", "index.json"} {
			if raw, ok := files[name]; ok {
				f.Add(raw, n)
			}
		}
	}
	f.Add([]byte(`{"manifests":[{"digest":"sha256:`+"0000000000000000000000000000000000000000000000000000000000000000"+`","size":-1}]}`), 2)
	f.Fuzz(func(t *testing.T, raw []byte, which int) {
		var files iw.Files
		switch which {
		case 0:
			files = i.DockerSave()
			files["manifest.json"] = raw
		case 1:
			files = i.Legacy()
			files["repositories"] = raw
		default:
			files = i.OCI()
			files["index.json"] = raw
		}
		tar := files.Tar()
		s, err := archive.OpenTar(bytes.NewReader(tar), int64(len(tar)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if img, err := image.Resolve(s, image.Wanted{}); err == nil && img == nil {
			t.Fatal("neither an image nor an error")
		}
	})
}
