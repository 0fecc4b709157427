package lifecycle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// A hook outside of the container writes to a directory of the host, one inside to /tmp, which the bundle shows.

func outsideHook(script string) []specs.Hook {
	return []specs.Hook{{Path: "/bin/sh", Args: []string{"hook", "-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}}
}

func insideHook(script string) []specs.Hook {
	return []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/bin"}}}
}

// TestHookOrder follows all groups through a life: order, namespaces, state on stdin, environment, working directory.
func TestHookOrder(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, func(s *specs.Spec) { s.Annotations = map[string]string{"key": "value"} },
		fixtures.Shell("readlink /proc/self/ns/uts >/tmp/program; echo program >>/tmp/order; sleep 300"))
	log, nsFile := c.Rootfs("tmp/order"), c.Rootfs("tmp")+"/"
	out := func(name string) []specs.Hook {
		return outsideHook("cat >" + nsFile + name + ".state; readlink /proc/self/ns/uts >" + nsFile + name + ".ns; echo " + name + " >>" + log)
	}
	in := func(name string) []specs.Hook {
		return insideHook("cat >/tmp/" + name + ".state; readlink /proc/self/ns/uts >/tmp/" + name + ".ns; echo " + name + " >>/tmp/order; echo $0 $PATH >/tmp/" + name + ".env")
	}
	c.Spec.Hooks = &specs.Hooks{
		Prestart:      out("prestart"),                                               //nolint:staticcheck // deprecated, and what docker uses
		CreateRuntime: out("createRuntime"), CreateContainer: out("createContainer"), // by the host's paths
		StartContainer: in("startContainer"), Poststart: out("poststart"), Poststop: out("poststop"),
	}
	c.Write()
	c.Create()
	pid := c.State().Pid
	c.Start()
	eventually(t, "the program runs", func() bool { text, _ := os.ReadFile(log); return strings.Contains(string(text), "program") })
	c.Must("kill", c.ID, "KILL")
	c.WaitStatus(specs.StateStopped)
	c.Must("delete", c.ID)
	order, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	// The program and poststart race.
	got := strings.ReplaceAll(strings.ReplaceAll(string(order), "program\n", ""), "\n", " ")
	want(t, "order", got, "prestart createRuntime createContainer startContainer poststart poststop")
	hookStates(t, nsFile, c.ID, pid)
}

// hookStates checks what each hook was told, and in which namespace it ran.
func hookStates(t *testing.T, dir, id string, pid int) {
	t.Helper()
	hostNS, err := os.Readlink("/proc/self/ns/uts")
	if err != nil {
		t.Fatal(err)
	}
	for name, status := range map[string]specs.ContainerState{
		"prestart": "creating", "createRuntime": "creating", "createContainer": "creating",
		"startContainer": "created", "poststart": "running", "poststop": "stopped",
	} {
		raw, err := os.ReadFile(dir + name + ".state")
		if err != nil {
			t.Error(err)
			continue
		}
		var s specs.State
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Errorf("%s: %v: %s", name, err, raw)
			continue
		}
		if s.ID != id || s.Status != status || s.Annotations["key"] != "value" || s.Version == "" || !filepath.IsAbs(s.Bundle) {
			t.Errorf("%s: state %+v, want status %s", name, s, status)
		}
		ns, _ := os.ReadFile(dir + name + ".ns")
		inside := name == "createContainer" || name == "startContainer"
		wantPID := pid
		switch {
		case inside:
			wantPID = 1
		case name == "poststop":
			wantPID = 0
		}
		if s.Pid != wantPID {
			t.Errorf("%s: pid %d, want %d", name, s.Pid, wantPID)
		}
		if (strings.TrimSpace(string(ns)) != hostNS) != inside {
			t.Errorf("%s: ran in %s, the host is %s", name, ns, hostNS)
		}
	}
}

// TestHookFailures shows which failures end the container, that poststop still runs, and what is said.
func TestHookFailures(t *testing.T) {
	require.Root(t)
	tests := []struct {
		name   string
		set    func(h *specs.Hooks, list []specs.Hook)
		inside bool
		fails  string // command
	}{
		{"prestart", func(h *specs.Hooks, l []specs.Hook) { h.Prestart = l }, false, "create"}, //nolint:staticcheck // deprecated
		{"createRuntime", func(h *specs.Hooks, l []specs.Hook) { h.CreateRuntime = l }, false, "create"},
		{"createContainer", func(h *specs.Hooks, l []specs.Hook) { h.CreateContainer = l }, true, "create"},
		{"startContainer", func(h *specs.Hooks, l []specs.Hook) { h.StartContainer = l }, true, "start"},
		{"poststart", func(h *specs.Hooks, l []specs.Hook) { h.Poststart = l }, false, "start"},
		{"poststop", func(h *specs.Hooks, l []specs.Hook) { h.Poststop = l }, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
			stopped := filepath.Join(filepath.Dir(c.Bundle), "stopped")
			c.Spec.Hooks = &specs.Hooks{Poststop: outsideHook("echo >" + stopped)}
			hook := outsideHook
			if tt.inside {
				hook = insideHook
			}
			tt.set(c.Spec.Hooks, hook("echo complaint >&2; exit 3"))
			c.Write()
			create := c.Do("create", "--bundle", c.Bundle, c.ID)
			if tt.fails == "create" {
				failedHook(t, create, tt.name)
				if left := c.WaitClean(); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
				if _, err := os.Stat(stopped); err != nil {
					t.Errorf("poststop did not run: %v", err)
				}
				return
			}
			start := c.Do("start", c.ID)
			if tt.fails == "start" {
				failedHook(t, start, tt.name)
				c.WaitStatus(specs.StateStopped)
				c.Must("delete", c.ID)
				return
			}
			c.Must("kill", c.ID, "KILL")
			c.WaitStatus(specs.StateStopped)
			r := c.Do("delete", c.ID)
			if r.Code != 0 || !strings.Contains(r.Stderr, "complaint") {
				t.Errorf("delete with a poststop hook that fails: %+v", r)
			}
		})
	}
}

