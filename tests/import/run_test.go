package importtest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gspawn/gspawn-oci/bundle"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/tests/fixtures"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// builds is where ours was built; empty before that.
var builds string

// runtimes gives the runtimes that are to run what was imported: ours, built once, and those of Debian.
var ours = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gspawn-import-test-")
	if err != nil {
		return "", err
	}
	builds = dir
	bin := filepath.Join(dir, "gspawn-oci")
	for _, b := range [][3]string{{"CGO_ENABLED=0", bin, ""}, {"CGO_ENABLED=1", bin + "-seccomp", "/cmd/gspawn-oci-seccomp"},
		{"CGO_ENABLED=0", bin + "-import", "/bundle/gspawn-oci-import"}} {
		cmd := exec.Command("go", "build", "-o", b[1], "github.com/gspawn/gspawn-oci"+b[2])
		cmd.Env = append(os.Environ(), b[0])
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build: %w: %s", err, out)
		}
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if builds != "" {
		os.RemoveAll(builds)
	}
	os.Exit(code)
}

func busybox(t *testing.T) string {
	t.Helper()
	for _, p := range []string{"/bin/busybox", "/usr/bin/busybox"} {
		if raw, err := os.ReadFile(p); err == nil {
			return string(raw)
		}
	}
	t.Skip("needs busybox-static")
	return ""
}

// bootable is a small system: busybox as a shell and as an init that says hello and powers off.
func bootable(t *testing.T) []iw.Entry {
	box := iw.Entry{Name: "bin/busybox", Data: busybox(t), Mode: 0o755}
	return []iw.Entry{iw.Dir("bin"), box, iw.Symlink("bin/sh", "busybox"), iw.Symlink("bin/echo", "busybox"), iw.Symlink("bin/id", "busybox"),
		iw.Dir("sbin"), iw.Symlink("sbin/init", "../bin/busybox"), iw.Symlink("sbin/poweroff", "../bin/busybox"), iw.Dir("etc"), iw.Dir("proc"), iw.Dir("sys"), iw.Dir("dev"),
		iw.Dir("usr"), iw.Dir("tmp"), iw.Dir("run"), iw.Dir("root"), iw.File("etc/os-release", "ID=test\n"), iw.File("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:1000:1000::/:\n"), iw.File("etc/group", "web:x:1000:\nx:x:44:web\n"),
		iw.File("etc/inittab", "::sysinit:/bin/echo hello from init\n::once:/bin/busybox poweroff -f\n")}
}

// containerize gives a bundle a cgroup of the tests' own.
func containerize(t *testing.T, dest, id string) {
	t.Helper()
	s := readSpec(t, dest)
	s.Linux.CgroupsPath = "/gspawn-test/" + id
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dest+"/config.json", raw, 0o644); err != nil {
		t.Fatal(err)
	}
}

var counter int

// runBundle runs a bundle to its end and gives what it wrote. runc's old version and crun get their own state directory.
func runBundle(t *testing.T, runtime, dest string) string {
	t.Helper()
	return runWith(t, []string{runtime}, dest)
}

// runWith is runBundle for a runtime that is more than one word.
func runWith(t *testing.T, runtime []string, dest string) string {
	t.Helper()
	counter++
	id := fmt.Sprintf("import-%d-%d", os.Getpid(), counter)
	containerize(t, dest, id)
	cmd := exec.CommandContext(t.Context(), runtime[0], append(runtime[1:len(runtime):len(runtime)], "--root", t.TempDir(), "run", "-b", dest, id)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s run: %v\n%s", runtime, err, out)
	}
	return string(out)
}

// runSource is a source of TestRun.
type runSource struct {
	raw      []byte   // a file, in every compression
	dir      string   // or a directory
	stdin    bool     // the file comes through a pipe
	ref      string   // which image
	packings []string // nil: all
}

