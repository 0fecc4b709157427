package importtest

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
	"github.com/gspawn/gspawn-oci/tests/import/treelist"
)

// TestForce: a destination is replaced only when it is a bundle and --force says so, and then at once.
func TestForce(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "source")
	write := func(which string) {
		if err := os.WriteFile(source, oneLayer(iw.File("which", which)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	get := func(dest string, force bool) error {
		_, err := importInto(t, bundle.Options{Source: source, Dest: dest, Force: force})
		return err
	}
	dest := filepath.Join(dir, "box")
	write("1")
	if err := get(dest, false); err != nil {
		t.Fatal(err)
	}
	write("2")
	if err := get(dest, false); err == nil || !strings.Contains(err.Error(), "--force") {
		t.Fatalf("without force: %v", err)
	}
	if got, _ := os.ReadFile(dest + "/rootfs/which"); string(got) != "1" {
		t.Fatalf("the refused import changed the bundle: %q", got)
	}
	if err := get(dest, true); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(dest + "/rootfs/which"); string(got) != "2" {
		t.Fatalf("the bundle was not replaced: %q", got)
	}
	precious := filepath.Join(dir, "precious")
	if err := os.MkdirAll(precious+"/photos", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := get(precious, true); err == nil || !strings.Contains(err.Error(), "no bundle") {
		t.Fatalf("a directory that is no bundle: %v", err)
	}
	if _, err := os.Stat(precious + "/photos"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/empty", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := get(dir+"/empty", true); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	if err := os.Symlink("precious", dir+"/link"); err != nil {
		t.Fatal(err)
	}
	if err := get(dir+"/link", true); err == nil {
		t.Error("a symbolic link was replaced")
	}
	hidden(t, dir, 0)
}

// hidden counts what imports have left in a directory.
func hidden(t *testing.T, dir string, want int) {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(dir, ".*gspawn-import*"))
	if len(found) != want {
		t.Errorf("temporary directories: %q, want %d", found, want)
	}
}

// TestInterrupted: a cancelled import leaves nothing, also when it waits for a pipe.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	raw := iw.Tar(iw.Dir("etc"), iw.File("etc/x", strings.Repeat("x", 10_000)))
	if _, err := w.Write(raw[:5000]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(300*time.Millisecond, func() { cancel(errors.New("stop it")) })
	done := make(chan error, 1)
	go func() {
		_, err := bundle.Import(ctx, bundle.Options{Source: "-", Stdin: r, Dest: dir + "/box", NoSync: true})
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "stop it") {
			t.Errorf("error %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it does not end")
	}
	if _, err := os.Stat(dir + "/box"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the destination is there")
	}
	hidden(t, dir, 0)
}

// TestKilled: what SIGKILL leaves is removed by the next import into the same directory, and what a living import has made is not.
func TestKilled(t *testing.T) {
	if os.Getenv("IMPORT_UNTIL_KILLED") != "" {
		_, err := importInto(t, bundle.Options{Source: "-", Stdin: os.Stdin, Dest: os.Getenv("IMPORT_UNTIL_KILLED")})
		t.Fatal(err)
	}
	dir := t.TempDir()
	start := func(name string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "IMPORT_UNTIL_KILLED="+filepath.Join(dir, name))
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		raw := iw.Tar(iw.Dir("etc"), iw.Dir("etc/deep"), iw.File("etc/x", strings.Repeat("x", 1<<20)))
		if _, err := in.Write(raw[:300_000]); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			if found, _ := filepath.Glob(filepath.Join(dir, "."+name+".gspawn-import*/rootfs/etc/x")); len(found) == 1 {
				return cmd
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatal("the import does not begin")
		return nil
	}
	killed, living := start("killed"), start("living")
	defer func() { _ = living.Process.Kill(); _ = living.Wait() }()
	if err := killed.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // "signal: killed", as it was told
	hidden(t, dir, 2)
	if err := importAt(t, dir, oneLayer(iw.File("x", ""))); err != nil {
		t.Fatal(err)
	}
	hidden(t, dir, 1)
	if found, _ := filepath.Glob(dir + "/.living*/rootfs/etc/x"); len(found) != 1 {
		t.Error("a living import's files were removed")
	}
}

// TestCopy: --copy has everything that the tree has; without it the bundle points to the tree.
func TestCopy(t *testing.T) {
	needRoot(t)
	from, _ := imageTree(t, tricky(true))
	tree := from + "/rootfs"
	hole := filepath.Join(tree, "hole")
	f, err := os.Create(hole)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("end"), 8<<20); err != nil {
		t.Fatal(err)
	}
	f.Close()
	acl := []byte("\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00\xe8\x03\x00\x00\x04\x00\x04\x00\xff\xff\xff\xff\x10\x00\x04\x00\xff\xff\xff\xff\x20\x00\x04\x00\xff\xff\xff\xff")
	if err := unix.Setxattr(hole, "system.posix_acl_access", acl, 0); err != nil {
		t.Logf("no ACLs here: %v", err)
	}
	want := list(t, tree, treelist.Options{})
	dest := filepath.Join(t.TempDir(), "box")
	if _, err := importInto(t, bundle.Options{Source: tree, Dest: dest, Copy: true, Spec: bundle.SpecOptions{Command: []string{"/x"}}}); err != nil {
		t.Fatal(err)
	}
	if d := treelist.Diff(want, list(t, dest+"/rootfs", treelist.Options{}), 10); d != nil {
		t.Errorf("- is the tree's, + the copy's:\n%s", strings.Join(d, "\n"))
	}
	var st unix.Stat_t
	if err := unix.Stat(dest+"/rootfs/hole", &st); err != nil || st.Blocks*512 > 1<<20 {
		t.Errorf("the hole was filled: %d blocks, %v", st.Blocks, err)
	}
	r, err := importInto(t, bundle.Options{Source: tree, Dest: dest, Force: true, Spec: bundle.SpecOptions{Command: []string{"/x"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := readSpec(t, dest).Root.Path; got != tree || r.Rootfs != tree {
		t.Errorf("root.path is %q, want %q", got, tree)
	}
}

// TestPrivateUsers: owners on disk are those of the range, and the bundle lets its root in.
func TestPrivateUsers(t *testing.T) {
	needRoot(t)
	_, want := imageTree(t, tricky(true))
	const base = 0x80000
	o := bundle.Options{}
	o.Spec.PrivateUsers = &profile.UserRange{Base: base, Count: 65536}
	dest, _, err := imported(t, tricky(true).OCI().Tar(), o)
	if err != nil {
		t.Fatal(err)
	}
	if d := treelist.Diff(known(want), known(list(t, dest+"/rootfs", treelist.Options{Shift: base})), 10); d != nil {
		t.Errorf("- is without, + with the range taken off:\n%s", strings.Join(d, "\n"))
	}
	shiftedACLs(t, base)
	s := readSpec(t, dest)
	if len(s.Linux.UIDMappings) != 1 || s.Linux.UIDMappings[0].HostID != base {
		t.Errorf("uidMappings are %v", s.Linux.UIDMappings)
	}
	if st, _ := os.Stat(dest); st.Mode().Perm() != 0o710 || st.Sys().(*syscall.Stat_t).Gid != base {
		t.Errorf("the bundle's directory has mode %v", st.Mode())
	}
}

// shiftedACLs imports a tree with ACLs without a range and with one, from a tar and as a copy: the users and groups that they name
// are those of the range.
func shiftedACLs(t *testing.T, base uint32) {
	t.Helper()
	acl := func(user, group uint32) string {
		b := []byte("\x02\x00\x00\x00\x01\x00\x06\x00\xff\xff\xff\xff\x02\x00\x04\x00UUUU\x04\x00\x04\x00\xff\xff\xff\xff\x08\x00\x04\x00GGGG\x10\x00\x04\x00\xff\xff\xff\xff\x20\x00\x04\x00\xff\xff\xff\xff")
		binary.LittleEndian.PutUint32(b[bytes.Index(b, []byte("UUUU")):], user)
		binary.LittleEndian.PutUint32(b[bytes.Index(b, []byte("GGGG")):], group)
		return string(b)
	}
	access := map[string]string{"SCHILY.xattr.system.posix_acl_access": acl(7, 0)}
	both := map[string]string{"SCHILY.xattr.system.posix_acl_access": acl(7, 0), "SCHILY.acl.default": "user::rw-,user:7:r--,group::r--,group:0:r--,mask::r--,other::r--"}
	raw := oneLayer(iw.Entry{Name: "bin/app", Mode: 0o755}, iw.Entry{Name: "file", PAX: access}, iw.Entry{Name: "dir", Type: tar.TypeDir, PAX: both})
	plain, _, err := imported(t, raw, bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := bundle.Options{Spec: bundle.SpecOptions{PrivateUsers: &profile.UserRange{Base: base, Count: 65536}}}
	shifted, _, err := imported(t, raw, o)
	if err != nil {
		t.Fatal(err)
	}
	o.Source, o.Dest, o.Copy = plain+"/rootfs", t.TempDir()+"/box", true
	o.Spec.Command = []string{"/bin/app"}
	if _, err := importInto(t, o); err != nil {
		t.Fatal(err)
	}
	for tree, want := range map[string]string{plain: acl(7, 0), shifted: acl(base+7, base), o.Dest: acl(base+7, base)} {
		for file, attr := range map[string]string{"file": "access", "dir": "access", "dir/": "default"} {
			got := make([]byte, 1000)
			n, err := unix.Lgetxattr(filepath.Join(tree, "rootfs", file), "system.posix_acl_"+attr, got)
			if err != nil || string(got[:max(n, 0)]) != want {
				t.Errorf("%s: %s ACL of %s is %x, %v, want %x", tree, attr, file, got[:max(n, 0)], err, want)
			}
		}
	}
}

// TestBoot: what makes a bundle boot, and what does not.
func TestBoot(t *testing.T) {
	init := iw.Entry{Name: "usr/lib/systemd/systemd", Mode: 0o755, Data: "\x7fELF"}
	link := iw.Symlink("sbin/init", "../usr/lib/systemd/systemd")
	sh := iw.Entry{Name: "bin/sh", Mode: 0o755, Data: "\x7fELF"}
	system := iw.Tar(iw.Dir("etc"), init, link, sh, iw.File("etc/os-release", "ID=x\n"))
	app := iw.Tar(iw.Dir("etc"), sh)
	for name, c := range map[string]struct {
		raw  []byte
		mode nspawn.Mode
		cmd  []string
		boot bool
		args []string
		want string
	}{
		"system, auto":             {raw: system, boot: true, args: []string{"/usr/lib/systemd/systemd"}},
		"system, no":               {raw: system, mode: nspawn.No, args: []string{"/bin/sh"}},
		"system, command":          {raw: system, cmd: []string{"/bin/sh", "-c", "x"}, args: []string{"/bin/sh", "-c", "x"}},
		"system, init as command":  {raw: system, cmd: []string{"/sbin/init", "3"}, boot: true, args: []string{"/sbin/init", "3"}},
		"app, auto":                {raw: app, args: []string{"/bin/sh"}},
		"app, yes":                 {raw: app, mode: nspawn.Yes, want: "/sbin/init"},
		"system, yes, app command": {raw: system, mode: nspawn.Yes, cmd: []string{"/bin/sh"}, want: "no init"},
		"image with a command":     {raw: layers(system), args: []string{"/bin/app"}},
		"image, yes":               {raw: layers(system), mode: nspawn.Yes, boot: true, args: []string{"/usr/lib/systemd/systemd"}},
		"nothing to run":           {raw: iw.Tar(iw.Dir("etc")), want: "command after --"},
	} {
		t.Run(name, func(t *testing.T) {
			dest, r, err := imported(t, c.raw, bundle.Options{Spec: bundle.SpecOptions{Boot: c.mode, Command: c.cmd}})
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Fatalf("error %v, want one with %q", err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s := readSpec(t, dest)
			if r.Boot != c.boot || !slices.Equal(s.Process.Args, c.args) {
				t.Errorf("boot %v, args %q", r.Boot, s.Process.Args)
			}
			if got := s.Annotations["io.gspawn.boot"] == "yes"; got != c.boot {
				t.Errorf("annotations are %v", s.Annotations)
			}
		})
	}
}

// TestNotices: labels that give orders are left out, and said so.
func TestNotices(t *testing.T) {
	i := image(iw.Tar(iw.File("x", "")))
	i.Config = map[string]any{"Cmd": []string{"/x"}, "Env": []string{"A=1", "broken"}, "StopSignal": "SIGQUIT",
		"Labels": map[string]string{"run.oci.hooks.stdout": "/etc/passwd", "io.gspawn.boot": "yes", "org.systemd.property.ExecStopPost": "x", "good": "1"}}
	dest, r, err := imported(t, i.OCI().Tar(), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := readSpec(t, dest)
	for k := range s.Annotations {
		if strings.HasPrefix(k, "run.oci") || strings.HasPrefix(k, "io.gspawn") || strings.HasPrefix(k, "org.systemd") {
			t.Errorf("annotation %q was taken over", k)
		}
	}
	if s.Annotations["good"] != "1" || s.Annotations["org.opencontainers.image.stopSignal"] != "SIGQUIT" || len(r.Notices) != 4 {
		t.Errorf("annotations %v, notices %q", s.Annotations, r.Notices)
	}
}

// TestDeterministic: the same image gives the same configuration, byte for byte.
func TestDeterministic(t *testing.T) {
	raw := sample().OCI().Tar()
	var first []byte
	for range 3 {
		dest, _, err := imported(t, raw, bundle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(dest + "/config.json")
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		} else if !bytes.Equal(first, got) {
			t.Fatal("config.json differs from run to run")
		}
	}
}
