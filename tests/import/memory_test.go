package importtest

import (
	"archive/tar"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// TestMemory: what an image's author can make as large as they like does not make the import large: attributes, names, records
// that mean nothing, the paths that later layers hide, the windows of compressors.
func TestMemory(t *testing.T) {
	needRoot(t)
	bin, err := ours()
	if err != nil {
		t.Skip(err)
	}
	const mega = 1<<20 - 4096 // as much as archive/tar lets a header's records have
	app := iw.Entry{Name: "bin/app", Mode: 0o755}
	for name, c := range map[string]struct {
		raw   func(t *testing.T) []byte
		fails string
		bound int // kB; 0: memoryBound
	}{
		"default ACLs": {raw: func(*testing.T) []byte {
			return oneLayer(times(110, func(n int) iw.Entry {
				return iw.Entry{Name: fmt.Sprintf("d%d", n), Type: tar.TypeDir, PAX: map[string]string{"SCHILY.xattr.system.posix_acl_default": strings.Repeat(string(rune('a'+n%26)), mega)}}
			}, app)...)
		}},
		"default ACLs of legal size": {raw: func(*testing.T) []byte {
			return oneLayer(times(1600, func(n int) iw.Entry {
				return iw.Entry{Name: fmt.Sprintf("d%d", n), Type: tar.TypeDir, PAX: map[string]string{"SCHILY.xattr.system.posix_acl_default": fmt.Sprintf("%60000d", n)}}
			}, app)...)
		}},
		"names of an archive": {raw: func(*testing.T) []byte {
			return append(headless(oneLayer(app)), iw.Tar(times(100, func(n int) iw.Entry { return iw.File(strings.Repeat("n", mega-n), "") })...)...)
		}, fails: "file name too long"},
		"many names of an archive": {raw: func(*testing.T) []byte {
			return append(headless(oneLayer(app)), iw.Tar(times(8_000, func(n int) iw.Entry { return iw.Symlink(fmt.Sprintf("%04000d", n), strings.Repeat("x", 4000)) })...)...)
		}, fails: "names take more than"},
		"comments": {raw: func(*testing.T) []byte {
			return oneLayer(times(110, func(n int) iw.Entry {
				return iw.Entry{Name: fmt.Sprintf("f%d", n), PAX: map[string]string{"comment": strings.Repeat("c", mega)}}
			}, app)...)
		}},
		"many attributes": {raw: func(*testing.T) []byte {
			many := map[string]string{}
			for n := range 20_000 {
				many[fmt.Sprintf("SCHILY.acl.%d", n)] = "1"
			}
			return oneLayer(times(60, func(n int) iw.Entry { return iw.Entry{Name: fmt.Sprintf("f%d", n), PAX: many} }, app)...)
		}},
		"paths that a layer hides": {raw: func(*testing.T) []byte {
			return layers(iw.Tar(app), iw.Tar(times(15_000, func(n int) iw.Entry { return iw.File(fmt.Sprintf("%s.wh.%0200d", strings.Repeat("d/", 1900), n), "") })...))
		}},
		"two layers of zstd with large windows": {raw: func(t *testing.T) []byte {
			needTool(t, "zstd")
			i := image(noise(40<<20, "bin/app"), noise(40<<20, "bin/other"))
			i.Compress = []string{"zstd --long=25 -1"}
			return i.OCI().Tar()
		}},
		"a layer whose window grows": {raw: func(t *testing.T) []byte {
			needTool(t, "zstd")
			small, large := noise(40<<20, "bin/app"), noise(40<<20, "bin/other")
			packed := append(iw.Compress("zstd", small[:1000]), iw.Compress("zstd --long=25 -1", small[1000:])...)
			i := image(large, small)
			i.Compress, i.Stored = []string{"zstd --long=25 -1"}, map[int][]byte{1: packed}
			return i.OCI().Tar()
		}},
		"names in indexes": {raw: func(*testing.T) []byte { return wordyIndexes(image(iw.Tar(app)), mega) }, fails: "several images"},
		// A character that encoders write in six bytes, and one that becomes another of three.
		"labels of &":       {raw: func(*testing.T) []byte { return labelled("&") }},
		"labels of no text": {raw: func(*testing.T) []byte { return labelled("\xff") }},
		"xz -9": {raw: func(t *testing.T) []byte {
			needTool(t, "xz")
			return iw.Compress("xz -0 --lzma2=preset=0,dict=64MiB -T1", iw.Tar(iw.Entry{Name: "bin/sh", Data: string(make([]byte, 80<<20)), Mode: 0o755}))
		}, bound: memoryBound + 32<<10},
	} {
		t.Run(name, func(t *testing.T) {
			source := filepath.Join(t.TempDir(), "source")
			if err := os.WriteFile(source, c.raw(t), 0o644); err != nil {
				t.Fatal(err)
			}
			if c.bound == 0 {
				c.bound = memoryBound
			}
			importWithin(t, exec.Command(bin, "import", "--quiet", "--no-sync", source, filepath.Join(t.TempDir(), "box")), c.bound, c.fails)
		})
	}
}

// times makes n entries after some others.
func times(n int, entry func(n int) iw.Entry, first ...iw.Entry) []iw.Entry {
	for i := range n {
		first = append(first, entry(i))
	}
	return first
}

// headless is a tar without its end, so that another may follow.
func headless(raw []byte) []byte { return raw[:len(raw)-1024] }

// noise is a tar with a large file that hardly compresses, and costs a compressor little: random blocks, each a few times.
func noise(size int, name string) []byte {
	r := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%032s", name))))
	data := make([]byte, size)
	_, _ = r.Read(data[:size/8])
	for at := size / 8; at < size; at += size / 8 {
		copy(data[at:], data[:size/8])
	}
	return iw.Tar(iw.Entry{Name: name, Data: string(data), Mode: 0o755})
}

// wordyIndexes is a layout of many indexes in an index, each with a megabyte of names.
func wordyIndexes(i *iw.Image, size int) []byte {
	f := iw.Files{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	var all []any
	for n := range 40 {
		i.Extra = map[string]any{"author": fmt.Sprint(n)}
		d := i.Manifest(f)
		d["annotations"] = map[string]any{"org.opencontainers.image.ref.name": fmt.Sprint(n) + strings.Repeat("n", size)}
		all = append(all, f.Blob("application/vnd.oci.image.index.v1+json", iw.JSON(map[string]any{"manifests": []any{d}})))
	}
	f["index.json"] = iw.JSON(map[string]any{"schemaVersion": 2, "manifests": all})
	return f.Tar()
}

// labelled is an image with a label as large as a document may be.
func labelled(char string) []byte {
	i := image(iw.Tar(iw.Entry{Name: "bin/app", Mode: 0o755}))
	i.Config["Labels"] = map[string]string{"a": "LABEL"}
	return iw.Tar(iw.File("manifest.json", `[{"Config":"c","Layers":["l"]}]`), iw.File("l", string(i.Layers[0])),
		iw.File("c", strings.Replace(string(i.ConfigJSON()), "LABEL", strings.Repeat(char, 4_000_000), 1)))
}
