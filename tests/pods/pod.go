package pods

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/import/imagewriter"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// pauseImage holds a pod's namespaces open.
const pauseImage = "pause:1"

// writePause writes the image of a busybox that sleeps.
func writePause(t testing.TB, dir string) string {
	t.Helper()
	const busybox = "/bin/busybox" // Debian's busybox-static
	require.File(t, busybox)
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	pause := imagewriter.Image{
		Tags: []string{pauseImage}, Config: map[string]any{"Entrypoint": []string{"/busybox", "sleep", "1000000"}},
		Layers: [][]byte{imagewriter.Tar(imagewriter.Entry{Name: "busybox", Data: string(program), Mode: 0o755})},
	}
	archive := filepath.Join(dir, "pause.tar")
	if err := os.WriteFile(archive, pause.DockerSave().Tar(), 0o644); err != nil {
		t.Fatal(err)
	}
	return archive
}

// client is the program of tests/cri.
func client(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("CRI_CLIENT"); path != "" {
		require.File(t, path)
		return path
	}
	path := filepath.Join(t.TempDir(), "cri")
	cmd := exec.Command(require.Program(t, "go"), "build", "-o", path, ".")
	cmd.Dir = filepath.Join(fixtures.RepoRoot(), "tests/cri")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build tests/cri: %v\n%s", err, out)
	}
	return path
}

// Pod is a pod of one container.
type Pod struct {
	ID, Container string
	d             *Daemon
}

// Run starts a pod; args are the client's run's, without a cgroup's parent.
func (d *Daemon) Run(t testing.TB, args ...string) *Pod {
	t.Helper()
	out, err := d.TryRun(args...)
	ids := strings.Fields(out)
	if err != nil || len(ids) != 2 {
		t.Fatalf("cri run %v: %v\n%s", args, err, out)
	}
	d.pods = append(d.pods, ids[0])
	return &Pod{ID: ids[0], Container: ids[1], d: d}
}

// TryRun is Run for a pod that may be refused: the error's text is the client's.
func (d *Daemon) TryRun(args ...string) (string, error) {
	argv := d.CRI(append([]string{"run", "--cgroup-parent", d.cgroup}, args...)...)
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	return string(out), err
}

// Remove stops and removes the pod, which the end of the daemon does else.
func (p *Pod) Remove(t testing.TB) {
	t.Helper()
	p.d.pods = slices.DeleteFunc(p.d.pods, func(id string) bool { return id == p.ID })
	argv := p.d.CRI("remove", p.ID)
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Errorf("remove the pod %s: %v\n%s", p.ID, err, out)
	}
}

// Cgroup is the container's control group.
func (p *Pod) Cgroup() string { return p.d.cgroup + "/" + p.Container }

// Written is the directory with what the container wrote to its root file system: the upper one of its overlay, which
// stays until the pod is removed, while the file system itself is gone when the container has stopped.
func (p *Pod) Written(t testing.TB) string {
	t.Helper()
	out, err := p.d.ctrCommand("snapshot", "mounts", "/", p.Container).CombinedOutput()
	dir, ok := UpperDir(string(out))
	if err != nil || !ok {
		t.Fatalf("ctr snapshot mounts: %v\n%s", err, out)
	}
	return dir
}
