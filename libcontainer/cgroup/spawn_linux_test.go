package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// starter makes the callback of Spawn: it starts a process that tells its cgroups at once,
// then sleeps.
func starter(t *testing.T, cmd **exec.Cmd, out *strings.Builder) func(int) error {
	return func(fd int) error {
		if os.Getpid() == unix.Gettid() && Mode() != Unified {
			t.Error("start runs on the first thread")
		}
		c := exec.Command("sh", "-c", "cat /proc/self/cgroup; exec >&-; exec sleep 100")
		c.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: fd >= 0, CgroupFD: fd}
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		c.Stdout = w
		err = c.Start()
		w.Close()
		if err != nil {
			return err
		}
		*cmd = c
		buf := make([]byte, 8192)
		for n := 0; err == nil; n, err = r.Read(buf) {
			out.Write(buf[:n])
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
		return nil
	}
}

// inside checks that every line of /proc/self/cgroup that the group has a directory for
// names the cgroup.
func (g *Group) inside(t *testing.T, file, want string) {
	t.Helper()
	if file == "" {
		t.Fatal("the process told nothing")
	}
	for line := range strings.Lines(file) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		ours := false
		for c := range g.Paths() {
			ours = ours || strings.Contains(","+parts[1]+",", ","+c+",")
		}
		if ours && parts[2] != want {
			t.Errorf("%s: want %s", strings.TrimSpace(line), want)
		}
	}
}

func TestGroupSpawn(t *testing.T) {
	g := testGroup(t, nil, nil)
	if err := g.Make(); err != nil {
		t.Fatal(err)
	}
	if g.Held() {
		t.Fatal("Held with the cgroupfs driver")
	}
	var cmd *exec.Cmd
	var out strings.Builder
	if err := g.Spawn(starter(t, &cmd, &out)); err != nil {
		t.Fatal(err)
	}
	g.inside(t, out.String(), g.loc.Path)
	if err := g.Limit(); err != nil {
		t.Fatal(err)
	}
	g.alone(t, cmd.Process.Pid)

	for _, dir := range g.Paths() {
		if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if g.mode != Unified {
		copyCpuset(t, g)
	}
	sub, err := ParseSub([]string{"sub"})
	if err != nil {
		t.Fatal(err)
	}
	if g.ExecHeld() {
		t.Fatal("ExecHeld for a running container")
	}
	var second, third *exec.Cmd
	out.Reset()
	if err := g.SpawnExec(sub, cmd.Process.Pid, starter(t, &second, &out)); err != nil {
		t.Fatal(err)
	}
	g.inside(t, out.String(), g.loc.Path+"/sub")
	out.Reset()
	if err := g.SpawnExec(SubPath{}, cmd.Process.Pid, starter(t, &third, &out)); err != nil {
		t.Fatal(err)
	}
	g.inside(t, out.String(), g.loc.Path)
	if err := g.Freeze(); err != nil {
		t.Fatal(err)
	}
	held := g.ExecHeld()
	// Frozen processes do not die, and the test waits for its own.
	if err := g.Thaw(); err != nil {
		t.Fatal(err)
	}
	if held != (g.mode != Unified) {
		t.Errorf("ExecHeld of a paused container = %v (%s)", held, g.mode)
	}
}

// alone checks that the thread which started the process has left, in which the kernel may
// take its time.
func (g *Group) alone(t *testing.T, pid int) {
	t.Helper()
	want := fmt.Sprint([]int{pid})
	for range 100 {
		pids, err := g.Pids(true)
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(pids) == want {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("the runtime is still in the container's cgroup")
}

func TestGroupSpawnWithFewTasks(t *testing.T) {
	one := int64(1)
	g := testGroup(t, &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &one}}, nil)
	g.has(t, "pids")
	if err := g.Make(); err != nil {
		t.Fatal(err)
	}
	// Spawn before Limit needs no room for its own thread.
	var cmd *exec.Cmd
	if err := g.Spawn(func(fd int) error {
		cmd = exec.Command("sleep", "100")
		cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: fd >= 0, CgroupFD: fd}
		return cmd.Start()
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if err := g.Limit(); err != nil {
		t.Fatal(err)
	}
	if g.mode != Unified && (!g.Held() || !g.ExecHeld()) {
		t.Errorf("Held = %v, ExecHeld = %v in a container with one task", g.Held(), g.ExecHeld())
	}
}

func TestGroupSpawnError(t *testing.T) {
	g := testGroup(t, nil, nil)
	if err := g.Make(); err != nil {
		t.Fatal(err)
	}
	want := unix.ENOEXEC
	if err := g.Spawn(func(int) error { return want }); err != want {
		t.Errorf("error %v, want %v", err, want)
	}
}
