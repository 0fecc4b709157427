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

// TestFinalCPUs: the last word about the CPUs of a process that joins is of the one that runs the program, and not of one
// that forked it to get into the namespaces, as without root.
func TestFinalCPUs(t *testing.T) {
	require.CPUs(t, 2)
	set := func(s *specs.Spec) { s.Process.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0-1", Final: "1"} }
	const list = "sed -n 's/^Cpus_allowed_list:.//p' /proc/self/status"
	u := newUnprivileged(t, fixtures.Args("/bin/sleep", "300"), set)
	u.must("create", "--bundle", u.c.Bundle, u.c.ID)
	u.must("start", u.c.ID)
	for range 5 { // the wrong process may be the right one's parent
		want(t, "of exec as nobody", u.must("exec", u.c.ID, "/bin/sh", "-c", list), "1")
	}
	u.must("delete", "--force", u.c.ID)
	c := sleeping(t, set)
	want(t, "of exec as root", c.Must("exec", c.ID, "/bin/sh", "-c", list), "1")
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
