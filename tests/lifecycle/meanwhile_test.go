package lifecycle

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// What other commands find while one works on the container.

// held is a hook that tells that it runs, and ends when it may.
type held struct{ dir string }

func (h held) hook() []specs.Hook {
	return outsideHook("touch " + h.dir + "/runs; until [ -e " + h.dir + "/go ]; do sleep 0.02; done")
}

func (h held) runs(t *testing.T) {
	t.Helper()
	eventually(t, "the hook runs", func() bool { _, err := os.Stat(h.dir + "/runs"); return err == nil })
}

func (h held) release(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(h.dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestMadeMeanwhile: until its hooks are done a container is being made, and nobody gets in.
func TestMadeMeanwhile(t *testing.T) {
	require.Root(t)
	for _, command := range []string{"create", "run"} {
		t.Run(command, func(t *testing.T) {
			h := held{t.TempDir()}
			c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"), func(s *specs.Spec) { s.Hooks = &specs.Hooks{CreateRuntime: h.hook()} })
			args := []string{command, "--bundle", c.Bundle, c.ID}
			if command == "run" {
				args = append([]string{"run", "--detach"}, args[1:]...)
			}
			var done sync.WaitGroup
			done.Go(func() {
				if r := c.Do(args...); r.Code != 0 {
					t.Errorf("%s: %+v", command, r)
				}
			})
			h.runs(t)
			want(t, "status", string(c.State().Status), "creating")
			if r := c.Do("exec", c.ID, "/bin/true"); r.Code == 0 || !strings.Contains(r.Stderr, "is being created") {
				t.Errorf("exec: %+v", r)
			}
			h.release(t)
			done.Wait()
			want(t, "status", string(c.State().Status), map[string]string{"create": "created", "run": "running"}[command])
		})
	}
}

// TestDeletedMeanwhile: delete --force does not wait for a hook that hangs.
func TestDeletedMeanwhile(t *testing.T) {
	require.Root(t)
	for group, set := range map[string]func(*specs.Hooks, []specs.Hook){
		"createRuntime":  func(h *specs.Hooks, l []specs.Hook) { h.CreateRuntime = l },
		"startContainer": func(h *specs.Hooks, l []specs.Hook) { h.StartContainer = l },
		"poststart":      func(h *specs.Hooks, l []specs.Hook) { h.Poststart = l },
	} {
		t.Run(group, func(t *testing.T) {
			c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
			h := held{c.Rootfs("tmp")}
			hook := h.hook()
			if group == "startContainer" {
				hook = insideHook("touch /tmp/runs; until [ -e /tmp/go ]; do sleep 0.02; done")
			}
			c.Spec.Hooks = &specs.Hooks{}
			set(c.Spec.Hooks, hook)
			c.Write()
			if group != "createRuntime" {
				c.Create()
			}
			var done sync.WaitGroup
			done.Go(func() {
				command := []string{"start", c.ID}
				if group == "createRuntime" {
					command = []string{"create", "--bundle", c.Bundle, c.ID}
				}
				if r := c.Do(command...); r.Code == 0 && group != "poststart" || !strings.Contains(r.Stderr, "init process") && group == "createRuntime" {
					t.Errorf("%v: %+v", command, r)
				}
			})
			h.runs(t)
			begin := time.Now()
			c.Must("delete", "--force", c.ID)
			if d := time.Since(begin); d > 10*time.Second {
				t.Errorf("delete took %v", d)
			}
			h.release(t) // poststart hooks may want to do something when it has ended already
			done.Wait()
			if left := c.WaitClean(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// TestPoststartMeanwhile: a poststart hook may do to the container what anybody may.
func TestPoststartMeanwhile(t *testing.T) {
	require.Root(t)
	for _, command := range []string{"start", "run"} {
		t.Run(command, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
			cmd := c.Cmd("update", "--pids-limit", "50", c.ID)
			c.Spec.Hooks = &specs.Hooks{Poststart: outsideHook(strings.Join(cmd.Args, " ") + " >" + out + " 2>&1; echo $? >>" + out)}
			c.Write()
			begin := time.Now()
			if command == "start" {
				c.Create()
				c.Start()
			} else {
				c.Must("run", "--detach", "--bundle", c.Bundle, c.ID)
			}
			if d := time.Since(begin); d > 15*time.Second {
				t.Errorf("it took %v", d)
			}
			if text, err := os.ReadFile(out); err != nil || string(text) != "0\n" {
				t.Errorf("the hook: %q, %v", text, err)
			}
		})
	}
}

// TestPoststartFails: the hook may even have deleted the container.
func TestPoststartFails(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
	for _, before := range []string{"true", strings.Join(c.Cmd("delete", "--force", c.ID).Args, " ")} {
		c.Spec.Hooks = &specs.Hooks{Poststart: outsideHook(before + "; exit 3")}
		c.Write()
		if r := c.Do("run", "--detach", "--bundle", c.Bundle, c.ID); r.Code != 1 || !strings.Contains(r.Stderr, "poststart hook #0") {
			t.Errorf("%s: %+v", before, r)
		}
		if left := c.WaitClean(); len(left) > 0 {
			t.Errorf("%s: left behind: %q", before, left)
		}
	}
}

// TestPoststartFailsAfterStart: it ends the whole container, also one that does not end with its init.
func TestPoststartFailsAfterStart(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.WithoutNamespace(specs.PIDNamespace), fixtures.Shell("sleep 300 & sleep 300 & touch /tmp/runs; wait"))
	c.Spec.Hooks = &specs.Hooks{Poststart: outsideHook("until [ -e " + c.Rootfs("tmp/runs") + " ]; do sleep 0.02; done; exit 3")}
	c.Write()
	c.Create()
	if r := c.Do("start", c.ID); r.Code != 1 || !strings.Contains(r.Stderr, "poststart hook #0") {
		t.Errorf("start: %+v", r)
	}
	c.WaitStatus(specs.StateStopped)
	eventually(t, "all processes have ended", func() bool { return c.Must("ps", "--format", "json", c.ID) == "null\n" })
	c.Must("delete", c.ID)
}

// TestKillAllAndPause: signals for all processes do not undo a pause that comes meanwhile.
func TestKillAllAndPause(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		c := sleeping(t)
		for range 40 {
			c.Must("exec", "--detach", c.ID, "/bin/sleep", "300")
		}
		for range 10 {
			var done sync.WaitGroup
			done.Go(func() {
				if r := c.Do("kill", "--all", c.ID, "WINCH"); r.Code != 0 {
					t.Errorf("kill: %+v", r)
				}
			})
			done.Go(func() {
				if r := c.Do("state", c.ID); r.Code != 0 {
					t.Errorf("state: %+v", r)
				}
			})
			c.Must("pause", c.ID)
			done.Wait()
			want(t, "status", string(c.State().Status), "paused")
			c.Must("resume", c.ID)
		}
	})
}

// TestDamagedProcess: a container whose process is not known is not taken for one that has stopped.
func TestDamagedProcess(t *testing.T) {
	require.Root(t)
	c := sleeping(t)
	pid := c.State().Pid
	file := filepath.Join(c.Root, c.ID, "pid")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := c.Do("delete", c.ID)
	if r.Code != 1 || !strings.Contains(r.Stderr, "use --force") {
		t.Errorf("delete: %+v", r)
	}
	namespaceOf(t, pid, "pid") // is still there
	c.Must("delete", "--force", c.ID)
	if left := c.WaitClean(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
