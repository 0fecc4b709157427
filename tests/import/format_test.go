package importtest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/bundle"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
	"github.com/gspawn/gspawn-oci/tests/import/treelist"
)

// sample is a small image of three layers with something of everything.
func sample() *iw.Image {
	return image(
		iw.Tar(iw.Dir("./"), iw.Dir("bin"), iw.File("bin/app", "app 1"), iw.Dir("etc"), iw.File("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
			iw.Dir("gone"), iw.File("gone/x", "x"), iw.Hardlink("bin/app2", "bin/app"), iw.Symlink("sbin", "bin")),
		iw.Tar(iw.File("bin/app", "app 2"), iw.File(".wh.gone", ""), iw.File("etc/new", "new")),
		iw.Tar(iw.Hardlink("etc/link", "bin/app2")),
	)
}

func sampleList(t *testing.T) []string {
	_, dest := imageTree(t, sample())
	return dest
}

// imageTree imports an image from an OCI directory, the plainest form, and lists its tree.
func imageTree(t *testing.T, i *iw.Image) (bundleDir string, tree []string) {
	t.Helper()
	dir := t.TempDir()
	i.OCI().Write(dir + "/layout")
	if _, err := importInto(t, bundle.Options{Source: dir + "/layout", Dest: dir + "/box"}); err != nil {
		t.Fatal(err)
	}
	return dir + "/box", list(t, dir+"/box/rootfs", treelist.Options{})
}

// TestFormats: every layout in every compression, from a file and from a pipe, gives the same tree and configuration.
func TestFormats(t *testing.T) {
	needRoot(t)
	needTool(t, "xz")
	needTool(t, "bzip2")
	want := sampleList(t)
	mixed := sample()
	mixed.Compress = []string{"zstd", "gzip", ""}
	layouts := map[string]iw.Files{
		"docker save": sample().DockerSave(),
		"docker 25":   sample().Docker25(),
		"podman":      sample().Podman(),
		"legacy":      sample().Legacy(),
		"oci":         sample().OCI(),
		"oci mixed":   mixed.OCI(),
	}
	for name, files := range layouts {
		raw := files.Tar()
		for _, how := range iw.Compressions {
			packed := iw.Compress(how, raw)
			for _, way := range []string{"file", "pipe"} {
				t.Run(strings.Join([]string{name, how, way}, "/"), func(t *testing.T) {
					dest := importWay(t, packed, way)
					if d := treelist.Diff(want, list(t, dest+"/rootfs", treelist.Options{}), 10); d != nil {
						t.Errorf("the tree is another one:\n%s", strings.Join(d, "\n"))
					}
					if args := readSpec(t, dest).Process.Args; !slices.Equal(args, []string{"/bin/app"}) {
						t.Errorf("process.args is %q", args)
					}
				})
			}
		}
	}
}

// TestLayerCompressions: each compression of a layer, whatever the media type says.
func TestLayerCompressions(t *testing.T) {
	needRoot(t)
	want := sampleList(t)
	for _, how := range iw.Compressions {
		t.Run("layers "+how, func(t *testing.T) {
			i := sample()
			i.Compress = []string{how}
			dest := importWay(t, i.OCI().Tar(), "file")
			if d := treelist.Diff(want, list(t, dest+"/rootfs", treelist.Options{}), 10); d != nil {
				t.Errorf("the tree is another one:\n%s", strings.Join(d, "\n"))
			}
		})
	}
}

func importWay(t *testing.T, raw []byte, way string) string {
	t.Helper()
	_, dest, err := tryWay(t, raw, way, bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return dest
}

// tryWay imports from a file or from a pipe.
func tryWay(t *testing.T, raw []byte, way string, o bundle.Options) (*bundle.Report, string, error) {
	t.Helper()
	if way == "file" {
		dest, report, err := imported(t, raw, o)
		return report, dest, err
	}
	o.Source, o.Stdin, o.Dest = "-", pipeOf(t, raw), filepath.Join(t.TempDir(), "box")
	report, err := importInto(t, o)
	return report, o.Dest, err
}

// pipeOf is the end of a pipe that some bytes come out of.
func pipeOf(t *testing.T, raw []byte) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = w.Write(raw) // if nobody reads it, the import's own error tells
		w.Close()
	}()
	t.Cleanup(func() { r.Close() })
	return r
}

