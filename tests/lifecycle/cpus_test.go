package lifecycle

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestCPUsOfCaller: a service manager may keep an engine to some CPUs. Hooks are kept to them too, the container is not:
// it has those of its cgroup, as with runc.
func TestCPUsOfCaller(t *testing.T) {
	require.Root(t)
	all := require.CPUs(t, 2)
	first := unix.CPUSet{}
	for cpu := 0; first.Count() == 0; cpu++ {
		if all.IsSet(cpu) {
			first.Set(cpu)
		}
	}
	runtime.LockOSThread() // what is started inherits from this thread, which ends with the test
	const mask = "grep Cpus_allowed: /proc/self/status"
	free := here(t, mask)
	if err := unix.SchedSetaffinity(0, &first); err != nil {
		t.Fatal(err)
	}
	kept := here(t, mask)
	if kept == free {
		t.Fatalf("the test is kept to no CPU: %s", kept)
	}
	note := filepath.Join(t.TempDir(), "hook")
	c := sleeping(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", mask + " >" + note}}}}
	})
	want(t, "of exec", c.Must("exec", c.ID, "/bin/sh", "-c", mask), free)
	want(t, "of run", output(t, fixtures.Args("/bin/sh", "-c", mask)), free)
	text, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "of a hook", string(text), kept)
}

// here runs a shell script on the host, from this thread.
func here(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-c", script).Output()
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return string(out)
}
