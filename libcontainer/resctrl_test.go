package libcontainer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// fakeResctrl is a directory that looks like resctrl, with a group "shared".
func fakeResctrl(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"info/L3", "mon_groups", "shared/mon_groups"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "shared/schemata"), []byte("L3:0=f\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	found := resctrlRoot
	resctrlRoot = func() (string, error) { return root, nil }
	t.Cleanup(func() { resctrlRoot = found })
	return root
}

// TestResctrl takes a container through the group's life: what a create made is found by each later command, which
// know what was written down only.
func TestResctrl(t *testing.T) {
	tests := []struct {
		name    string
		config  specs.LinuxIntelRdt
		dir     string // of the group, below the root
		monitor string
		stays   bool
	}{
		{"its own", specs.LinuxIntelRdt{L3CacheSchema: "L3:0=3"}, "c", "", false},
		{"its own, monitored", specs.LinuxIntelRdt{L3CacheSchema: "L3:0=3", EnableMonitoring: true}, "c", "c/mon_groups/c", false},
		{"a shared one", specs.LinuxIntelRdt{ClosID: "shared"}, "shared", "", true},
		{"a shared one, monitored", specs.LinuxIntelRdt{ClosID: "shared", EnableMonitoring: true}, "shared", "shared/mon_groups/c", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := fakeResctrl(t)
			if tt.monitor != "" && !tt.stays { // the kernel makes it with the group
				if err := os.MkdirAll(filepath.Join(root, filepath.Dir(tt.monitor)), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			r := &Runtime{Root: t.TempDir(), Warn: func(w string) { t.Errorf("warning %q", w) }}
			p := sleeper(t)
			// A cgroup without controllers, which has statistics, and none.
			pretend(t, r, "c", p, cgroup.Saved{Mode: cgroup.Legacy, Paths: map[string]string{"name=systemd": t.TempDir()}})
			v, err := r.look("c")
			if err != nil {
				t.Fatal(err)
			}
			defer v.close()
			c := &container{
				rt: r, opts: &CreateOptions{ID: "c"}, dir: v.dir, desc: *v.Container, launch: &launch{pid: p.PID},
				spec: &specs.Spec{Linux: &specs.Linux{IntelRdt: &tt.config}},
			}
			if err := c.joinRdt(); err != nil {
				t.Fatal(err)
			}
			for _, dir := range []string{tt.dir, tt.monitor} {
				if dir == "" {
					continue
				}
				tasks, err := os.ReadFile(filepath.Join(root, dir, "tasks"))
				if err != nil || string(tasks) != strconv.Itoa(p.PID) {
					t.Errorf("tasks of %s: %q %v", dir, tasks, err)
				}
			}
			if err := r.UpdateIntelRdt("c", "L3:0=1", ""); err != nil {
				t.Error(err)
			}
			stats, err := r.Stats("c")
			if err != nil {
				t.Fatal(err)
			}
			if text, err := json.Marshal(stats); err != nil || !strings.Contains(string(text), `"l3_cache_schema":"L3:0=1"`) {
				t.Errorf("stats %s %v", text, err)
			}
			if err := r.Delete("c", true); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(root, tt.dir)); (err == nil) != tt.stays {
				t.Errorf("after delete the group is there: %t, want %t", err == nil, tt.stays)
			}
			if _, err := os.Stat(filepath.Join(root, tt.monitor)); tt.monitor != "" && err == nil {
				t.Error("delete leaves the monitoring group")
			}
		})
	}
}

// TestResctrlRecordedFirst: a create that fails, or is killed, has said before what it was to make.
func TestResctrlRecordedFirst(t *testing.T) {
	root := fakeResctrl(t)
	dir, err := state.Create(t.TempDir(), "c")
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	c := &container{
		rt: &Runtime{}, opts: &CreateOptions{ID: "c"}, dir: dir, launch: &launch{pid: 1},
		spec: &specs.Spec{Linux: &specs.Linux{IntelRdt: &specs.LinuxIntelRdt{EnableMonitoring: true}}},
	}
	if err := c.joinRdt(); err == nil { // this mkdir makes no mon_groups
		t.Fatal("a monitoring group was made in no directory")
	}
	written, err := dir.Container()
	if err != nil {
		t.Fatal(err)
	}
	want := state.Resctrl{Root: root, Dir: root + "/c", Own: true, Monitor: root + "/c/mon_groups/c"}
	if written.Resctrl != want {
		t.Errorf("recorded %+v, want %+v", written.Resctrl, want)
	}
}
