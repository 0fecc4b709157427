// Package lifecycle tests the runtime as engines drive it: whole commands on real containers, their answers, and what
// the program sees inside. It knows the runtime as a program only.
package lifecycle

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

type change = func(*specs.Spec)

// output runs a container whose program has to succeed, and returns what it printed.
func output(t *testing.T, changes ...change) string {
	t.Helper()
	require.Root(t)
	c := fixtures.New(t, changes...)
	r := c.Run()
	if r.Code != 0 {
		t.Fatalf("run: exit code %d\nstdout: %s\nstderr: %s", r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// refused runs a container that must not come to be, and returns the message.
func refused(t *testing.T, changes ...change) string {
	t.Helper()
	require.Root(t)
	c := fixtures.New(t, changes...)
	r := c.Do("create", "--bundle", c.Bundle, c.ID)
	if r.Code == 0 {
		t.Fatal("create succeeded")
	}
	if left := c.WaitClean(); len(left) > 0 {
		t.Errorf("left behind by a create that failed: %q", left)
	}
	return plain(r.Stderr)
}

// plain undoes the quoting of a message in the log.
func plain(log string) string { return strings.ReplaceAll(log, `\"`, `"`) }

// sleeping is a running container that does nothing.
func sleeping(t *testing.T, changes ...change) *fixtures.Container {
	t.Helper()
	require.Root(t)
	c := fixtures.New(t, append([]change{fixtures.Args("/bin/sleep", "300")}, changes...)...)
	c.Create()
	c.Start()
	return c
}

// want compares two strings, without the blanks around them.
func want(t *testing.T, what, got, want string) {
	t.Helper()
	if strings.TrimSpace(got) != strings.TrimSpace(want) {
		t.Errorf("%s is %q, want %q", what, strings.TrimSpace(got), strings.TrimSpace(want))
	}
}

// wantIn looks for a part of a text.
func wantIn(t *testing.T, what, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%s has no %q:\n%s", what, part, text)
	}
}

// grant gives the process capabilities in all sets but the ambient.
func grant(names ...string) change {
	return func(s *specs.Spec) {
		s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: names, Effective: names, Permitted: names, Inheritable: names}
	}
}

// eventually waits up to five seconds for what a test looks at to become true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within five seconds: " + what)
		}
	}
}

// faultEnv hands the runtime with fault injection on to the test binary in the cgroup v2 mount namespace.
const faultEnv = "GSPAWN_TEST_FAULT_RUNTIME"

var buildFault = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(faultEnv); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "gspawn-test-fault-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "gspawn-oci")
	build := exec.Command("go", "build", "-tags", "faultinject", "-o", path, ".")
	build.Dir = fixtures.RepoRoot()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build with the tag faultinject: %w\n%s", err, out)
	}
	faultDir = dir
	helper := "gspawn-oci-seccomp" // is looked for beside the runtime
	if err := os.Symlink(filepath.Join(fixtures.RepoRoot(), "bin", helper), filepath.Join(dir, helper)); err != nil {
		return "", err
	}
	return path, os.Setenv(faultEnv, path)
})

// faultDir is removed at the end by the process that made it.
var faultDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if faultDir != "" {
		_ = os.RemoveAll(faultDir)
	}
	os.Exit(code)
}

// planStep is what `plan --json` tells of a step.
type planStep struct {
	Number      int
	Phase, Kind string
}

func planOf(t *testing.T, c *fixtures.Container) []planStep {
	t.Helper()
	var p struct{ Steps []planStep }
	if err := json.Unmarshal([]byte(c.Must("plan", "--json", c.Bundle)), &p); err != nil {
		t.Fatalf("decode the plan: %v", err)
	}
	return p.Steps
}
