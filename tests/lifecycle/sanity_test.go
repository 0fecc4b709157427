package lifecycle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestStateDocument has the fields of runtime.md, "State", and runc's.
func TestStateDocument(t *testing.T) {
	c := sleeping(t, func(s *specs.Spec) { s.Annotations = map[string]string{"org.example.key": "a \"value\"\n"} })
	var s struct {
		specs.State
		Rootfs  string
		Created time.Time
		Owner   *string
	}
	if err := json.Unmarshal([]byte(c.Must("state", c.ID)), &s); err != nil {
		t.Fatal(err)
	}
	if s.Version != c.Spec.Version || s.ID != c.ID || s.Status != specs.StateRunning || s.Bundle != c.Bundle ||
		s.Rootfs != c.Rootfs("") || s.Annotations["org.example.key"] != "a \"value\"\n" || s.Owner == nil ||
		time.Since(s.Created).Abs() > time.Minute {
		t.Errorf("state %+v", s)
	}
	if _, err := os.Stat(filepath.Join("/proc", itoa(s.Pid))); err != nil {
		t.Errorf("pid %d: %v", s.Pid, err)
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestListAndPs(t *testing.T) {
	c := sleeping(t)
	var list []struct {
		ID, Status, Bundle string
		Pid                int
	}
	if err := json.Unmarshal([]byte(c.Must("list", "--format", "json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || list[0].ID != c.ID || list[0].Status != "running" || list[0].Pid != c.State().Pid {
		t.Errorf("list: %+v", list)
	}
	want(t, "list -q", c.Must("list", "-q"), c.ID)
	c.Must("exec", "--detach", c.ID, "/bin/sleep", "301")
	var pids []int
	if err := json.Unmarshal([]byte(c.Must("ps", "--format", "json", c.ID)), &pids); err != nil || len(pids) != 2 {
		t.Errorf("ps: %v %v", pids, err)
	}
	wantIn(t, "ps", c.Must("ps", c.ID), "/bin/sleep 301")
	c.Must("delete", "--force", c.ID)
	want(t, "an empty list", c.Must("list", "--format", "json"), "null")
}

func TestUpdateAndEvents(t *testing.T) {
	require.Root(t)
	require.Controller(t, "pids")
	c := sleeping(t)
	c.Must("update", "--pids-limit", "77", c.ID)
	dir := "/sys/fs/cgroup/pids"
	if require.IsCgroupV2() {
		dir = "/sys/fs/cgroup"
	}
	text, err := os.ReadFile(dir + c.Spec.Linux.CgroupsPath + "/pids.max")
	if err != nil {
		t.Fatal(err)
	}
	want(t, "pids.max", string(text), "77")
	c.Stdin = strings.NewReader(`{"pids":{"limit":88}}`)
	c.Must("update", "--resources", "-", c.ID)
	text, _ = os.ReadFile(dir + c.Spec.Linux.CgroupsPath + "/pids.max")
	want(t, "pids.max", string(text), "88")
	c.Stdin = nil
	var event struct {
		Type, ID string
		Data     struct{ Pids struct{ Current, Limit int } }
	}
	if err := json.Unmarshal([]byte(c.Must("events", "--stats", c.ID)), &event); err != nil {
		t.Fatal(err)
	}
	if event.Type != "stats" || event.ID != c.ID || event.Data.Pids.Limit != 88 || event.Data.Pids.Current != 1 {
		t.Errorf("event: %+v", event)
	}
}

// TestUpdateWithZeros: zeros of an engine leave a limit alone, of a container whose ociVersion says so the one of pids too.
func TestUpdateWithZeros(t *testing.T) {
	require.Root(t)
	require.Controller(t, "pids")
	for version, after := range map[string]string{"1.2.0": "77", "1.3.0": "1"} {
		c := sleeping(t, func(s *specs.Spec) {
			s.Version = version
			s.Linux.Resources.Pids = &specs.LinuxPids{Limit: ptr(int64(77))}
		})
		c.Stdin = strings.NewReader(`{"memory":{"limit":0,"disableOOMKiller":false},"cpu":{"shares":0},"pids":{"limit":0},"blockIO":{"weight":0}}`)
		c.Must("update", "--resources", "-", c.ID)
		c.Stdin = nil
		dir := "/sys/fs/cgroup/pids"
		if require.IsCgroupV2() {
			dir = "/sys/fs/cgroup"
		}
		text, err := os.ReadFile(dir + c.Spec.Linux.CgroupsPath + "/pids.max")
		if err != nil {
			t.Fatal(err)
		}
		want(t, "pids.max of a container of "+version, string(text), after)
	}
}

// TestAbsentController: a limit that this machine has no means for is an error that names it, in words that no engine
// takes for those about a missing program.
func TestAbsentController(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		tried := 0
		for controller, set := range map[string]change{
			"pids.limit": func(s *specs.Spec) { s.Linux.Resources.Pids = &specs.LinuxPids{Limit: ptr(int64(5))} },
			"memory.limit": func(s *specs.Spec) {
				s.Linux.Resources.Memory = &specs.LinuxMemory{Limit: ptr(int64(64 << 20))}
			},
			"network.classID": func(s *specs.Spec) { s.Linux.Resources.Network = &specs.LinuxNetwork{ClassID: ptr(uint32(1))} },
		} {
			c := fixtures.New(t, set)
			r := c.Do("create", "--bundle", c.Bundle, c.ID)
			if r.Code == 0 {
				continue // this machine has it
			}
			tried++
			if !strings.Contains(r.Stderr, "linux.resources."+controller+": ") || strings.Contains(r.Stderr, "no such file") {
				t.Errorf("%s: exit code %d: %s", controller, r.Code, r.Stderr)
			}
			if left := c.WaitClean(); len(left) > 0 {
				t.Errorf("%s: left behind: %q", controller, left)
			}
		}
		if tried == 0 {
			t.Skip("this machine has all the controllers that are tried")
		}
	})
}

// TestPidsLimit shows that a limit of the configuration holds from the first moment.
func TestPidsLimit(t *testing.T) {
	require.Root(t)
	require.Controller(t, "pids")
	got := output(t, func(s *specs.Spec) { s.Linux.Resources.Pids = &specs.LinuxPids{Limit: ptr(int64(5))} },
		fixtures.Shell("(sleep 9 & sleep 9 & sleep 9 & sleep 9 & sleep 9 & sleep 9 &) 2>&1 | head -n 1; true"))
	wantIn(t, "output", got, "fork")
}

// TestNoPIDNamespace shows that kill and delete reach all processes of a container that has none of its own.
func TestNoPIDNamespace(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		c := fixtures.New(t, fixtures.WithoutNamespace(specs.PIDNamespace), fixtures.Shell("setsid sleep 301 & sleep 302"))
		c.Create()
		c.Start()
		eventually(t, "both run", func() bool { return strings.Count(c.Must("ps", c.ID), "sleep 30") >= 2 })
		c.Must("kill", c.ID, "KILL")
		c.WaitStatus(specs.StateStopped)
		c.Must("delete", c.ID)
		if left := c.WaitClean(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}
