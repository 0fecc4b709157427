package importtest

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/bundle"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// canaries are files beside and above a destination that no import may touch.
type canaries struct {
	dir   string
	files []string
}

func newCanaries(t *testing.T, dir string) *canaries {
	c := &canaries{dir: dir}
	for _, n := range []string{"victim", "box-victim", "dir/victim"} {
		p := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("untouched"), 0o640); err != nil {
			t.Fatal(err)
		}
		c.files = append(c.files, p)
	}
	return c
}

func (c *canaries) check(t *testing.T, allowed ...string) {
	t.Helper()
	for _, p := range c.files {
		raw, err := os.ReadFile(p)
		if err != nil || string(raw) != "untouched" {
			t.Errorf("%s outside of the bundle was changed: %q, %v", p, raw, err)
		}
		if st, err := os.Lstat(p); err != nil || st.Mode() != 0o640 {
			t.Errorf("mode of %s outside of the bundle was changed", p)
		}
	}
	entries, _ := os.ReadDir(c.dir)
	for _, e := range entries {
		switch n := e.Name(); n {
		case "victim", "box-victim", "dir", "source":
		default:
			if len(allowed) == 0 || n != allowed[0] {
				t.Errorf("%q was left beside the destination", n)
			}
		}
	}
}

// TestEscapes: whatever the entries say, nothing outside of the tree changes. Where such an image is still an image, the import works
// and the files are where the same calls would have put them in a chroot.
func TestEscapes(t *testing.T) {
	needRoot(t)
	file, dir, link, hard := iw.File, iw.Dir, iw.Symlink, iw.Hardlink
	up := "../../../../../../../../../.."
	for name, c := range map[string]struct {
		layers [][]iw.Entry
		want   string // a file that must be in the tree
		absent string // one that must not
		fails  string // part of the error, empty: the import works
	}{
		"absolute name":                      {layers: [][]iw.Entry{{file("/etc/x", "1")}}, want: "etc/x"},
		"dotdot name":                        {layers: [][]iw.Entry{{file(up+"/victim", "1")}}, want: "victim"},
		"dotdot in the middle":               {layers: [][]iw.Entry{{file("a/../../victim", "1")}}, want: "victim"},
		"symlink up, then through":           {layers: [][]iw.Entry{{link("l", up), file("l/victim", "1")}}, want: "victim"},
		"absolute symlink, through":          {layers: [][]iw.Entry{{link("l", "/dir"), file("l/victim", "1")}}, want: "dir/victim"},
		"symlink of an earlier layer":        {layers: [][]iw.Entry{{link("l", "/tmp")}, {file("l/victim", "1")}}, want: "tmp/victim"},
		"symlink chain":                      {layers: [][]iw.Entry{{link("a", "b/.."), link("b", "c"), link("c", up), file("a/victim", "1")}}, want: "victim"},
		"symlink loop":                       {layers: [][]iw.Entry{{link("a", "b"), link("b", "a"), file("a/x", "1")}}, fails: "too many levels of symbolic links"},
		"file over a symlink":                {layers: [][]iw.Entry{{link("l", up+"/victim"), file("l", "1")}}, want: "l"},
		"hard link to dotdot":                {layers: [][]iw.Entry{{hard("h", up+"/etc/passwd")}}, fails: "does not exist"},
		"hard link to absolute":              {layers: [][]iw.Entry{{hard("h", "/etc/passwd")}}, fails: "does not exist"},
		"hard link over a symlink":           {layers: [][]iw.Entry{{link("l", "/etc"), hard("h", "l/passwd")}}, fails: "does not exist"},
		"hard link to a symlink, written to": {layers: [][]iw.Entry{{link("l", "/etc/passwd"), hard("h", "l"), file("h", "1")}}, want: "h"},
		"hard link to the root":              {layers: [][]iw.Entry{{hard("h", "/")}}, fails: "is a directory"},
		"hard link to itself":                {layers: [][]iw.Entry{{file("f", "1"), hard("f", "./f")}}, want: "f"},
		"directory over a symlink":           {layers: [][]iw.Entry{{dir("d"), link("l", "d")}, {dir("l"), file("l/x", "1")}}, want: "l/x", absent: "d/x"},
		"directory's mode through a symlink": {layers: [][]iw.Entry{{link("l", up+"/dir"), iw.Entry{Name: "l/", Type: tar.TypeDir, Mode: 0o777}}}, want: "l"},
		"whiteout of dotdot":                 {layers: [][]iw.Entry{{dir("a")}, {file("a/.wh...", "")}}, fails: "whiteout"},
		"whiteout of dot":                    {layers: [][]iw.Entry{{dir("a")}, {file("a/.wh..", "")}}, fails: "whiteout"},
		"whiteout of nothing":                {layers: [][]iw.Entry{{dir("a")}, {file("a/.wh.", "")}}, fails: "whiteout"},
		"whiteout through a symlink":         {layers: [][]iw.Entry{{link("l", up)}, {file("l/.wh.victim", "")}}, want: "l"},
		"opaque through a symlink":           {layers: [][]iw.Entry{{link("l", up), file("x", "1")}, {file("l/.wh..wh..opq", "")}}, absent: "x"},
		"whiteout by dotdot name":            {layers: [][]iw.Entry{{file("x", "1")}, {file(up+"/.wh.victim", "")}}, want: "x"},
		"newline in a name":                  {layers: [][]iw.Entry{{file("a\nb", "1")}}, want: "a\nb"},
		"the root as a file":                 {layers: [][]iw.Entry{{file("./.", "1")}}, fails: "root can only be a directory"},
		"the root as a symlink":              {layers: [][]iw.Entry{{link("/", "/etc")}}, fails: "root can only be a directory"},
		"long name":                          {layers: [][]iw.Entry{{file(strings.Repeat("a/", 2500)+"x", "1")}}, fails: "file name too long"},
		"long component":                     {layers: [][]iw.Entry{{file(strings.Repeat("a", 256), "1")}}, fails: "file name too long"},
		"file as a directory":                {layers: [][]iw.Entry{{file("a", "1"), file("a/b", "1")}}, fails: "not a directory"},
		"proc magic link":                    {layers: [][]iw.Entry{{link("l", "/proc/self/root"), file("l/victim", "1")}}, want: "proc/self/root/victim"},
		"owner out of range":                 {layers: [][]iw.Entry{{{Name: "f", Uid: 1<<32 - 1}}}, fails: "out of range"},
		"device number out of range":         {layers: [][]iw.Entry{{{Name: "f", Type: tar.TypeChar, Major: 1 << 20}}}, fails: "out of range"},
		"unknown type":                       {layers: [][]iw.Entry{{{Name: "f", Type: 'Z'}}}, fails: "is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			where := t.TempDir()
			guard := newCanaries(t, where)
			var tars [][]byte
			for _, l := range c.layers {
				tars = append(tars, iw.Tar(l...))
			}
			err := importAt(t, where, layers(tars...))
			if c.fails != "" {
				guard.check(t)
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("error %v, want one with %q", err, c.fails)
				}
				return
			}
			guard.check(t, "box")
			if err != nil {
				t.Fatal(err)
			}
			root := filepath.Join(where, "box/rootfs")
			if c.want != "" {
				if _, err := os.Lstat(filepath.Join(root, c.want)); err != nil {
					t.Errorf("it is not in the tree: %v", err)
				}
			}
			if c.absent != "" {
				if _, err := os.Lstat(filepath.Join(root, c.absent)); err == nil {
					t.Errorf("%s is in the tree", c.absent)
				}
			}
		})
	}
}

