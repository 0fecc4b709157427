package bundle

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/gspawn/gspawn-oci/bundle/archive"
)

// errDirForm is about what "skopeo copy … dir:PATH" makes.
var errDirForm = errors.New(`it is a directory of skopeo's "dir:" form, which import does not read; ` +
	`convert it with: skopeo copy dir:PATH oci:LAYOUT:latest`)

// errLateImage is about an image that began like a root file system, and was read once.
var errLateImage = errors.New("it is an image, and does not begin like one: it can be imported from an uncompressed file only, " +
	"not from standard input nor as a compressed one")

// enoughDocument is what the documents of an image may have, as package image has it.
const enoughDocument = 4 << 20

// isObject says whether a manifest.json is another's: docker's is a list.
func isObject(raw []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) }

// documented says whether a manifest is what it is called: any application may have a file of that name at its top.
func documented(s archive.Store) (bool, error) {
	if raw, err := archive.ReadAll(s, "index.json", enoughDocument); err == nil && archive.Has(s, "oci-layout") &&
		bytes.Contains(raw, []byte(`"manifests"`)) {
		return true, nil
	}
	raw, err := archive.ReadAll(s, "manifest.json", enoughDocument)
	if err != nil {
		return false, nil //nolint:nilerr // without one it is no image
	}
	if version, err := archive.ReadAll(s, "version", 1000); err == nil && isObject(raw) &&
		bytes.HasPrefix(version, []byte("Directory Transport Version")) {
		return false, errDirForm
	}
	return !isObject(raw) && bytes.Contains(raw, []byte(`"Layers"`)), nil
}

// notAnImage refuses a tree that was unpacked as a root file system and turns out to be an image: its layers are files in it, and
// nobody has verified them.
func (w *work) notAnImage() error {
	at := "/proc/self/fd/" + strconv.Itoa(w.fd)
	if tree(at) {
		return nil
	}
	s, err := archive.OpenDir(at)
	if err != nil {
		return err
	}
	defer s.Close()
	if image, err := documented(s); err != nil || !image {
		return nil // an odd root file system is one
	}
	return errLateImage
}

// tree says whether a directory has what a system has at its top.
func tree(path string) bool { return exists(path+"/usr") || exists(path+"/etc") || exists(path+"/bin") }
