//go:build boot

package boot

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// startByImage makes an archive of docker save of the tree, imports it, and runs the bundle.
func startByImage(t *testing.T, tree string, _ bool) (running, string) {
	c := fixtures.New(t)
	box := importBox(t, c, saveImage(t, writable(t, tree, false), "SIGRTMIN+3"))
	c.Must("run", "--detach", "--bundle", box, c.ID)
	return imaged{bundled{c}}, filepath.Join(box, "rootfs")
}

// imaged is a system of an image that names its stop signal: SIGTERM is SIGTERM then, and kill without a signal is the way.
type imaged struct{ bundled }

func (i imaged) stop() answer {
	r := i.c.Do("kill", i.c.ID)
	return answer{r.Stdout, r.Stderr, r.Code}
}

// startByRunc imports the tree and has plain runc run the bundle.
func startByRunc(t *testing.T, tree string, _ bool) (running, string) {
	runc := require.Program(t, "runc")
	root := writable(t, tree, false)
	c := fixtures.New(t)
	box := importBox(t, c, root)
	p := []string{runc, "--root", shortDir(t)}
	with := func(args ...string) []string { return append(p[:len(p):len(p)], args...) }
	t.Cleanup(func() { do(nil, with("delete", "--force", c.ID)...) })
	// The system keeps runc's output as its own, and needs a reader to the end: runit does not go down without.
	log := filepath.Join(shortDir(t), "log")
	script := []string{"/bin/sh", "-c", `log=$1; shift; exec "$@" >"$log" 2>&1`, "sh", log}
	if a := do(nil, slices.Concat(script, with("run", "--detach", "--bundle", box, c.ID))...); a.code != 0 {
		said, _ := os.ReadFile(log)
		t.Fatalf("runc run: %v%s", a, said)
	}
	// Nobody but us tells an init by its own signal that the system is to stop.
	stop := map[string]string{"busybox": "USR2", "openrc": "PWR", "runit": "INT"}[tree]
	if stop == "" {
		stop = "37" // SIGRTMIN+3, systemd's
	}
	return engine{
		run: with("exec", c.ID), end: with("kill", c.ID, stop), list: with("state", c.ID), alive: `"running"`,
	}, root
}

// importBox imports a source as the bundle of a container, in the control group of tests.
func importBox(t *testing.T, c *fixtures.Container, source string) (box string) {
	t.Helper()
	if controllers, err := os.ReadFile("/sys/fs/cgroup/cgroup.controllers"); err == nil && !strings.Contains(string(controllers), "pids") {
		t.Skip("an imported system has a limit of tasks, and a v1 hierarchy holds the pids controller")
	}
	box = filepath.Join(shortDir(t), "box")
	c.Timeout = 5 * time.Minute // emulated, one took more than one
	c.Must("import", "--quiet", "--no-sync", source, box)
	config := filepath.Join(box, "config.json")
	raw, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var s specs.Spec
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	s.Linux.CgroupsPath = fixtures.CgroupParent + "/" + c.ID
	if raw, err = json.Marshal(s); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return box
}

// saveImage writes a tree as docker save writes an image of one layer that runs /sbin/init, and names the stop signal if
// there is one.
func saveImage(t *testing.T, root, stopSignal string) string {
	t.Helper()
	dir := shortDir(t)
	layer := filepath.Join(dir, "layer.tar")
	if a := do(nil, "tar", "-C", root, "-cf", layer, "."); a.code != 0 {
		t.Fatalf("tar: %v", a)
	}
	f, err := os.Open(layer)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf(`{"architecture":%q,"os":"linux","config":{"Cmd":["/sbin/init"],"StopSignal":%q},`+
		`"rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, runtime.GOARCH, stopSignal, sum.Sum(nil))
	name := fmt.Sprintf("%x.json", sha256.Sum256([]byte(config)))
	manifest := fmt.Sprintf(`[{"Config":%q,"RepoTags":["system:1"],"Layers":["layer.tar"]}]`, name)
	for file, text := range map[string]string{name: config, "manifest.json": manifest} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	saved := filepath.Join(dir, "saved.tar")
	if a := do(nil, strings.Fields("tar -C "+dir+" -cf "+saved+" manifest.json "+name+" layer.tar")...); a.code != 0 {
		t.Fatalf("tar: %v", a)
	}
	return saved
}
