package lifecycle

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

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

// TestThreadsOfAttended: a runtime that stays with a terminal does not keep to the CPU that it began on.
func TestThreadsOfAttended(t *testing.T) {
	require.Root(t)
	require.CPUs(t, 2)
	script := require.Program(t, "script")
	c := fixtures.New(t, terminal, fixtures.Shell("echo is up; read x"))
	cmd := exec.Command(script, "-qec", c.Runtime+" --root "+c.Root+" run --bundle "+c.Bundle+" "+c.ID, "/dev/null")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewScanner(stdout)
	up := false // a warning may come first
	for !up && lines.Scan() {
		up = strings.Contains(lines.Text(), "is up")
	}
	if !up {
		t.Fatalf("the container has ended: %v", lines.Err())
	}
	threads := 0
	for _, pid := range strings.Fields(here(t, "pgrep -f -- '^"+c.Runtime+" .*"+c.ID+"$'")) {
		statuses, err := filepath.Glob("/proc/" + pid + "/task/*/status")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range statuses {
			threads++
			want(t, file, here(t, "grep Cpus_allowed: "+file), here(t, "grep Cpus_allowed: /proc/self/status"))
		}
	}
	if threads < 2 {
		t.Errorf("%d threads of the runtime were found", threads)
	}
	if _, err := stdin.Write([]byte("\n")); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
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