// importAt imports an archive into where/box.
func importAt(t *testing.T, where string, raw []byte) error {
	t.Helper()
	source := filepath.Join(where, "source")
	if err := os.WriteFile(source, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := importInto(t, bundle.Options{Source: source, Dest: filepath.Join(where, "box")})
	return err
}

// TestBrokenArchives: what is cut off, lies about its size or is no archive fails with a reason, and leaves nothing.
func TestBrokenArchives(t *testing.T) {
	good := oneLayer(iw.File("bin/app", strings.Repeat("x", 100_000)))
	rootfs := iw.Tar(iw.Dir("etc"), iw.File("etc/big", strings.Repeat("x", 100_000)))
	negative := append(iw.RawHeader("etc/x", '0', "-0000000001\x00"), make([]byte, 1024)...)
	binary := append(iw.RawHeader("etc/x", '0', "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), make([]byte, 1024)...)
	huge := append(iw.RawHeader("etc/x", '0', "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff"), make([]byte, 1024)...)
	nul := iw.Tar(iw.File("etc/a", ""))
	// Cut between two entries, where the last block there is looks like an end marker.
	after := func(size int) []byte {
		first := headless(iw.Tar(iw.Dir("etc"), iw.File("etc/a", strings.Repeat("x", size)+string(make([]byte, 1024)))))
		return first
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"nothing":               {nil, "the archive is empty"},
		"text":                  {[]byte(strings.Repeat("hello world\n", 100)), "not a tar archive"},
		"zeros":                 {make([]byte, 10240), "the archive is empty"},
		"cut in a header":       {rootfs[:700], "unexpected EOF"},
		"cut in data":           {rootfs[:20_000], "unexpected EOF"},
		"cut after small zeros": {after(1024), "no end marker"},
		"cut after large zeros": {after(1 << 20), "no end marker"},
		"cut after one zero":    {after(1<<20 + 1 - 1024), "no end marker"},
		"without an end marker": {headless(rootfs), "head -c 1024 /dev/zero"},
		"image cut in a layer":  {good[:50_000], "cut off"},
		"gzip cut":              {iw.Compress("gzip", rootfs)[:200], "unexpected EOF"},
		"zstd cut":              {iw.Compress("zstd", rootfs)[:40], "unexpected EOF"},
		"gzip header only":      {[]byte{0x1f, 0x8b, 8}, "gzip"},
		"gzip of nothing":       {iw.Compress("gzip", nil), "the archive is empty"},
		"gzip of gzip":          {iw.Compress("gzip", iw.Compress("gzip", rootfs)), "not a tar archive"},
		"negative size":         {negative, "invalid tar header"},
		"negative size, binary": {binary, "invalid tar header"},
		"8 EB size":             {huge, "--max-size"},
		"NUL in a PAX name":     {bytes.Replace(pax("etc/QQQQ"), []byte("QQQQ"), []byte("a\x00bc"), 1), "invalid tar header"},
		"header checksum":       {bytes.Replace(nul, []byte("etc/a"), []byte("etc/b"), 1), "invalid tar header"},
	} {
		t.Run(name, func(t *testing.T) {
			where := t.TempDir()
			guard := newCanaries(t, where)
			err := importAt(t, where, c.raw)
			guard.check(t)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// pax is a tar whose one name is in a PAX record.
func pax(name string) []byte {
	return iw.Tar(iw.File(name+"é", ""))
}

// TestDocuments: images whose documents do not fit together, loop, or are bombs.
func TestDocuments(t *testing.T) {
	l := iw.Tar(iw.File("bin/app", "app"))
	oci := func(change func(iw.Files)) []byte {
		f := image(l).OCI()
		change(f)
		return f.Tar()
	}
	save := func(change func(iw.Files)) []byte {
		f := image(l).DockerSave()
		change(f)
		return f.Tar()
	}
	index := func(f iw.Files, manifests ...any) {
		f["index.json"] = iw.JSON(map[string]any{"schemaVersion": 2, "manifests": manifests})
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"layer with other bytes": {oci(func(f iw.Files) { flip(f, l) }), "digest is"},
		"layer with other size":  {oci(func(f iw.Files) { f["blobs/sha256/"+iw.Digest(l)[7:]] = l[:len(l)-512] }), "size is"},
		"layer missing":          {oci(func(f iw.Files) { delete(f, "blobs/sha256/"+iw.Digest(l)[7:]) }), "layer 1 of 1"},
		"config with other bytes": {oci(func(f iw.Files) {
			n := "blobs/sha256/" + iw.Digest(image(l).ConfigJSON())[7:]
			f[n] = bytes.Replace(f[n], []byte("/bin/app"), []byte("/bin/apq"), 1)
		}), "digest is"},
		"docker config with other bytes": {save(func(f iw.Files) {
			n := iw.Digest(image(l).ConfigJSON())[7:] + ".json"
			f[n] = append(f[n], ' ')
		}), "digest is"},
		"docker layer with other bytes": {save(func(f iw.Files) {
			for n := range f {
				if strings.HasSuffix(n, "layer.tar") {
					f[n] = iw.Tar(iw.File("bin/app", "bad"))
				}
			}
		}), "DiffID is"},
		"fewer DiffIDs":          {image2(map[string]any{"rootfs": map[string]any{"type": "layers", "diff_ids": []string{}}}, l), "the config names 0 layers"},
		"bad DiffID":             {image2(map[string]any{"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:../../../etc/passwd"}}}, l), "not a sha256 digest"},
		"for windows":            {image2(map[string]any{"os": "windows"}, l), "operating system"},
		"digest as path":         {oci(func(f iw.Files) { index(f, map[string]any{"digest": "sha256:../../../../etc/passwd", "size": 3}) }), "not a sha256 digest"},
		"other digest algorithm": {oci(func(f iw.Files) { index(f, map[string]any{"digest": "sha512:" + strings.Repeat("a", 128), "size": 3}) }), "not a sha256 digest"},
		"manifest missing":       {oci(func(f iw.Files) { index(f, map[string]any{"digest": "sha256:" + strings.Repeat("a", 64), "size": 3}) }), "not in the image"},
		"no manifests":           {oci(func(f iw.Files) { index(f) }), "no image in it"},
		"nested too deep": {oci(func(f iw.Files) {
			d := image(l).Manifest(f)
			for range 20 {
				d = f.Blob("x", iw.JSON(map[string]any{"manifests": []any{d}}))
			}
			index(f, d)
		}), "nested more than"},
		"index and manifest at once": {oci(func(f iw.Files) {
			index(f, f.Blob("x", iw.JSON(map[string]any{"manifests": []any{}, "layers": []any{}, "config": map[string]any{"digest": "x"}})))
		}), "at once"},
		"too many manifests": {oci(func(f iw.Files) {
			d := image(l).Manifest(f)
			var all []any
			for range 3000 {
				all = append(all, d)
			}
			index(f, all...)
		}), "more than"},
		"JSON nested":   {oci(func(f iw.Files) { f["index.json"] = []byte(strings.Repeat("[", 1<<20)) }), "nested"},
		"JSON elements": {oci(func(f iw.Files) { f["index.json"] = []byte("[" + strings.Repeat("{},", 1<<20) + "{}]") }), "elements"},
		"JSON large":    {oci(func(f iw.Files) { f["index.json"] = []byte(`"` + strings.Repeat("x", 5<<20) + `"`) }), "more than"},
		"JSON cut":      {oci(func(f iw.Files) { f["index.json"] = []byte(`{"manifests":[`) }), "unexpected end"},
		"no JSON":       {save(func(f iw.Files) { f["manifest.json"] = []byte("<html>") }), "manifest.json"},
		"layer name up": {save(func(f iw.Files) {
			var m []map[string]any
			if err := json.Unmarshal(f["manifest.json"], &m); err != nil {
				t.Fatal(err)
			}
			m[0]["Layers"] = []string{"../../../../etc/passwd"}
			f["manifest.json"] = iw.JSON(m)
		}), "not exist"},
		"layer links in a circle": {save(func(f iw.Files) {
			for n := range f {
				if strings.HasSuffix(n, "layer.tar") {
					f[n] = []byte("-> layer.tar")
				}
			}
		}), "too many links"},
		"legacy parent loop": {legacyLoop(l), "its own ancestor"},
		"several images":     {oci(func(f iw.Files) { several(f, l) }), "docker.io/library/odd:1"},
	} {
		t.Run(name, func(t *testing.T) {
			where := t.TempDir()
			guard := newCanaries(t, where)
			err := importAt(t, where, c.raw)
			guard.check(t)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func image2(extra map[string]any, l []byte) []byte {
	i := image(l)
	i.Extra = extra
	return i.OCI().Tar()
}

func flip(f iw.Files, l []byte) {
	f["blobs/sha256/"+iw.Digest(l)[7:]] = bytes.Replace(l, []byte("app"), []byte("apq"), 1)
}

func several(f iw.Files, l []byte) {
	other := image(l, iw.Tar(iw.File("x", "")))
	d := other.Manifest(f)
	d["annotations"] = map[string]any{"io.containerd.image.name": "docker.io/library/other:2"}
	var doc map[string]any
	if err := json.Unmarshal(f["index.json"], &doc); err != nil {
		panic(err)
	}
	doc["manifests"] = append(doc["manifests"].([]any), d)
	f["index.json"] = iw.JSON(doc)
}

func legacyLoop(l []byte) []byte {
	f := image(l).Legacy()
	for n := range f {
		if id, ok := strings.CutSuffix(n, "/json"); ok {
			f[n] = iw.JSON(map[string]any{"id": id, "parent": id})
		}
	}
	return f.Tar()
}

// TestLimits: bombs end at the limits, and say by which option.
func TestLimits(t *testing.T) {
	var many []iw.Entry
	for i := range 200 {
		many = append(many, iw.File(fmt.Sprintf("f%d", i), ""))
	}
	for name, c := range map[string]struct {
		o    bundle.Options
		raw  []byte
		want string
	}{
		"files":                 {bundle.Options{MaxSize: 1 << 30, MaxFiles: 100}, oneLayer(many...), "--max-files"},
		"bytes":                 {bundle.Options{MaxSize: 1000, MaxFiles: 10000}, oneLayer(iw.File("a", strings.Repeat("x", 600)), iw.File("b", strings.Repeat("x", 600))), "--max-size"},
		"rootfs tar":            {bundle.Options{MaxSize: 1 << 30, MaxFiles: 100}, iw.Tar(append([]iw.Entry{iw.Dir("etc")}, many...)...), "--max-files"},
		"padding after the end": {bundle.Options{MaxSize: 1000, MaxFiles: 10}, iw.Compress("gzip", append(iw.Tar(iw.File("etc/a", "")), make([]byte, 1<<20)...)), "--max-size"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := imported(t, c.raw, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
