package importtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gspawn/gspawn-oci/bundle"
	"github.com/gspawn/gspawn-oci/tests/import/imagewriter"
	"github.com/gspawn/gspawn-oci/tests/import/treelist"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: owners and devices are set")
	}
}

func needTool(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("needs %s", name)
	}
}

// importInto imports a source with the default limits.
func importInto(t *testing.T, o bundle.Options) (*bundle.Report, error) {
	t.Helper()
	if o.MaxSize == 0 {
		o.MaxSize, o.MaxFiles, o.MaxRatio = bundle.DefaultMaxSize, bundle.DefaultMaxFiles, bundle.DefaultMaxRatio
	}
	o.NoSync = true
	o.Spec.ForThisHost()
	o.Rootless = os.Geteuid() != 0
	return bundle.Import(context.Background(), o)
}

// imported imports a file's contents and gives the bundle.
func imported(t *testing.T, raw []byte, o bundle.Options) (string, *bundle.Report, error) {
	t.Helper()
	dir := t.TempDir()
	o.Source = filepath.Join(dir, "source")
	if err := os.WriteFile(o.Source, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	o.Dest = filepath.Join(dir, "box")
	r, err := importInto(t, o)
	return o.Dest, r, err
}

// list describes a bundle's tree.
func list(t *testing.T, root string, o treelist.Options) []string {
	t.Helper()
	lines, err := treelist.List(root, o)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func oneLayer(entries ...imagewriter.Entry) []byte {
	return layers(imagewriter.Tar(entries...))
}

// layers is an image archive of some layers that runs /bin/app.
func layers(tars ...[]byte) []byte {
	return image(tars...).DockerSave().Tar()
}

func image(tars ...[]byte) *imagewriter.Image {
	return &imagewriter.Image{Layers: tars, Tags: []string{"odd:1"}, Config: map[string]any{"Cmd": []string{"/bin/app"}}}
}