func readSpec(t *testing.T, dir string) *specs.Spec {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := new(specs.Spec)
	if err := json.Unmarshal(raw, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRootfsTar: a tar that is no image is the root itself; one with a single directory in it gives that directory.
func TestRootfsTar(t *testing.T) {
	for name, c := range map[string]struct {
		entries []iw.Entry
		want    string
	}{
		"dot":         {[]iw.Entry{iw.Dir("./"), iw.Dir("./bin"), {Name: "./bin/sh", Mode: 0o755}}, "bin/sh"},
		"bare":        {[]iw.Entry{iw.Dir("bin"), {Name: "bin/sh", Mode: 0o755}}, "bin/sh"},
		"export":      {[]iw.Entry{iw.File(".dockerenv", ""), {Name: "bin/sh", Mode: 0o755}}, "bin/sh"},
		"lifted":      {[]iw.Entry{iw.Dir("debian-12"), iw.Dir("debian-12/usr"), iw.Dir("debian-12/bin"), {Name: "debian-12/bin/sh", Mode: 0o755}}, "bin/sh"},
		"whiteout":    {[]iw.Entry{{Name: "bin/sh", Mode: 0o755}, iw.File("bin/.wh.sh", "")}, "bin/.wh.sh"},
		"blobs first": {[]iw.Entry{iw.Dir("blobs"), {Name: "bin/sh", Mode: 0o755}}, "blobs"},
	} {
		for _, way := range []string{"file", "pipe"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				dest := importWay(t, iw.Tar(c.entries...), way)
				if _, err := os.Lstat(filepath.Join(dest, "rootfs", c.want)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestEndMarkers: half an end marker is one, as for GNU tar, and so is more than one; what follows it is not read.
func TestEndMarkers(t *testing.T) {
	whole := iw.Tar(iw.Dir("etc"), iw.Entry{Name: "bin/sh", Mode: 0o755, Data: "x\x00"})
	half := whole[:len(whole)-512]
	for name, raw := range map[string][]byte{
		"half":          half,
		"half, gzip":    iw.Compress("gzip", half),
		"records":       append(whole[:len(whole):len(whole)], make([]byte, 9000)...),
		"garbage":       append(whole[:len(whole):len(whole)], "garbage behind"...),
		"padded gzip":   append(iw.Compress("gzip", whole), make([]byte, 5000)...),
		"another, gzip": append(iw.Compress("gzip", whole[:1000]), iw.Compress("gzip", whole[1000:])...),
	} {
		for _, way := range []string{"file", "pipe"} {
			t.Run(name+"/"+way, func(t *testing.T) {
				if got, err := os.ReadFile(importWay(t, raw, way) + "/rootfs/bin/sh"); err != nil || string(got) != "x\x00" {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
	}
}

// TestAUFS: what AUFS wrote for itself into layers is no part of the tree, but the files there are the targets of hard links.
func TestAUFS(t *testing.T) {
	lower := iw.Tar(iw.Dir("./"), iw.Dir("bin"), iw.File("bin/app", "app"))
	plain := image(lower, iw.Tar(iw.Dir("d"), iw.File("d/a", "shared"), iw.Hardlink("d/b", "d/a")))
	aufs := image(lower, iw.Tar(iw.File(".wh..wh.aufs", ""), iw.Dir(".wh..wh.orph"), iw.Dir(".wh..wh.plnk"), iw.File(".wh..wh.plnk/1.2", "shared"),
		iw.File(".wh..wh.plnk/3.4", "of no use"), iw.Dir("d"), iw.File("d/.wh..wh.x/y", "1"), iw.Hardlink("d/a", ".wh..wh.plnk/1.2"), iw.Hardlink("d/b", ".wh..wh.plnk/1.2")))
	first := image(aufs.Layers[1])
	for name, c := range map[string]struct{ got, want *iw.Image }{"second layer": {aufs, plain}, "only layer": {first, image(plain.Layers[1])}} {
		t.Run(name, func(t *testing.T) {
			_, want := imageTree(t, c.want)
			want = known(want)
			_, got := imageTree(t, c.got)
			if d := treelist.Diff(want, known(got), 10); d != nil {
				t.Errorf("- is without AUFS's files, + with:\n%s", strings.Join(d, "\n"))
			}
			dest, _, err := imported(t, c.got.DockerSave().Tar(), bundle.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if d := treelist.Diff(want, known(list(t, dest+"/rootfs", treelist.Options{})), 10); d != nil {
				t.Errorf("docker save: - is without AUFS's files, + with:\n%s", strings.Join(d, "\n"))
			}
		})
	}
}

// TestPlatforms: of an index with several platforms, also nested ones, the wanted one is taken.
func TestPlatforms(t *testing.T) {
	f := iw.Files{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	entry := func(arch, variant string) map[string]any {
		i := image(iw.Tar(iw.File("arch", arch+variant)))
		i.Arch = arch
		d := i.Manifest(f)
		d["platform"] = map[string]any{"os": "linux", "architecture": arch, "variant": variant}
		return d
	}
	attest := f.Blob("x", []byte(`{"layers":[]}`))
	attest["platform"] = map[string]any{"os": "unknown", "architecture": "unknown"}
	nested := f.Blob("application/vnd.oci.image.index.v1+json", iw.JSON(map[string]any{"manifests": []any{
		entry("amd64", ""), entry("arm64", "v8"), attest}}))
	nested["annotations"] = map[string]any{"org.opencontainers.image.ref.name": "multi"}
	f["index.json"] = iw.JSON(map[string]any{"schemaVersion": 2, "manifests": []any{nested}})
	raw := f.Tar()
	for platform, want := range map[string]string{"linux/amd64": "amd64", "linux/arm64": "arm64v8", "arm64/v8": "", "linux/s390x": ""} {
		t.Run(platform, func(t *testing.T) {
			dest, r, err := imported(t, raw, bundle.Options{Platform: platform, Ref: "multi"})
			if want == "" {
				if err == nil {
					t.Fatal("it was imported")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(dest + "/rootfs/arch")
			if err != nil || string(got) != want || r.Ref != "multi" {
				t.Errorf("got %q, %v, ref %q", got, err, r.Ref)
			}
		})
	}
}

// TestReferences: one image of several, by every name it has.
func TestReferences(t *testing.T) {
	l := iw.Tar(iw.File("which", "odd"))
	f := image(l).OCI()
	several(f, l)
	id := iw.Digest(image(l).ConfigJSON())[7:]
	podman := image(l)
	podman.Tags = []string{"localhost/odd:1"}
	both := image(l).OCI()
	local := image(l, l).Manifest(both)
	local["annotations"] = map[string]any{"org.opencontainers.image.ref.name": "localhost/odd:1"}
	both["index.json"] = bytes.Replace(both["index.json"], []byte("],"), append([]byte(","), append(iw.JSON(local), "],"...)...), 1)
	for name, c := range map[string]struct {
		files iw.Files
		ref   string
		ok    bool
	}{
		"podman's":             {podman.Podman(), "odd:1", true},
		"podman's, full":       {podman.Podman(), "localhost/odd:1", true},
		"podman's or docker's": {both, "odd:1", false},
		"podman's of both":     {both, "localhost/odd:1", true},
		"docker's of both":     {both, "docker.io/library/odd:1", true},
		"full":                 {f, "docker.io/library/odd:1", true},
		"short":                {f, "odd:1", true},
		"tag":                  {f, "1", true},
		"other":                {f, "other:2", true},
		"wrong":                {f, "odd:2", false},
		"docker":               {image(l).DockerSave(), "odd:1", true},
		"image id":             {image(l).DockerSave(), id[:12], true},
		"wrong id":             {image(l).DockerSave(), strings.Repeat("0", 12), false},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := imported(t, c.files.Tar(), bundle.Options{Ref: c.ref})
			if (err == nil) != c.ok {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("after the path", func(t *testing.T) {
		dir := t.TempDir()
		f.Write(dir + "/layout")
		for _, arg := range []string{"/layout:odd:1", "/layout:1"} {
			if _, err := importInto(t, bundle.Options{Source: dir + arg, Dest: dir + "/box", Force: true}); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestHidden: what later layers hide is left out without harm, also when it has other names that stay.
func TestHidden(t *testing.T) {
	i := image(
		iw.Tar(iw.File("a", "1"), iw.Hardlink("b", "a"), iw.File("c", "2"), iw.Symlink("l", "d"), iw.Dir("d"), iw.File("l/x", "3"), iw.Dir("e"), iw.File("e/f", "4"), iw.File("e/g", "5")),
		iw.Tar(iw.File(".wh.a", ""), iw.File("c", "6"), iw.File(".wh.l", ""), iw.Dir("l"), iw.File("l/x", "7"), iw.File("e/.wh..wh..opq", ""), iw.File("e/g", "8")),
		iw.Tar(iw.Hardlink("h", "c")),
	)
	packed := *i
	packed.Compress = []string{"gzip"} // nothing is left out of layers that would have to be decompressed twice
	_, want := imageTree(t, &packed)
	dest, _, err := imported(t, i.DockerSave().Tar(), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	strip := func(lines []string) []string {
		return slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, `"." `) })
	}
	if d := treelist.Diff(strip(want), strip(list(t, dest+"/rootfs", treelist.Options{})), 10); d != nil {
		t.Errorf("- is with everything written, + with hidden files left out:\n%s", strings.Join(d, "\n"))
	}
	for name, content := range map[string]string{"b": "1", "c": "6", "h": "6", "d/x": "3", "l/x": "7", "e/g": "8"} {
		if got, err := os.ReadFile(filepath.Join(dest, "rootfs", name)); err != nil || string(got) != content {
			t.Errorf("%s has %q, %v, want %q", name, got, err, content)
		}
	}
}
