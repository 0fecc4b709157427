//go:build linux && amd64

package seccomp

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/libcontainer/caps"
)

// The same calls under runc's filter and under ours, made of the same profile.
// The profile is podman's, once as it is (ENOSYS for what it does not name) and
// once refusing with EPERM, as docker's and containerd's do.
func TestVerdictsAreRuncs(t *testing.T) {
	runc, err := exec.LookPath("runc")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("needs root and an installed runc to compare with")
	}
	needCompiler(t)
	for _, name := range []string{"podman-4.3.json", "podman-4.3-eperm.json"} {
		t.Run(name, func(t *testing.T) {
			profile, err := os.ReadFile("compile/testdata/" + name)
			must(t, err)
			want := underRunc(t, runc, profile)
			got := underOurs(t, profile)
			differ := 0
			for _, p := range probes {
				w, g := want[p.name], got[p.name]
				if p.name == "hole 400" {
					w = "38" // compile/enosys.go: a hole in the table is unknown to everybody
				}
				if w == "" || g != w {
					t.Errorf("%s: %s, under runc %s", p.name, errnoName(g), errnoName(w))
				}
				if free := underNone(t)[p.name]; free != g {
					differ++
				}
			}
			if differ < 10 {
				t.Errorf("only %d calls are refused: the probe probes nothing", differ)
			}
		})
	}
}

func results(t *testing.T, out []byte) map[string]string {
	t.Helper()
	m := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if name, errno, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			m[name] = errno
		}
	}
	if len(m) != len(probes) {
		t.Fatalf("%d of %d results: %s", len(m), len(probes), out)
	}
	return m
}

func runProbe(t *testing.T, bpf string) map[string]string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{probeEnv + "=" + bpf}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("probe: %v", err)
	}
	return results(t, out)
}

var none map[string]string

func underNone(t *testing.T) map[string]string {
	if none == nil {
		none = runProbe(t, "")
	}
	return none
}

func underOurs(t *testing.T, profile []byte) map[string]string {
	t.Helper()
	p, err := Load(profile, "")
	must(t, err)
	file := t.TempDir() + "/bpf"
	must(t, os.WriteFile(file, p.BPF, 0o600))
	return runProbe(t, file)
}

// underRunc runs the probe in a container with all the capabilities of this
// process and no namespace but a mount namespace, so that nothing but the filter
// tells it from the probe outside.
func underRunc(t *testing.T, runc string, profile []byte) map[string]string {
	t.Helper()
	dir := t.TempDir()
	self, err := filepath.EvalSymlinks("/proc/self/exe")
	must(t, err)
	bind := func(at, source string, options ...string) any {
		return map[string]any{"destination": at, "source": source, "type": "bind", "options": options}
	}
	mounts := []any{map[string]any{"destination": "/proc", "source": "proc", "type": "proc"}, bind("/probe", self, "bind", "ro")}
	for _, d := range []string{"/usr", "/lib", "/lib64"} { // a test binary with cgo is dynamic
		if real, err := filepath.EvalSymlinks(d); err == nil {
			mounts = append(mounts, bind(d, real, "rbind", "ro"))
		}
	}
	must(t, os.MkdirAll(dir+"/rootfs", 0o755))
	held := heldCapabilities(t)
	config := map[string]any{
		"ociVersion": "1.0.2",
		"root":       map[string]any{"path": "rootfs"},
		"mounts":     mounts,
		"process": map[string]any{
			"cwd": "/", "args": []string{"/probe"}, "env": []string{probeEnv + "="},
			"user":         map[string]any{"uid": 0, "gid": 0},
			"capabilities": map[string]any{"bounding": held, "effective": held, "permitted": held},
		},
		"linux": map[string]any{
			"namespaces":  []any{map[string]any{"type": "mount"}},
			"cgroupsPath": "/gspawn-test/seccomp-probe",
			"seccomp":     json.RawMessage(profile),
		},
	}
	b, err := json.Marshal(config)
	must(t, err)
	must(t, os.WriteFile(dir+"/config.json", b, 0o600))
	cmd := exec.Command(runc, "--root", dir+"/state", "run", "--bundle", dir, fmt.Sprintf("seccomp-probe-%d", os.Getpid()))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("runc cannot run a container here: %v\n%s", err, stderr.String())
	}
	return results(t, out)
}

func heldCapabilities(t *testing.T) []string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, after, _ := strings.Cut(string(status), "CapPrm:\t")
	var mask uint64
	if _, err := fmt.Sscanf(after, "%x", &mask); err != nil {
		t.Fatal(err)
	}
	return caps.Names(mask)
}
