package libcontainer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// sleeper is a program that waits to be killed.
func sleeper(t *testing.T) state.Process {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	p, ok := state.Find(cmd.Process.Pid)
	if !ok {
		t.Fatal("a program that was just started is not found")
	}
	return p
}

// pretend writes the state of a container whose init is p, without making one.
func pretend(t *testing.T, r *Runtime, id string, p state.Process, group cgroup.Saved) {
	t.Helper()
	d, err := state.Create(r.Root, id)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	desc := state.Container{
		ID: id, OCIVersion: "1.3.0", Bundle: "/b", Rootfs: "/b/rootfs", Created: time.Unix(1e9, 5), Cgroup: group,
	}
	if err := errors.Join(d.WriteContainer(&desc), d.WriteConfig([]byte(`{"annotations": {"a": "b"}, "mounts": [1]}`))); err != nil {
		t.Fatal(err)
	}
	if p.PID != 0 {
		if err := d.SetProcess(p); err != nil {
			t.Fatal(err)
		}
	}
}

// inCgroup is a runtime with a running container "c" in a cgroup of its own.
func inCgroup(t *testing.T) (*Runtime, state.Process) {
	t.Helper()
	require.Root(t)
	r := &Runtime{Root: t.TempDir()}
	path := fmt.Sprintf("/gspawn-test/%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), os.Getpid())
	loc, err := cgroup.Resolve(path, "c", false, false)
	if err != nil {
		t.Fatal(err)
	}
	limits, err := cgroup.Resources(cgroup.Input{Mode: cgroup.Mode()})
	if err != nil {
		t.Fatal(err)
	}
	g, err := cgroup.New(cgroup.Config{Location: loc, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Make(); err != nil {
		t.Fatal(err)
	}
	p := sleeper(t)
	t.Cleanup(func() {
		_ = g.Kill()
		_ = g.Thaw()
		if err := g.Destroy(); err != nil {
			t.Error(err)
		}
	})
	if err := g.AddProcess(p.PID); err != nil {
		t.Fatal(err)
	}
	pretend(t, r, "c", p, g.Saved())
	return r, p
}

func statusOf(t *testing.T, r *Runtime, id string) specs.ContainerState {
	t.Helper()
	v, err := r.look(id)
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	return v.status
}

func TestStatus(t *testing.T) {
	r := &Runtime{Root: t.TempDir()}
	p := sleeper(t)
	other := p
	other.StartTime++ // the process ID was used again
	for id, tt := range map[string]struct {
		init state.Process
		want specs.ContainerState
	}{
		"no-process": {state.Process{}, specs.StateStopped},
		"reused":     {other, specs.StateStopped},
		"running":    {p, specs.StateRunning},
	} {
		pretend(t, r, id, tt.init, cgroup.Saved{})
		if got := statusOf(t, r, id); got != tt.want {
			t.Errorf("%s: %s, want %s", id, got, tt.want)
		}
	}
	// A socket alone does not make a container wait for its start: the program runs already.
	if err := os.WriteFile(filepath.Join(r.Root, "running", state.SocketFile), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, r, "running"); got != specs.StateRunning {
		t.Errorf("with a socket left: %s", got)
	}
	if _, err := r.look("nope"); !errors.Is(err, state.ErrNotExist) {
		t.Errorf("missing container: %v", err)
	}
}

// While create works on a container it is creating, and its lock is not lost by looking at it.
func TestStatusWhileLocked(t *testing.T) {
	r := &Runtime{Root: t.TempDir()}
	pretend(t, r, "c", state.Process{}, cgroup.Saved{})
	v, err := r.lookLocked("c")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := statusOf(t, r, "c"); got != specs.StateCreating {
			t.Errorf("status %s, want creating", got)
		}
	}
	v.close()
	if got := statusOf(t, r, "c"); got != specs.StateStopped {
		t.Errorf("unlocked: status %s, want stopped", got)
	}
}

func TestList(t *testing.T) {
	var warnings []string
	r := &Runtime{Root: t.TempDir() + "/root", Warn: func(s string) { warnings = append(warnings, s) }}
	if all, err := r.List(); err != nil || all != nil {
		t.Fatalf("no state directory: %v %v", all, err)
	}
	p := sleeper(t)
	pretend(t, r, "running", p, cgroup.Saved{})
	pretend(t, r, "stopped", state.Process{PID: p.PID, StartTime: 1}, cgroup.Saved{})
	pretend(t, r, "broken", state.Process{}, cgroup.Saved{})
	for _, d := range []string{"killed-create", ".seccomp"} {
		if err := os.Mkdir(r.Root+"/"+d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(r.Root+"/broken/state.json", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := r.List()
	if err != nil {
		t.Fatal(err)
	}
	r.LoadAnnotations(all)
	got := make(map[string]string)
	for _, c := range all {
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		got[c.ID] = string(raw)
	}
	line := `{"ociVersion":"1.3.0","id":"%s","pid":%d,"status":"%s","bundle":"/b","rootfs":"/b/rootfs",` +
		`"created":"2001-09-09T01:46:40.000000005Z","annotations":{"a":"b"},"owner":"root"}`
	if want := fmt.Sprintf(line, "running", p.PID, "running"); got["running"] != want {
		t.Errorf("got  %s\nwant %s", got["running"], want)
	}
	if want := fmt.Sprintf(line, "stopped", 0, "stopped"); got["stopped"] != want {
		t.Errorf("got  %s\nwant %s", got["stopped"], want)
	}
	if !strings.Contains(got["killed-create"], `"status":"stopped"`) {
		t.Errorf("what a killed create left: %q", got["killed-create"])
	}
	if len(all) != 3 || len(warnings) != 1 || !strings.HasPrefix(warnings[0], "list container broken: read ") {
		t.Errorf("%d containers, warnings %q", len(all), warnings)
	}
}

// TestListWhileRemoved: a container that is being removed is what it was or is not there, and never being created.
func TestListWhileRemoved(t *testing.T) {
	r := &Runtime{Root: t.TempDir(), Warn: func(s string) { t.Error(s) }}
	dead := state.Process{PID: os.Getpid(), StartTime: 1}
	const many = 100
	for i := range many {
		pretend(t, r, fmt.Sprintf("c%03d", i), dead, cgroup.Saved{})
	}
	done := make(chan error, 1)
	go func() {
		for i := range many {
			done <- r.Delete(fmt.Sprintf("c%03d", i), false)
		}
		close(done)
	}()
	for err := range done {
		if err != nil {
			t.Fatal(err)
		}
		all, err := r.List()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if c.Status != specs.StateStopped || c.Bundle == "" {
				t.Fatalf("%+v", c)
			}
		}
	}
}

// TestHalfRemoved: the same for each state that the directory is in on the way.
func TestHalfRemoved(t *testing.T) {
	r := &Runtime{Root: t.TempDir()}
	pretend(t, r, "c", state.Process{}, cgroup.Saved{})
	v, err := r.lookLocked("c")
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	for _, file := range []string{"config.json", "state.json"} {
		if err := os.Remove(filepath.Join(r.Root, "c", file)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.look("c"); !errors.Is(err, state.ErrNotExist) {
			t.Errorf("without %s: state: %v", file, err)
		}
		if all, err := r.List(); err != nil || len(all) != 0 {
			t.Errorf("without %s: list: %+v %v", file, all, err)
		}
	}
}

func TestPauseResume(t *testing.T) {
	r, _ := inCgroup(t)
	if err := r.Resume("c"); !errors.Is(err, errNotPaused) {
		t.Errorf("resume of a running one: %v", err)
	}
	if err := r.Pause("c"); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, r, "c"); got != statusPaused {
		t.Errorf("status %s, want paused", got)
	}
	if err := r.Pause("c"); !errors.Is(err, errNotRunning) {
		t.Errorf("pause of a paused one: %v", err)
	}
	if err := r.Resume("c"); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, r, "c"); got != specs.StateRunning {
		t.Errorf("status %s, want running", got)
	}
}

func TestPs(t *testing.T) {
	r, p := inCgroup(t)
	pids, err := r.Ps("c")
	if err != nil || !slices.Equal(pids, []int{p.PID}) {
		t.Errorf("pids %v %v, want %d", pids, err, p.PID)
	}
	pretend(t, r, "stopped", state.Process{}, cgroup.Saved{})
	if pids, err := r.Ps("stopped"); err != nil || pids != nil {
		t.Errorf("stopped: %v %v, want nil, which is null in JSON", pids, err)
	}
	if _, err := r.Ps("nope"); !errors.Is(err, state.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestUpdate(t *testing.T) {
	require.Controller(t, "pids")
	r, _ := inCgroup(t)
	limit := int64(77)
	if err := r.Update("c", &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &limit}}); err != nil {
		t.Fatal(err)
	}
	s, err := r.Stats("c")
	if err != nil || s.Pids.Limit != 77 {
		t.Errorf("pids limit %+v %v, want 77", s, err)
	}
	if err := r.UpdateIntelRdt("c", "L3:0=f", ""); err == nil || !strings.Contains(err.Error(), "linux.intelRdt") {
		t.Errorf("intelRdt: %v", err)
	}
	pretend(t, r, "stopped", state.Process{}, cgroup.Saved{})
	if err := r.Update("stopped", &specs.LinuxResources{}); !errors.Is(err, errNotRunning) {
		t.Errorf("stopped: %v", err)
	}
}

func TestEvents(t *testing.T) {
	r, p := inCgroup(t)
	enough := errors.New("enough")
	var got []Event
	err := r.Events(t.Context(), "c", time.Millisecond, func(e Event) error {
		if got = append(got, e); len(got) == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatalf("events: %v", err)
	}
	raw, err := json.Marshal(got[0])
	if err != nil || !strings.HasPrefix(string(raw), `{"type":"stats","id":"c","data":{"cpu":{"usage":{`) {
		t.Errorf("%s %v", raw, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Events(ctx, "c", time.Hour, nil); err != nil {
		t.Errorf("canceled: %v", err)
	}
	// It ends by itself when the container stops.
	proc, _ := os.FindProcess(p.PID)
	done := make(chan error, 1)
	go func() {
		done <- r.Events(t.Context(), "c", 5*time.Millisecond, func(Event) error { return proc.Kill() })
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("container stopped: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("still running 10 s after the container stopped")
	}
	if err := r.Events(t.Context(), "c", time.Hour, nil); err == nil || err.Error() != "container with id c is not running" {
		t.Errorf("stopped: %v", err)
	}
}

// TestKillOfCreating: there is no process to signal yet, and 0 would be our own process group.
func TestKillOfCreating(t *testing.T) {
	r := &Runtime{Root: t.TempDir()}
	d, err := state.Create(r.Root, "c") // locked: create is at it
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := errors.Join(d.WriteContainer(&state.Container{ID: "c"}), d.WriteConfig([]byte("{}"))); err != nil {
		t.Fatal(err)
	}
	for _, all := range []bool{false, true} {
		if err := r.Kill("c", 0, all); !errors.Is(err, errNotRunning) {
			t.Errorf("all %t: %v, want %v", all, err, errNotRunning)
		}
	}
}

// TestReusedNumber: whatever is done to a container's init is not done to a process that got its number after it.
func TestReusedNumber(t *testing.T) {
	p := sleeper(t)
	if fd, err := p.Open(); err != nil {
		t.Error(err)
	} else {
		unix.Close(fd)
	}
	other := p
	other.StartTime++
	v := &view{Container: &state.Container{ID: "c"}, init: other}
	if err := v.signalInit(unix.SIGKILL); !errors.Is(err, errNotRunning) {
		t.Errorf("signal: %v", err)
	}
	if err := v.killInit(); err != nil {
		t.Errorf("kill: %v", err)
	}
	if !p.Alive() {
		t.Fatal("the other process was killed")
	}
	ran := filepath.Join(t.TempDir(), "ran")
	s := spec.Default()
	s.Hooks = &specs.Hooks{StartContainer: []specs.Hook{{Path: "/bin/touch", Args: []string{"touch", ran}}}}
	if err := (&Runtime{}).answer(v, &spec.Config{Spec: s}, lower.Message{Request: lower.StartHooks}); !errors.Is(err, unix.ESRCH) {
		t.Errorf("startContainer hook: %v", err)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the startContainer hook ran where the other process is")
	}
	f := &seccomp.Program{ListenerPath: "/none/such"}
	if err := fetchListener(f, specs.State{}, other.PID, other.Open, 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("listener: %v", err)
	}
}

// TestRootOfTheGone: a number that may be another's by now is not believed.
func TestRootOfTheGone(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	p := sleeper(t) // as if it had the number now
	if fd, err := openRootOf(p.PID, pidfd); !errors.Is(err, errGone) {
		t.Errorf("descriptor %d, error %v", fd, err)
	}
}

// TestStartSocket: others may not have the program started, whatever the umask.
func TestStartSocket(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	d, err := state.Create(t.TempDir(), "c")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	fd, err := listen(d)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if d.Waiting() {
		t.Error("it waits for its start before it is made")
	}
	if err := d.Made(); err != nil || !d.Waiting() {
		t.Errorf("it does not wait: %v", err)
	}
	info, err := os.Stat(filepath.Join(d.Path(), state.SocketFile))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode is %v", info.Mode())
	}
}
