package importtest

import (
	"archive/tar"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gspawn/gspawn-oci/bundle"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
	"github.com/gspawn/gspawn-oci/tests/import/treelist"
)

// nobody is a user without privileges.
const nobody = 65534

// TestRootless: an ordinary user imports what a user may, in a tree that is otherwise the same, and is told what was left out.
func TestRootless(t *testing.T) {
	if dir := os.Getenv("IMPORT_AS_USER"); dir != "" {
		r, err := importInto(t, bundle.Options{Source: dir + "/source", Dest: dir + "/box"})
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := json.Marshal(r)
		if err := os.WriteFile(dir+"/report", raw, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	needRoot(t)
	dir := open(t)
	shut := iw.Tar(iw.Entry{Name: "shut", Type: tar.TypeDir, Mode: 0o555}, iw.File("shut/a", "1"), iw.Entry{Name: "none", Type: tar.TypeDir, Mode: 0o1},
		iw.File("none/b", "2"), iw.Entry{Name: "ro", Data: "3", Mode: 0o444, PAX: map[string]string{"SCHILY.xattr.user.x": "1"}},
		iw.Entry{Name: "null", Type: tar.TypeChar, Major: 1, Minor: 3}, iw.Entry{Name: "web", Uid: 1000, Gid: 1000}, iw.Entry{Name: "su", Mode: 0o4755})
	later := iw.Tar(iw.File("shut/c", "4"), iw.File("none/.wh.b", ""))
	i := image(shut, later)
	if err := os.WriteFile(dir+"/source", i.OCI().Tar(), 0o644); err != nil {
		t.Fatal(err)
	}
	asUser(t, dir)
	raw, err := os.ReadFile(dir + "/report")
	if err != nil {
		t.Fatal(err)
	}
	var r bundle.Report
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	notices := strings.Join(r.Notices, "\n")
	for _, want := range []string{`owner could not be set: "/web"`, `device node was left out, making one is not permitted: "/null"`} {
		if !strings.Contains(notices, want) {
			t.Errorf("notices are %q, want %q", notices, want)
		}
	}
	_, asRoot := imageTree(t, i)
	o := treelist.Options{NoOwner: true}
	var want []string
	for _, l := range asRoot {
		if f := strings.Fields(l); f[0] != `"null"` && f[0] != `"."` {
			f[2] = ""
			want = append(want, strings.Join(f, " "))
		}
	}
	var got []string
	for _, l := range list(t, dir+"/box/rootfs", o) {
		if f := strings.Fields(l); f[0] != `"."` {
			got = append(got, strings.Join(append([]string{f[0], f[1], ""}, f[2:]...), " "))
		}
	}
	if d := treelist.Diff(want, got, 10); d != nil {
		t.Errorf("- is root's, + the user's:\n%s", strings.Join(d, "\n"))
	}
	s := readSpec(t, dir+"/box")
	if len(s.Linux.UIDMappings) != 1 || s.Linux.UIDMappings[0].HostID != nobody {
		t.Errorf("uidMappings are %v", s.Linux.UIDMappings)
	}
	if st, err := os.Stat(dir + "/box"); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the bundle is open to others: %v, %v", st.Mode(), err)
	}
}

// open makes a directory that the user owns and can get to.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gspawn-user-") //nolint:usetesting // above t.TempDir only root may pass
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	return dir
}

// asUser runs this test again as the user.
func asUser(t *testing.T, dir string) {
	t.Helper()
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "test")
	if err := os.WriteFile(bin, self, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-test.run=^"+t.Name()+"$")
	cmd.Dir = dir
	cmd.Env = []string{"IMPORT_AS_USER=" + dir, "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("as the user: %v\n%s", err, out)
	}
}

// TestIntoMachines: the tree goes where machined finds it, the bundle beside it, out of its sight.
func TestIntoMachines(t *testing.T) {
	machines := t.TempDir() + "/machines"
	source := filepath.Join(t.TempDir(), "source")
	if err := os.WriteFile(source, iw.Tar(iw.Dir("usr"), iw.Entry{Name: "bin/sh", Mode: 0o755}), 0o644); err != nil {
		t.Fatal(err)
	}
	o := bundle.Options{Source: source, MachinesDir: machines, Spec: bundle.SpecOptions{Machine: "box"}}
	r, err := importInto(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rootfs != machines+"/box" || r.Bundle != machines+"/.box.bundle" || readSpec(t, r.Bundle).Root.Path != machines+"/box" {
		t.Errorf("rootfs %s, bundle %s", r.Rootfs, r.Bundle)
	}
	if _, err := os.Stat(machines + "/box/bin/sh"); err != nil {
		t.Error(err)
	}
	if _, err := importInto(t, o); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Errorf("again: %v", err)
	}
	o.Force = true
	if _, err := importInto(t, o); err != nil {
		t.Errorf("with force: %v", err)
	}
	hidden(t, machines, 0)
	if st, err := os.Stat(machines); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the directory for machines: %v, %v", st, err)
	}
	// The bundle cannot be put in place: the tree is not either, nor replaced.
	if err := os.WriteFile(machines+"/box/usr/mine", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, machine := range []string{"box", "fresh"} {
		o.Spec.Machine, o.Dest = machine, filepath.Join(t.TempDir(), "bundle")
		o.OnEvent = func(e bundle.Event) {
			if err := os.MkdirAll(o.Dest, 0o755); err != nil {
				t.Error(err)
			}
		}
		if _, err := importInto(t, o); err == nil || !strings.Contains(err.Error(), "somebody else") {
			t.Errorf("%s: error %v", machine, err)
		}
	}
	if _, err := os.Stat(machines + "/box/usr/mine"); err != nil {
		t.Errorf("a failed import replaced the tree: %v", err)
	}
	if _, err := os.Stat(machines + "/fresh"); err == nil {
		t.Error("a failed import left its tree")
	}
	hidden(t, machines, 0)
}
