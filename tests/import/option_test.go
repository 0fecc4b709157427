package importtest

import (
	"archive/tar"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/bundle"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// option is a row: what was given, what config.json has then, and what a container shows.
type option struct {
	name   string
	args   []string // of import, before source and destination
	run    string   // a shell script in the container; "" runs nothing
	want   []string // in its output
	config []string // in config.json, white space left out
	lacks  []string // not in config.json
	fails  bool     // the container ends with an error
	refuse string   // in import's error; nothing is run
	notice string   // in what import says
	files  map[string]string
}

// mergedTree is a tree with a merged /usr, for applications: busybox and a file to look for.
func mergedTree(t *testing.T) string {
	t.Helper()
	tree := filepath.Join(t.TempDir(), "tree")
	unpack(t, tree, iw.Tar(iw.Dir("usr"), iw.Dir("usr/bin"), iw.Entry{Name: "usr/bin/busybox", Data: busybox(t), Mode: 0o755},
		iw.Symlink("usr/bin/sh", "busybox"), iw.Symlink("bin", "usr/bin"), iw.Dir("etc"), iw.File("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/:\n"),
		iw.File("etc/group", "web:x:1000:\n"), iw.Dir("proc"), iw.Dir("sys"), iw.Dir("dev"), iw.Dir("run"), iw.Dir("var"), iw.File("var/data", "old\n"), iw.Dir("tmp")))
	return tree
}

// importCLI runs the command; the tree must be as before whatever the container does.
func importCLI(t *testing.T, bin string, o *option, tree string) (dest, said string, err error) {
	t.Helper()
	dest = filepath.Join(t.TempDir(), "box")
	args := append([]string{"import", "--no-sync"}, o.args...)
	dir := t.TempDir()
	for name, text := range o.files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	args = append(args, tree, dest)
	if o.run != "" {
		args = append(args, "--", "/bin/sh", "-c", "PATH=/bin:/usr/bin; alias cat='busybox cat'; "+o.run)
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return dest, string(out), err
}

func TestOptions(t *testing.T) {
	needRoot(t)
	bin, err := ours()
	if err != nil {
		t.Skip(err)
	}
	for _, o := range options {
		t.Run(o.name, func(t *testing.T) {
			dest, said, err := importCLI(t, bin, &o, mergedTree(t))
			if o.refuse != "" {
				if err == nil || !strings.Contains(said, o.refuse) {
					t.Fatalf("import: %v: %s; want it refused with %q", err, said, o.refuse)
				}
				return
			}
			if err != nil {
				t.Fatalf("import: %v: %s", err, said)
			}
			if !strings.Contains(said, o.notice) {
				t.Errorf("import said %q, want %q", said, o.notice)
			}
			raw, err := os.ReadFile(dest + "/config.json")
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.NewReplacer(" ", "", "\t", "", "\n", "").Replace(string(raw))
			for _, want := range o.config {
				if !strings.Contains(plain, want) {
					t.Errorf("config.json has no %s:\n%s", want, raw)
				}
			}
			for _, no := range o.lacks {
				if strings.Contains(plain, no) {
					t.Errorf("config.json has %s:\n%s", no, raw)
				}
			}
			if o.run == "" {
				return
			}
			out := runOption(t, bin, dest, o.fails)
			for _, want := range o.want {
				if !strings.Contains(out, want) {
					t.Errorf("the container wrote %q, want %q", out, want)
				}
			}
		})
	}
}

// runOption is runBundle for a container that may fail.
func runOption(t *testing.T, bin, dest string, fails bool) string {
	t.Helper()
	if !fails {
		return runBundle(t, bin, dest)
	}
	counter++
	id := fmt.Sprintf("import-%d-%d", os.Getpid(), counter)
	containerize(t, dest, id)
	out, _ := exec.CommandContext(t.Context(), bin, "--root", t.TempDir(), "run", "-b", dest, id).CombinedOutput()
	return string(out)
}

// TestVolumesKeepTheirOwner: --volumes=tmpfs mounts what the image's user can write to.
func TestVolumesKeepTheirOwner(t *testing.T) {
	needRoot(t)
	bin, err := ours()
	if err != nil {
		t.Skip(err)
	}
	for _, users := range []*profile.UserRange{nil, {Base: 300000, Count: 65536}} {
		i := &iw.Image{Layers: [][]byte{iw.Tar(append(bootable(t), iw.Entry{Name: "data", Type: tar.TypeDir, Mode: 0o750, Uid: 1000, Gid: 1000})...)}, Tags: []string{"box:1"},
			Config: map[string]any{"Cmd": []string{"/bin/sh", "-c", "/bin/busybox touch /data/x && /bin/busybox stat -c %a:%u:%g /data"}, "User": "web", "Volumes": map[string]any{"/data": map[string]any{}}}}
		dest, _, err := imported(t, i.OCI().Tar(), bundle.Options{Spec: bundle.SpecOptions{TmpfsVolumes: true, PrivateUsers: users}})
		if err != nil {
			t.Fatal(err)
		}
		if out := runBundle(t, bin, dest); !strings.Contains(out, "750:1000:1000") {
			t.Errorf("users %v: it wrote %q", users, out)
		}
	}
}
