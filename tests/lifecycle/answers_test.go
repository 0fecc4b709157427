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

// answer is what a command says of a container in some status: runc's exit code, and a part of its message.
type answer struct {
	args []string // {id} stands for the id
	code int
	says string
}

// TestAnswers asks for what cannot be in each status, in an order in which nothing changes.
func TestAnswers(t *testing.T) {
	require.Root(t)
	tests := []struct {
		status  string
		reach   func(c *fixtures.Container)
		answers []answer
	}{
		{"missing", func(*fixtures.Container) {}, []answer{
			{[]string{"start", "{id}"}, 1, "container does not exist"},
			{[]string{"state", "{id}"}, 1, "container does not exist"},
			{[]string{"kill", "{id}", "KILL"}, 1, "container does not exist"},
			{[]string{"delete", "{id}"}, 1, "container does not exist"},
			{[]string{"delete", "--force", "{id}"}, 0, ""},
			{[]string{"pause", "{id}"}, 1, "container does not exist"},
			{[]string{"exec", "{id}", "true"}, 255, "exec failed: container does not exist"},
			{[]string{"ps", "{id}"}, 1, "container does not exist"},
		}},
		{"created", func(c *fixtures.Container) { c.Create() }, []answer{
			{[]string{"create", "{id}"}, 1, "container with given ID already exists"},
			{[]string{"run", "{id}"}, 1, "container with given ID already exists"},
			{[]string{"resume", "{id}"}, 1, "container not paused"},
			{[]string{"kill", "{id}", "XYZ"}, 1, `unknown signal "XYZ"`},
			{[]string{"exec", "{id}", "/bin/true"}, 0, ""},
		}},
		{"running", func(c *fixtures.Container) { c.Create(); c.Start() }, []answer{
			{[]string{"start", "{id}"}, 1, "cannot start an already running container"},
			{[]string{"delete", "{id}"}, 1, "that is not stopped: running"},
			{[]string{"resume", "{id}"}, 1, "container not paused"},
			{[]string{"exec", "{id}", "/bin/sh", "-c", "exit 7"}, 7, ""},
			{[]string{"exec", "{id}", "/bin/sh", "-c", "kill -9 $$"}, 137, ""},
			{[]string{"exec", "{id}", "nonesuch"}, 255, "executable file not found in $PATH"},
			{[]string{"exec", "{id}", "/none/such"}, 255, "stat /none/such: no such file or directory"},
			{[]string{"exec", "--user", "u", "{id}", "true"}, 255, "--user"},
			{[]string{"exec", "--cwd", "relative", "{id}", "true"}, 255, "cwd"},
		}},
		{"paused", func(c *fixtures.Container) { c.Create(); c.Start(); c.Must("pause", c.ID) }, []answer{
			{[]string{"start", "{id}"}, 1, "in the paused state"},
			{[]string{"delete", "{id}"}, 1, "that is not stopped: paused"},
			{[]string{"exec", "{id}", "true"}, 255, "cannot exec in a paused container (use --ignore-paused to override)"},
			{[]string{"pause", "{id}"}, 1, "container not running"},
		}},
		{"stopped", func(c *fixtures.Container) {
			c.Create()
			c.Start()
			c.Must("kill", c.ID, "9")
			c.WaitStatus(specs.StateStopped)
		}, []answer{
			{[]string{"start", "{id}"}, 1, "cannot start a container that has stopped"},
			{[]string{"kill", "{id}", "KILL"}, 1, "container not running"},
			{[]string{"kill", "--all", "{id}", "9"}, 0, ""},
			{[]string{"exec", "{id}", "true"}, 255, "cannot exec in a stopped container"},
			{[]string{"pause", "{id}"}, 1, "container not running"},
			{[]string{"resume", "{id}"}, 1, "container not paused"},
			{[]string{"create", "{id}"}, 1, "container with given ID already exists"},
			{[]string{"update", "--pids-limit", "7", "{id}"}, 1, "container not running"},
			{[]string{"ps", "--format", "json", "{id}"}, 0, ""},
			{[]string{"delete", "{id}"}, 0, ""},
			{[]string{"delete", "{id}"}, 1, "container does not exist"},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.status, func(t *testing.T) {
			c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
			tt.reach(c)
			if tt.status != "missing" {
				c.WaitStatus(specs.ContainerState(tt.status))
			}
			for _, a := range tt.answers {
				args := make([]string, len(a.args))
				for i, w := range a.args {
					args[i] = strings.ReplaceAll(w, "{id}", c.ID)
				}
				r := c.Do(args...)
				if r.Code != a.code || !strings.Contains(plain(r.Stderr), a.says) {
					t.Errorf("%v: exit code %d, want %d; says %q, want %q", a.args, r.Code, a.code, r.Stderr, a.says)
				}
			}
		})
	}
}

// TestStatuses follows one container through its life.
func TestStatuses(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		c := fixtures.New(t, fixtures.Shell("trap 'exit 3' TERM; while :; do sleep 0.05; done"))
		c.Create()
		c.WaitStatus(specs.StateCreated)
		c.Start()
		c.WaitStatus(specs.StateRunning)
		c.Must("pause", c.ID)
		c.WaitStatus("paused")
		c.Must("resume", c.ID)
		c.WaitStatus(specs.StateRunning)
		c.Must("kill", c.ID) // TERM
		c.WaitStatus(specs.StateStopped)
		c.Must("delete", c.ID)
		if left := c.WaitClean(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

// TestKillPaused shows that a paused container can be killed and deleted by force.
func TestKillPaused(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		c := sleeping(t)
		c.Must("pause", c.ID)
		c.Must("kill", c.ID, "KILL")
		c.WaitStatus(specs.StateStopped)
		c.Must("delete", c.ID)
		c.Create()
		c.Start()
		c.Must("pause", c.ID)
		c.Must("delete", "--force", c.ID)
		if left := c.WaitClean(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

func TestDeleteCreated(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t)
	c.Create()
	pid := c.State().Pid
	c.Must("delete", c.ID)
	eventually(t, "the init is gone", func() bool {
		_, err := os.Stat("/proc/" + strconv.Itoa(pid))
		return err != nil
	})
}

func TestIDs(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t)
	for _, id := range []string{"", ".", "..", "a/b", "../up", "a b", "a\nb", "ü", strings.Repeat("a", 1025)} {
		r := c.Do("create", "--bundle", c.Bundle, "--", id)
		if r.Code != 1 {
			t.Errorf("create %q: %+v", id, r)
		}
	}
	for _, id := range []string{"a", "A.b_c+d-1", strings.Repeat("i", 200)} {
		c.ID = id
		c.Create()
		want(t, "id", c.State().ID, id)
		c.Must("delete", id)
	}
	if names, err := os.ReadDir(c.Root); err != nil || len(names) > 0 && !strings.HasPrefix(names[0].Name(), ".") {
		t.Errorf("the state directory holds %v, %v", names, err)
	}
}

func TestExitCodes(t *testing.T) {
	require.Root(t)
	tests := []struct {
		script string
		code   int
	}{{"exit 0", 0}, {"exit 7", 7}, {"exit 255", 255}, {"kill -9 $$", 0}}
	for _, tt := range tests {
		c := fixtures.New(t, fixtures.Shell(tt.script))
		if r := c.Run(); r.Code != tt.code {
			t.Errorf("%s: exit code %d, want %d", tt.script, r.Code, tt.code)
		}
	}
	// Only from outside can the first process of a PID namespace be killed.
	c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
	codes := make(chan int)
	go func() { codes <- c.Run().Code }()
	eventually(t, "the program runs", func() bool {
		var state specs.State
		if json.Unmarshal([]byte(c.Do("state", c.ID).Stdout), &state) != nil {
			return false
		}
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", state.Pid))
		return err == nil && string(name) == "sleep\n"
	})
	c.Must("kill", c.ID, "KILL")
	if code := <-codes; code != 137 {
		t.Errorf("killed: exit code %d", code)
	}
}

func TestPrograms(t *testing.T) {
	tests := []struct {
		name, program, says string
	}{
		{"not in PATH", "nonesuch", `exec: "nonesuch": executable file not found in $PATH`},
		{"missing", "/none/such", `exec: "/none/such": stat /none/such: no such file or directory`},
		{"missing relative", "./such", `no such file or directory`},
		{"directory", "/etc", `exec: "/etc": is a directory`},
		{"not executable", "/etc/passwd", `exec: "/etc/passwd": permission denied`},
		{"below a file", "/etc/passwd/x", `not a directory`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wantIn(t, "message", refused(t, fixtures.Args(tt.program)), tt.says)
		})
	}
	t.Run("found in PATH", func(t *testing.T) {
		want(t, "stdout", output(t, fixtures.Args("echo", "found")), "found")
	})
	t.Run("script without interpreter", func(t *testing.T) {
		require.Root(t)
		c := fixtures.New(t, fixtures.Args("/script"))
		if err := os.WriteFile(c.Rootfs("script"), []byte("#!/none/such\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		r := c.Run()
		if r.Code == 0 || !strings.Contains(r.Stderr, "no such file or directory") {
			t.Errorf("run: %+v", r)
		}
	})
	t.Run("not a program", func(t *testing.T) {
		require.Root(t)
		c := fixtures.New(t, fixtures.Args("/garbage"))
		if err := os.WriteFile(c.Rootfs("garbage"), []byte{1, 2, 3}, 0o755); err != nil {
			t.Fatal(err)
		}
		c.Create()
		r := c.Do("start", c.ID)
		if r.Code == 0 || !strings.Contains(r.Stderr, "exec format error") {
			t.Errorf("start: %+v", r)
		}
		c.WaitStatus(specs.StateStopped)
	})
}

func TestPidFile(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
	file := filepath.Join(filepath.Dir(c.Bundle), "pid")
	c.Must("create", "--bundle", c.Bundle, "--pid-file", file, c.ID)
	text, err := os.ReadFile(file)
	if err != nil || string(text) != strconv.Itoa(c.State().Pid) {
		t.Errorf("pid file %q, %v; state has %d", text, err, c.State().Pid)
	}
	c.Start()
	c.Must("exec", "--detach", "--pid-file", file, c.ID, "/bin/sleep", "301")
	if text, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile("/proc/" + string(text) + "/cmdline")
	if err != nil || string(line) != "/bin/sleep\x00301\x00" {
		t.Errorf("process %q of exec's pid file: %q, %v", text, line, err)
	}
}

// TestLogIsOneObject pins what podman needs: a failing call leaves one JSON object in the log, whatever it warned of.
func TestLogIsOneObject(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.Args("/none/such"), func(s *specs.Spec) {
		s.Process.Capabilities.Bounding = append(s.Process.Capabilities.Bounding, "CAP_NONESUCH") // a warning
	})
	log := filepath.Join(filepath.Dir(c.Bundle), "log.json")
	r := c.Do("--log", log, "--log-format", "json", "create", "--bundle", c.Bundle, c.ID)
	if r.Code != 1 {
		t.Errorf("create: %+v", r)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var entry struct {
		Level, Msg string
		Time       time.Time
	}
	if err := json.Unmarshal(text, &entry); err != nil || strings.Count(string(text), "\n") != 1 {
		t.Fatalf("log is not one object: %v\n%s", err, text)
	}
	if entry.Level != "error" || !strings.Contains(entry.Msg, "no such file or directory") || time.Since(entry.Time).Abs() > time.Minute {
		t.Errorf("log: %+v", entry)
	}
}

// TestRunDirectory is the form `run DIRECTORY`.
func TestRunDirectory(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.Shell("echo here"))
	renamed := filepath.Join(filepath.Dir(c.Bundle), c.ID)
	if err := os.Rename(c.Bundle, renamed); err != nil {
		t.Fatal(err)
	}
	c.Bundle = renamed
	want(t, "stdout", c.Must("run", c.Bundle), "here")
}

// TestDeleteOfPredecessor: the control group of a container that has stopped may have been given to another.
func TestDeleteOfPredecessor(t *testing.T) {
	require.Root(t)
	first := fixtures.New(t, fixtures.Args("/bin/true"))
	first.Create()
	first.Start()
	first.WaitStatus(specs.StateStopped)
	second := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
	second.Spec.Linux.CgroupsPath = first.Spec.Linux.CgroupsPath
	second.Write()
	second.Create()
	second.Start()
	first.Must("delete", first.ID)
	if status := second.State().Status; status != specs.StateRunning {
		t.Errorf("the other container is %s", status)
	}
	second.Must("delete", "--force", second.ID)
}