func failedHook(t *testing.T, r fixtures.Result, name string) {
	t.Helper()
	if r.Code != 1 || !strings.Contains(plain(r.Stderr), "run "+name+" hook #0 \"/bin/sh\": exit status 3, stderr: complaint") {
		t.Errorf("%+v", r)
	}
}

// TestCreateContainerHookSeesRoot: such a hook begins in the root file system by the host's path, and what it mounts
// there is the container's alone.
func TestCreateContainerHookSeesRoot(t *testing.T) {
	require.Root(t)
	for name, flags := range map[string][]string{"pivot": nil, "no pivot": {"--no-pivot"}} {
		t.Run(name, func(t *testing.T) {
			c := fixtures.New(t, fixtures.Shell("cat /tmp/pwd /mnt/relative /var/absolute"))
			for _, dir := range []string{"mnt", "var"} {
				if err := os.MkdirAll(c.Rootfs(dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			c.Spec.Hooks = &specs.Hooks{CreateContainer: outsideHook("pwd -P >" + c.Rootfs("tmp/pwd") +
				" && mount -t tmpfs none mnt && echo one >mnt/relative" +
				" && mount -t tmpfs none " + c.Rootfs("var") + " && echo two >" + c.Rootfs("var/absolute"))}
			c.Write()
			r := c.Do(append(append([]string{"run"}, flags...), "--bundle", c.Bundle, c.ID)...)
			if want := c.Rootfs("") + "\none\ntwo\n"; r.Code != 0 || r.Stdout != want {
				t.Errorf("got %+v, want the output %q", r, want)
			}
			for _, file := range []string{"mnt/relative", "var/absolute"} {
				if _, err := os.Stat(c.Rootfs(file)); err == nil {
					t.Errorf("%s is on the host", file)
				}
			}
		})
	}
}

// TestHookPID: hooks in a PID namespace that is not the container's own are told the init's number there.
func TestHookPID(t *testing.T) {
	require.Root(t)
	hold := sleeping(t)
	joined := fixtures.WithNamespace(specs.PIDNamespace, fmt.Sprintf("/proc/%d/ns/pid", hold.State().Pid))
	for name, change := range map[string]change{"joined": joined, "none": fixtures.WithoutNamespace(specs.PIDNamespace)} {
		t.Run(name, func(t *testing.T) {
			text := output(t, fixtures.Shell("cat /tmp/state; echo; echo $$"), change, func(s *specs.Spec) {
				s.Hooks = &specs.Hooks{StartContainer: insideHook("cat >/tmp/state")}
			})
			var s specs.State
			state, pid, _ := strings.Cut(text, "\n")
			if err := json.Unmarshal([]byte(state), &s); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if want := strings.TrimSpace(pid); s.Pid <= 1 || strconv.Itoa(s.Pid) != want {
				t.Errorf("the hook was told %d, the program is %s", s.Pid, want)
			}
		})
	}
}

// TestHookEnvironment: without env a hook outside has the runtime's environment, one before the change of root none,
// one inside the program's; an empty list is none, but for the last.
func TestHookEnvironment(t *testing.T) {
	require.Root(t)
	const program = "GSPAWN_OF=program\nHOME=/root"
	for name, tt := range map[string]struct {
		env              []string
		outside, started string
	}{"absent": {nil, "GSPAWN_OF=runtime", program}, "empty": {[]string{}, "", program}, "given": {[]string{"A=1"}, "A=1", "A=1"}} {
		t.Run(name, func(t *testing.T) {
			c := fixtures.New(t, fixtures.Args("/bin/true"), func(s *specs.Spec) { s.Process.Env = []string{"PATH=/bin", "GSPAWN_OF=program"} })
			hook := func(name string, in bool) []specs.Hook {
				file := c.Rootfs("tmp/" + name)
				if in {
					file = "/tmp/" + name
				}
				// Shells add variables of their own, PATH among them.
				return []specs.Hook{{Path: "/bin/sh", Env: tt.env, Args: []string{"sh", "-c",
					"PATH=/usr/bin:/bin; env | grep -E '^(A|GSPAWN_OF|HOME)=' | sort >" + file}}}
			}
			h := &specs.Hooks{
				Prestart:      hook("prestart", false), //nolint:staticcheck // deprecated, and what docker uses
				CreateRuntime: hook("createRuntime", false), CreateContainer: hook("createContainer", false),
				StartContainer: hook("startContainer", true), Poststart: hook("poststart", false), Poststop: hook("poststop", false),
			}
			writeHooks(t, c, h, tt.env != nil)
			cmd := c.Cmd("run", "--bundle", c.Bundle, c.ID)
			cmd.Env = []string{"GSPAWN_OF=runtime"}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for name, expected := range map[string]string{
				"prestart": tt.outside, "createRuntime": tt.outside, "createContainer": strings.Join(tt.env, "\n"),
				"startContainer": tt.started, "poststart": tt.outside, "poststop": tt.outside,
			} {
				got, err := os.ReadFile(c.Rootfs("tmp/" + name))
				if err != nil {
					t.Error(err)
				}
				want(t, "the environment of "+name, string(got), expected)
			}
		})
	}
}

// writeHooks writes the configuration with hooks, whose empty env specs.Hook leaves out.
func writeHooks(t *testing.T, c *fixtures.Container, h *specs.Hooks, withEnv bool) {
	t.Helper()
	c.Spec.Hooks = h
	raw, err := json.Marshal(c.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	for _, list := range config["hooks"].(map[string]any) {
		hook := list.([]any)[0].(map[string]any)
		if _, ok := hook["env"]; !ok && withEnv {
			hook["env"] = []string{}
		}
	}
	if raw, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	c.WriteRaw(raw)
}

func TestHookTimeout(t *testing.T) {
	start := time.Now()
	message := refused(t, func(s *specs.Spec) {
		h := outsideHook("sleep 30")
		h[0].Timeout = ptr(1)
		s.Hooks = &specs.Hooks{CreateRuntime: h}
	})
	wantIn(t, "message", message, "timed out after 1s")
	if d := time.Since(start); d > 8*time.Second {
		t.Errorf("it took %v", d)
	}
}

func TestHookMissing(t *testing.T) {
	for _, set := range []func(*specs.Hooks, []specs.Hook){
		func(h *specs.Hooks, l []specs.Hook) { h.CreateRuntime = l },
		func(h *specs.Hooks, l []specs.Hook) { h.CreateContainer = l },
	} {
		wantIn(t, "message", refused(t, func(s *specs.Spec) {
			s.Hooks = &specs.Hooks{}
			set(s.Hooks, []specs.Hook{{Path: "/none/such"}})
		}), "/none/such")
	}
}

// TestPoststopOfKilledInit: what createRuntime hooks set up is taken down also when the init dies while it is made.
func TestPoststopOfKilledInit(t *testing.T) {
	require.Root(t)
	note := filepath.Join(t.TempDir(), "note")
	shell := func(script string) []specs.Hook {
		return []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", script}}}
	}
	c := fixtures.New(t, fixtures.Args("/bin/true"), func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{
			CreateRuntime: shell(`kill -9 $(sed 's/.*"pid": *\([0-9]*\).*/\1/')`),
			Poststop:      shell("echo stopped >" + note),
		}
	})
	r := c.Do("create", "--bundle", c.Bundle, c.ID)
	if r.Code != 1 || !strings.Contains(r.Stderr, "killed by signal 9") {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
	if text, err := os.ReadFile(note); string(text) != "stopped\n" {
		t.Errorf("the poststop hook wrote %q: %v", text, err)
	}
}

// TestStartHookConfined: a startContainer hook is a program of the container, maybe the image's, and has no more rights than
// the container's process.
func TestStartHookConfined(t *testing.T) {
	require.Root(t)
	const script = "grep -E 'Uid|Gid|Groups|Cap|NoNewPrivs' /proc/self/status"
	for name, change := range map[string]change{
		"root": func(*specs.Spec) {},
		"user": func(s *specs.Spec) {
			s.Process.User = specs.User{UID: 1000, GID: 1000, AdditionalGids: []uint32{2000}}
			s.Process.Capabilities.Ambient = nil
		},
		"no_new_privs":   func(s *specs.Spec) { s.Process.NoNewPrivileges = true },
		"user namespace": fixtures.WithUserNamespace(100000, 65536),
	} {
		c := fixtures.New(t, change, tmpfs("/tmp", "mode=1777"), fixtures.Shell("cat /tmp/hook; echo program; "+script))
		c.Spec.Hooks = &specs.Hooks{StartContainer: insideHook(script + " >/tmp/hook")}
		c.Write()
		for _, start := range []func() string{
			func() string { return c.Must("run", "--bundle", c.Bundle, c.ID) },
			func() string {
				file := filepath.Join(t.TempDir(), "out")
				out, err := os.Create(file)
				if err != nil {
					t.Fatal(err)
				}
				defer out.Close()
				create := c.Cmd("create", "--bundle", c.Bundle, c.ID)
				create.Stdout = out
				if err := create.Run(); err != nil {
					t.Fatal(err)
				}
				c.Start()
				c.WaitStatus(specs.StateStopped)
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				return string(text)
			},
		} {
			hook, program, ok := strings.Cut(start(), "program\n")
			if !ok || strings.TrimSpace(hook) != strings.TrimSpace(program) || strings.Count(hook, "\n") < 9 {
				t.Errorf("%s: the hook has\n%sthe program\n%s", name, hook, program)
			}
		}
	}
}