// runSources are all kinds of sources, each with the same system in it.
func runSources(t *testing.T) map[string]runSource {
	t.Helper()
	dir := t.TempDir()
	system := iw.Tar(bootable(t)...)
	i := &iw.Image{Layers: [][]byte{system, iw.Tar(iw.File("etc/hello", "1"))}, Tags: []string{"box:1"}, Arch: runtime.GOARCH}
	unpack(t, dir+"/tree", system)
	i.OCI().Write(dir + "/layout")
	platforms, images := i.OCI(), i.OCI()
	foreign := &iw.Image{Layers: [][]byte{iw.Tar(iw.File("wrong", ""))}, Arch: "s390x"}
	var both []any
	for _, x := range []*iw.Image{foreign, i} {
		d := x.Manifest(platforms)
		d["platform"] = map[string]any{"os": "linux", "architecture": x.Arch}
		both = append(both, d)
	}
	nested := platforms.Blob("application/vnd.oci.image.index.v1+json", iw.JSON(map[string]any{"manifests": both}))
	platforms["index.json"] = iw.JSON(map[string]any{"schemaVersion": 2, "manifests": []any{nested}})
	several(images, iw.Tar(iw.File("wrong", "")))
	plain := []string{""}
	return map[string]runSource{
		"rootfs":            {raw: system},
		"docker-save":       {raw: i.DockerSave().Tar()},
		"docker25":          {raw: i.Docker25().Tar()},
		"podman":            {raw: i.Podman().Tar()},
		"legacy":            {raw: i.Legacy().Tar()},
		"oci":               {raw: i.OCI().Tar()},
		"directory":         {dir: dir + "/tree", packings: plain},
		"oci directory":     {dir: dir + "/layout", packings: plain},
		"platforms":         {raw: platforms.Tar(), packings: plain},
		"images":            {raw: images.Tar(), ref: "box:1", packings: plain},
		"images, directory": {dir: dir + "/layout:box:1", packings: plain},
		"stdin rootfs":      {raw: system, stdin: true, packings: []string{"", "gzip"}},
		"stdin docker-save": {raw: i.DockerSave().Tar(), stdin: true, packings: []string{"", "zstd"}},
		"stdin oci":         {raw: i.OCI().Tar(), stdin: true, packings: []string{"", "gzip"}},
	}
}

// TestRun: sources × compressions × boot modes, each ends in a run of the result by our own runtime.
func TestRun(t *testing.T) {
	needRoot(t)
	bin, err := ours()
	if err != nil {
		t.Skip(err)
	}
	for name, source := range runSources(t) {
		packings := source.packings
		if packings == nil {
			packings = iw.Compressions
		}
		for _, how := range packings {
			packed := iw.Compress(how, source.raw)
			for _, mode := range []nspawn.Mode{nspawn.Auto, nspawn.Yes, nspawn.No} {
				t.Run(fmt.Sprintf("%s/%s/boot=%s", name, how, mode), func(t *testing.T) {
					o := bundle.Options{Source: source.dir, Dest: t.TempDir() + "/box", Ref: source.ref, Spec: bundle.SpecOptions{Boot: mode}}
					want := "hello from init"
					if mode == nspawn.No {
						o.Spec.Command, want = []string{"/bin/sh", "-c", "echo hello from $0", "sh"}, "hello from sh"
					}
					source.offer(t, &o, packed)
					if _, err := importInto(t, o); err != nil {
						t.Fatal(err)
					}
					if out := runBundle(t, bin, o.Dest); !strings.Contains(out, want) {
						t.Errorf("it wrote %q, want %q", out, want)
					}
				})
			}
		}
	}
}

// offer makes the packed source a file or a pipe.
func (s *runSource) offer(t *testing.T, o *bundle.Options, packed []byte) {
	t.Helper()
	switch {
	case s.stdin:
		o.Source, o.Stdin = "-", pipeOf(t, packed)
	case s.raw != nil:
		o.Source = t.TempDir() + "/source"
		if err := os.WriteFile(o.Source, packed, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunElsewhere: an imported application runs under runc and crun, with the user and the groups that its image names.
// crun refuses hosts with both cgroup hierarchies, and Debian 12's does not know v2 in a mount namespace; Debian 13's does.
func TestRunElsewhere(t *testing.T) {
	needRoot(t)
	bin, err := ours()
	if err != nil {
		t.Skip(err)
	}
	t.Run("ours", func(t *testing.T) { runsApplication(t, []string{bin}) })
	t.Run("runc", func(t *testing.T) {
		needTool(t, "runc")
		runsApplication(t, []string{"runc"})
	})
	t.Run("crun", func(t *testing.T) {
		crun, _, err := fixtures.FetchCrun()
		if err != nil {
			t.Fatal(err)
		}
		fixtures.InCgroupV2(t, func(t *testing.T) { runsApplication(t, crun) })
	})
}

func runsApplication(t *testing.T, runtime []string) {
	t.Helper()
	i := &iw.Image{Layers: [][]byte{iw.Tar(bootable(t)...)}, Tags: []string{"box:1"}, Config: map[string]any{
		"Entrypoint": []string{"/bin/sh", "-c"}, "Cmd": []string{"id; echo $A in $(pwd)"}, "User": "web", "Env": []string{"A=1"}, "WorkingDir": "/tmp"}}
	dest, _, err := imported(t, i.OCI().Tar(), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := runWith(t, runtime, dest)
	for _, want := range []string{"uid=1000(web) gid=1000(web)", "44(x)", "1 in /tmp"} {
		if !strings.Contains(out, want) {
			t.Errorf("it wrote %q, want %q", out, want)
		}
	}
}
