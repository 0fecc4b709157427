package importtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// TestTemplates: what `gspawn-oci spec --boot` and `--app` give is valid, and runs once there is a root file system beside
// it; a config.json that is there is not written over.
func TestTemplates(t *testing.T) {
	needRoot(t)
	bin, err := ours()
	if err != nil {
		t.Skip(err)
	}
	for name, want := range map[string]string{"boot": "hello from init", "app": "hello from the shell"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			unpack(t, dir+"/rootfs", iw.Tar(bootable(t)...))
			printed, err := exec.Command(bin, "spec", "--"+name).Output()
			if err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(bin, "spec", "--"+name, "-b", dir).CombinedOutput(); err != nil || len(out) > 0 {
				t.Fatalf("spec --%s -b: %v\n%s", name, err, out)
			}
			written, err := os.ReadFile(filepath.Join(dir, "config.json"))
			if err != nil {
				t.Fatal(err)
			}
			if string(written) != string(printed) {
				t.Errorf("it printed\n%s\nand wrote\n%s", printed, written)
			}
			s := readSpec(t, dir)
			if s.Version != profile.Version {
				t.Errorf("ociVersion %q, import writes %q", s.Version, profile.Version)
			}
			if err := spec.Validate(s); err != nil {
				t.Error(err)
			}
			out, err := exec.Command(bin, "spec", "--"+name, "-b", dir).CombinedOutput()
			if err == nil || !strings.Contains(string(out), "config.json exists") {
				t.Errorf("a second time: %v\n%s", err, out)
			}
			if name == "app" {
				s.Process.Args = append(s.Process.Args, "-c", "echo "+want)
				raw, err := json.Marshal(s)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if out := runBundle(t, bin, dir); !strings.Contains(out, want) {
				t.Errorf("it wrote %q, want %q", out, want)
			}
		})
	}
}

// unpack makes a directory of a tar, by tar.
func unpack(t *testing.T, dir string, raw []byte) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	untar := exec.Command("tar", "-C", dir, "-xf", "-")
	untar.Stdin = strings.NewReader(string(raw))
	if out, err := untar.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
