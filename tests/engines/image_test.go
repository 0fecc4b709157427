//go:build engines

package engines

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
)

// imageName is the image in every engine.
const imageName = "docker.io/library/gspawn-bb:latest"

// writeImage writes an OCI archive (image-spec, image-layout.md) with one layer, the fixtures' busybox tree. Both
// engines import it, so no registry and no other tool is needed.
func writeImage(t *testing.T, file string) {
	t.Helper()
	root := t.TempDir()
	fixtures.Rootfs(t, root)
	layer := tarTree(t, root)
	blobs := map[string][]byte{}
	add := func(data []byte) map[string]any {
		sum := sha256.Sum256(data)
		digest := hex.EncodeToString(sum[:])
		blobs["blobs/sha256/"+digest] = data
		return map[string]any{"digest": "sha256:" + digest, "size": len(data)}
	}
	layerRef := add(layer)
	config := add(toJSON(t, map[string]any{
		"architecture": "amd64", "os": "linux",
		"config": map[string]any{"Cmd": []string{"/bin/sh"}, "Env": []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []any{layerRef["digest"]}},
	}))
	config["mediaType"] = "application/vnd.oci.image.config.v1+json"
	layerRef["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
	manifest := add(toJSON(t, map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": []any{layerRef},
	}))
	manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
	manifest["annotations"] = map[string]string{"org.opencontainers.image.ref.name": imageName, "io.containerd.image.name": imageName}
	blobs["index.json"] = toJSON(t, map[string]any{"schemaVersion": 2, "manifests": []any{manifest}})
	blobs["oci-layout"] = []byte(`{"imageLayoutVersion":"1.0.0"}`)
	if err := os.WriteFile(file, tarFiles(t, blobs), 0o644); err != nil {
		t.Fatal(err)
	}
}

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func tarFiles(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tarTree is the tree as a layer.
func tarTree(t *testing.T, root string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		return tarEntry(w, root, path, entry)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarEntry(w *tar.Writer, root, path string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	link := ""
	if entry.Type() == fs.ModeSymlink {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	head, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	if head.Name, err = filepath.Rel(root, path); err != nil {
		return err
	}
	if err := w.WriteHeader(head); err != nil || !entry.Type().IsRegular() {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}
