package imagewriter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Image is what is to be written.
type Image struct {
	Layers   [][]byte       // tars, lowest first
	Compress []string       // of each layer in an OCI layout; the last one counts for the rest
	Stored   map[int][]byte // layers that are stored in an OCI layout as given here, by index
	Config   map[string]any // the "config" of the image configuration
	Arch     string         // "amd64" when empty
	Tags     []string       // "name:tag"
	Honest   bool           // media types say the layers' compression; otherwise all claim gzip, as skopeo has written them
	Extra    map[string]any // more members of the image configuration
}

// Files are the files of a layout by name.
type Files map[string][]byte

func (i *Image) arch() string {
	if i.Arch == "" {
		return "amd64"
	}
	return i.Arch
}

// ConfigJSON is the image's configuration.
func (i *Image) ConfigJSON() []byte {
	ids := []string{}
	for _, l := range i.Layers {
		ids = append(ids, Digest(l))
	}
	c := map[string]any{"architecture": i.arch(), "os": "linux", "created": "2023-11-14T22:13:20Z", "config": i.Config,
		"rootfs": map[string]any{"type": "layers", "diff_ids": ids}}
	for k, v := range i.Extra {
		c[k] = v
	}
	return JSON(c)
}

// JSON encodes, with sorted keys.
func JSON(v any) []byte {
	raw, err := json.Marshal(v)
	must(err)
	return raw
}

// DockerSave is the layout of docker save up to 24: a directory a layer, the documents last.
func (i *Image) DockerSave() Files {
	f := Files{}
	config := i.ConfigJSON()
	name := Digest(config)[7:] + ".json"
	f[name] = config
	var layers []string
	parent := ""
	for n, l := range i.Layers {
		id := Digest(append([]byte{byte(n)}, l...))[7:]
		f[id+"/VERSION"] = []byte("1.0")
		doc := map[string]any{"id": id, "os": "linux"}
		if parent != "" {
			doc["parent"] = parent
		}
		f[id+"/json"] = JSON(doc)
		f[id+"/layer.tar"] = l
		layers = append(layers, id+"/layer.tar")
		parent = id
	}
	f["manifest.json"] = JSON([]any{map[string]any{"Config": name, "RepoTags": i.Tags, "Layers": layers}})
	f["repositories"] = repositories(i.Tags, parent)
	return f
}

// Legacy is the layout before docker 1.10: no manifest.json, the configuration in the top layer's json.
func (i *Image) Legacy() Files {
	f := i.DockerSave()
	var top string
	for _, tags := range decodeRepositories(f["repositories"]) {
		for _, id := range tags {
			top = id
		}
	}
	for name := range f {
		if strings.HasSuffix(name, ".json") {
			delete(f, name)
		}
	}
	var doc map[string]any
	must(json.Unmarshal(f[top+"/json"], &doc))
	doc["config"], doc["architecture"] = i.Config, i.arch()
	f[top+"/json"] = JSON(doc)
	return f
}

func repositories(tags []string, id string) []byte {
	repos := map[string]map[string]string{}
	for _, t := range tags {
		name, tag, _ := strings.Cut(t, ":")
		if repos[name] == nil {
			repos[name] = map[string]string{}
		}
		repos[name][tag] = id
	}
	return JSON(repos)
}

func decodeRepositories(raw []byte) (repos map[string]map[string]string) {
	must(json.Unmarshal(raw, &repos))
	return repos
}

// Podman is podman's docker-archive: layers at the top under their digests, links to them as docker's names.
func (i *Image) Podman() Files {
	f := Files{}
	config := i.ConfigJSON()
	name := Digest(config)[7:] + ".json"
	f[name] = config
	var layers []string
	for n, l := range i.Layers {
		blob := Digest(l)[7:] + ".tar"
		f[blob] = l
		id := Digest(append([]byte{byte(n)}, l...))[7:]
		f[id+"/layer.tar"] = []byte("-> ../" + blob)
		layers = append(layers, blob)
	}
	f["manifest.json"] = JSON([]any{map[string]any{"Config": name, "RepoTags": i.Tags, "Layers": layers}})
	return f
}

// OCI is an OCI layout.
func (i *Image) OCI() Files {
	f := Files{"oci-layout": []byte(`{"imageLayoutVersion":"1.0.0"}`)}
	d := i.Manifest(f)
	var index []any
	for _, t := range append([]string(nil), i.Tags...) {
		e := clone(d)
		_, tag, _ := strings.Cut(t, ":")
		e["annotations"] = map[string]any{"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": "docker.io/library/" + t}
		index = append(index, e)
	}
	if index == nil {
		index = []any{d}
	}
	f["index.json"] = JSON(map[string]any{"schemaVersion": 2, "manifests": index})
	return f
}

// Manifest adds the image's blobs to a layout and gives the descriptor of its manifest.
func (i *Image) Manifest(f Files) map[string]any {
	layers := []any{}
	for n, l := range i.Layers {
		how := ""
		if len(i.Compress) > 0 {
			how = i.Compress[min(n, len(i.Compress)-1)]
		}
		blob, ok := i.Stored[n]
		if !ok {
			blob = Compress(how, l)
		}
		mediaType := "application/vnd.oci.image.layer.v1.tar+gzip"
		if i.Honest {
			mediaType = strings.TrimSuffix("application/vnd.oci.image.layer.v1.tar+"+how, "+")
		}
		layers = append(layers, f.Blob(mediaType, blob))
	}
	m := map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": f.Blob("application/vnd.oci.image.config.v1+json", i.ConfigJSON()), "layers": layers}
	return f.Blob("application/vnd.oci.image.manifest.v1+json", JSON(m))
}

// Blob adds a blob and gives its descriptor.
func (f Files) Blob(mediaType string, raw []byte) map[string]any {
	d := Digest(raw)
	f["blobs/sha256/"+d[7:]] = raw
	return map[string]any{"mediaType": mediaType, "digest": d, "size": len(raw)}
}

// Docker25 is what docker save writes since version 25: an OCI layout and manifest.json.
func (i *Image) Docker25() Files {
	plain := *i
	plain.Compress = nil
	f := plain.OCI()
	config := Digest(i.ConfigJSON())[7:]
	layers := []string{}
	for _, l := range i.Layers {
		layers = append(layers, "blobs/sha256/"+Digest(l)[7:])
	}
	f["manifest.json"] = JSON([]any{map[string]any{"Config": "blobs/sha256/" + config, "RepoTags": i.Tags, "Layers": layers}})
	f["repositories"] = repositories(i.Tags, Digest(i.Layers[len(i.Layers)-1])[7:])
	return f
}

func clone(m map[string]any) map[string]any {
	c := map[string]any{}
	for k, v := range m {
		c[k] = v
	}
	return c
}

// Names lists the files in order.
func (f Files) Names() []string {
	names := make([]string, 0, len(f))
	for n := range f {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Tar packs the files, in the order of their names. Contents that begin with "-> " become symbolic links.
func (f Files) Tar() []byte {
	var entries []Entry
	for _, n := range f.Names() {
		if to, ok := strings.CutPrefix(string(f[n]), "-> "); ok {
			entries = append(entries, Symlink(n, to))
			continue
		}
		entries = append(entries, File(n, string(f[n])))
	}
	return Tar(entries...)
}

// Write puts the files into a directory.
func (f Files) Write(dir string) {
	for n, raw := range f {
		p := filepath.Join(dir, n)
		must(os.MkdirAll(filepath.Dir(p), 0o755))
		must(os.WriteFile(p, raw, 0o644))
	}
}
