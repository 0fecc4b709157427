package importtest

import (
	"os"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/bundle"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
	"github.com/gspawn/gspawn-oci/tests/import/treelist"
)

// TestOddNames: an image is one whatever its blobs are called and whichever comes first; where that shows too late it is
// refused, never taken for a root file system. What only has a file of such a name is no image.
func TestOddNames(t *testing.T) {
	needRoot(t)
	i := image(iw.Tar(iw.Dir("./"), iw.Dir("opt"), iw.File("opt/app", "1")))
	_, want := imageTree(t, i)
	layer := iw.Compress("gzip", i.Layers[0])
	saved := func(blob string) []iw.Entry {
		return []iw.Entry{iw.File(blob, string(layer)), iw.File("config.json", string(i.ConfigJSON())),
			iw.File("manifest.json", string(iw.JSON([]any{map[string]any{"Config": "config.json", "RepoTags": i.Tags, "Layers": []string{blob}}})))}
	}
	jib := strings.Repeat("ab", 32) + ".tar.gz"
	directory := append([]iw.Entry{iw.Dir("layers")}, saved("layers/1.tar.gz")...)
	app := []iw.Entry{iw.File("manifest.json", `{"name": "a web application"}`), {Name: "serve", Mode: 0o755}}
	for name, c := range map[string]struct {
		entries []iw.Entry
		how     string
		way     string
		fails   string
		rootfs  bool
	}{
		"jib, file":                    {entries: saved(jib), way: "file"},
		"jib, pipe":                    {entries: saved(jib), way: "pipe"},
		"jib, gzip":                    {entries: saved(jib), how: "gzip", way: "file"},
		"any name, file":               {entries: saved("l1.tar.gz"), way: "file"},
		"any name, pipe":               {entries: saved("l1.tar.gz"), way: "pipe"},
		"directory first, file":        {entries: directory, way: "file"},
		"directory first, pipe":        {entries: directory, way: "pipe", fails: "it is an image"},
		"directory first, gzip":        {entries: directory, how: "gzip", way: "file", fails: "it is an image"},
		"application's file, file":     {entries: app, way: "file", rootfs: true},
		"application's file, pipe":     {entries: app, way: "pipe", rootfs: true},
		"system with such files":       {entries: append(saved("l1.tar.gz"), iw.Dir("usr")), way: "file", rootfs: true},
		"system with such files, pipe": {entries: append(saved("l1.tar.gz"), iw.Dir("usr")), way: "pipe", rootfs: true},
	} {
		t.Run(name, func(t *testing.T) {
			r, dest, err := tryWay(t, iw.Compress(c.how, iw.Tar(c.entries...)), c.way, bundle.Options{Spec: bundle.SpecOptions{Command: []string{"/x"}}})
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("error %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Source == "rootfs-tar"; got != c.rootfs {
				t.Fatalf("it was taken for a %s", r.Source)
			}
			if d := treelist.Diff(want, list(t, dest+"/rootfs", treelist.Options{}), 10); d != nil && !c.rootfs {
				t.Errorf("the tree is another one:\n%s", strings.Join(d, "\n"))
			}
		})
	}
}

// TestEscapeSequences: whatever an image's author wrote, a message has nothing in it that a terminal obeys.
func TestEscapeSequences(t *testing.T) {
	const evil = "\x1b]0;pwn\x07"
	l := iw.Tar(iw.File("bin/app", ""))
	saved := func(config string, arch string, layers ...string) []byte {
		i := image(l)
		i.Arch = arch
		f := iw.Files{config: i.ConfigJSON(), "l": l}
		var all []any
		for _, tag := range []string{"a:1", "b" + evil + ":2"} {
			all = append(all, map[string]any{"Config": config, "RepoTags": []string{tag}, "Layers": layers})
			f[config+"2"] = f[config]
			config += "2"
		}
		f["manifest.json"] = iw.JSON(all)
		return append(headless(iw.Tar(iw.File("repositories", "{}"))), f.Tar()...)
	}
	legacy := append(headless(iw.Tar(iw.Dir(strings.Repeat("a", 64)))), iw.Tar(iw.File("repositories", string(iw.JSON(map[string]any{"x" + evil: map[string]string{"1": "y" + evil}}))))...)
	index := image(l).OCI()
	d := image(l).Manifest(index)
	d["platform"] = map[string]any{"os": "linux", "architecture": evil}
	index["index.json"] = iw.JSON(map[string]any{"manifests": []any{d, d}})
	odd := iw.Entry{Name: "x" + evil, PAX: map[string]string{"SCHILY.acl.access": evil, "SCHILY.xattr.user.overlay." + evil: "1", "SCHILY.xattr.bad" + evil: "1"}}
	for name, c := range map[string]struct {
		raw []byte
		ref string
		ok  bool
	}{
		"choice":          {raw: saved("c", "amd64", "l")},
		"wrong choice":    {raw: saved("c", "amd64", "l"), ref: "z"},
		"config missing":  {raw: saved("c", "amd64", "l"), ref: "q" + evil},
		"layer missing":   {raw: saved("c", "amd64", "l"+evil), ref: "a:1"},
		"another machine": {raw: saved("c", evil, "l"), ref: "a:1", ok: true},
		"platforms":       {raw: index.Tar()},
		"legacy":          {raw: legacy},
		"entry":           {raw: layers(iw.Tar(iw.Hardlink("h"+evil, "no"+evil)))},
		"entry's notices": {raw: layers(iw.Tar(odd)), ok: true},
		"directory":       {raw: iw.Tar(iw.Dir("d"+evil), iw.Dir("d"+evil+"/usr"), iw.Entry{Name: "d" + evil + "/bin/sh", Mode: 0o755}), ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			_, r, err := imported(t, c.raw, bundle.Options{Ref: c.ref})
			if (err == nil) != c.ok {
				t.Fatalf("error %v", err)
			}
			said := ""
			if err != nil {
				said = err.Error()
			} else {
				said = strings.Join(r.Notices, "\n")
			}
			if said == "" || strings.ContainsAny(said, "\x1b\x07") {
				t.Errorf("it says %q", said)
			}
		})
	}
}

// TestDirForm: what skopeo's "dir:" writes is told from a system's tree and from docker's archives.
func TestDirForm(t *testing.T) {
	dir := t.TempDir()
	iw.Files{"version": []byte("Directory Transport Version: 1.1\n"), "manifest.json": []byte(`{"schemaVersion":2,"layers":[]}`)}.Write(dir + "/d")
	for _, source := range []string{dir + "/d", "dir:" + dir + "/d"} {
		_, err := importInto(t, bundle.Options{Source: source, Dest: dir + "/box"})
		if err == nil || !strings.Contains(err.Error(), "skopeo copy dir:") {
			t.Errorf("%s: error %v", source, err)
		}
	}
	if _, err := os.Stat(dir + "/box"); err == nil {
		t.Error("the destination was made")
	}
}
