package cgroup

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got, as indented JSON, with a file under testdata.
func golden(t *testing.T, name string, got any) {
	t.Helper()
	data, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	data = append(data, '\n')
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != string(want) {
		t.Errorf("differs from %s (go test -update writes it):\n%s", file, data)
	}
}

// TestResourcesOfEveryController gives every field of linux.resources a value of its own
// and holds the result against a file that was checked by eye: a field that is forgotten
// or mixed up shows.
func TestResourcesOfEveryController(t *testing.T) {
	const in = `{
	"devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}, {"allow": true, "type": "b", "major": 8, "access": "r"}],
	"memory": {"limit": 101, "reservation": 102, "swap": 103, "swappiness": 60, "disableOOMKiller": true, "useHierarchy": true, "checkBeforeUpdate": true},
	"cpu": {"shares": 1024, "quota": 201, "burst": 202, "period": 203, "realtimeRuntime": 204, "realtimePeriod": 205, "cpus": "0-1", "mems": "0", "idle": 1},
	"pids": {"limit": 301},
	"blockIO": {"weight": 401, "leafWeight": 402, "weightDevice": [{"major": 8, "minor": 1, "weight": 403, "leafWeight": 404}],
		"throttleReadBpsDevice": [{"major": 8, "minor": 2, "rate": 405}], "throttleWriteBpsDevice": [{"major": 8, "minor": 3, "rate": 406}],
		"throttleReadIOPSDevice": [{"major": 8, "minor": 4, "rate": 407}], "throttleWriteIOPSDevice": [{"major": 8, "minor": 5, "rate": 408}]},
	"hugepageLimits": [{"pageSize": "2MB", "limit": 501}],
	"network": {"classID": 601, "priorities": [{"name": "eth0", "priority": 602}]},
	"rdma": {"mlx5_1": {"hcaHandles": 701, "hcaObjects": 702}},
	"unified": {"memory.high": "801"}}`
	var r specs.LinuxResources
	if err := json.Unmarshal([]byte(in), &r); err != nil {
		t.Fatal(err)
	}
	unified := r.Unified
	r.Unified = nil // the one that v1 has not
	got, err := Resources(Input{Resources: &r, Mode: Hybrid, Version: "1.3.0"})
	if err != nil {
		t.Fatal(err)
	}
	both, err := Resources(Input{Resources: &specs.LinuxResources{Unified: unified}, Mode: Unified, Version: "1.3.0"})
	if err != nil {
		t.Fatal(err)
	}
	got.Unified = both.Unified
	golden(t, "resources.json", got)
}

func TestResources(t *testing.T) {
	zero, unlimited := int64(0), int64(-1)
	pids := func(l *int64, version string) Input {
		return Input{Resources: &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: l}}, Version: version}
	}
	rule := func(d specs.LinuxDeviceCgroup) Input {
		return Input{Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Access: "rwm"}, d}}}
	}
	tests := []struct {
		name    string
		in      Input
		check   func(*Limits) bool
		wantErr string
	}{
		{name: "nothing but the default devices", check: func(r *Limits) bool { return len(r.Devices) == len(defaultRules) && r.PidsLimit == nil }},
		{name: "pids unlimited", in: pids(&unlimited, "1.3.0"), check: func(r *Limits) bool { return *r.PidsLimit == -1 }},
		{name: "pids 0 is a limit since 1.3", in: pids(&zero, "1.3.0"), check: func(r *Limits) bool { return *r.PidsLimit == 0 }},
		{name: "pids 0 of an unknown version", in: pids(&zero, ""), check: func(r *Limits) bool { return *r.PidsLimit == 0 }},
		{name: "pids 0 of an old engine", in: pids(&zero, "1.0.2-dev"), check: func(r *Limits) bool { return r.PidsLimit == nil }},
		{name: "pids 0 of podman 5", in: pids(&zero, "1.2.0"), check: func(r *Limits) bool { return r.PidsLimit == nil }},
		{name: "pids without a limit", in: pids(nil, "1.3.0"), check: func(r *Limits) bool { return r.PidsLimit == nil }},
		{name: "shares become a weight", in: Input{Resources: &specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: ptr(uint64(1024))}}},
			check: func(r *Limits) bool {
				return r.CpuWeight == cgroups.ConvertCPUSharesToCgroupV2Value(1024) && r.CpuWeight != 0
			}},
		{name: "deny-all comes first, the defaults last", in: Input{Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Access: "rwm"}}}},
			check: func(r *Limits) bool {
				return r.Devices[0].Type == 'a' && !r.Devices[0].Allow && len(r.Devices) == 1+len(defaultRules) && r.Devices[3].CgroupString() == "c 1:3 rwm"
			}},
		{name: "a node takes its default's place", in: Input{Devices: []specs.LinuxDevice{{Path: "/dev/null", Type: "c", Major: 9, Minor: 9}}},
			check: func(r *Limits) bool {
				for _, d := range r.Devices {
					if d.CgroupString() == "c 1:3 rwm" {
						return false
					}
				}
				return len(r.Devices) == len(defaultRules)-1
			}},
		{name: "unified on v1", in: Input{Resources: &specs.LinuxResources{Unified: map[string]string{"memory.max": "1"}}, Mode: Hybrid}, wantErr: "linux.resources.unified: unsupported operation on this host (hybrid)"},
		{name: "unified with a path", in: Input{Resources: &specs.LinuxResources{Unified: map[string]string{"../memory.max": "1"}}, Mode: Unified}, wantErr: `linux.resources.unified["../memory.max"]`},
		{name: "empty unified on v1", in: Input{Resources: &specs.LinuxResources{Unified: map[string]string{}}, Mode: Legacy}, check: func(r *Limits) bool { return r.Unified == nil }},
		{name: "device type", in: rule(specs.LinuxDeviceCgroup{Type: "p", Access: "r"}), wantErr: `linux.resources.devices[1].type "p"`},
		{name: "no access", in: rule(specs.LinuxDeviceCgroup{Type: "c"}), wantErr: "linux.resources.devices[1].access: must not be empty"},
		{name: "bad access", in: rule(specs.LinuxDeviceCgroup{Type: "c", Access: "rx"}), wantErr: `linux.resources.devices[1].access "rx"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Resources(tt.in)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !tt.check(got) {
				t.Errorf("unexpected %+v", got)
			}
		})
	}
}

// TestResourcesWithoutMeans: a field that cgroup v2 has nothing for is an error with its name, and the zeros of engines
// are none.
func TestResourcesWithoutMeans(t *testing.T) {
	for _, tt := range []struct{ in, field string }{
		{`{"memory": {"swappiness": 60}}`, "memory.swappiness"},
		{`{"memory": {"swappiness": 0}}`, "memory.swappiness"},
		{`{"memory": {"swappiness": 18446744073709551615}}`, ""},
		{`{"memory": {"disableOOMKiller": true}}`, "memory.disableOOMKiller"},
		{`{"memory": {"disableOOMKiller": false, "limit": 0, "kernel": 0}}`, ""},
		{`{"cpu": {"realtimeRuntime": 1}}`, "cpu.realtimeRuntime"},
		{`{"cpu": {"realtimePeriod": 1}}`, "cpu.realtimePeriod"},
		{`{"cpu": {"realtimeRuntime": 0, "realtimePeriod": 0}}`, ""},
		{`{"blockIO": {"leafWeight": 10}}`, "blockIO.leafWeight"},
		{`{"blockIO": {"leafWeight": 0, "weight": 0, "weightDevice": [{"major": 8, "minor": 0, "weight": 10, "leafWeight": 0}]}}`, ""},
		{`{"blockIO": {"weightDevice": [{"major": 8, "minor": 0}, {"major": 8, "minor": 1, "leafWeight": 10}]}}`, "blockIO.weightDevice[1].leafWeight"},
		{`{"network": {"classID": 1}}`, "network.classID"},
		{`{"network": {"classID": 0, "priorities": []}}`, ""},
		{`{"network": {"priorities": [{"name": "eth0", "priority": 1}]}}`, "network.priorities"},
	} {
		var r specs.LinuxResources
		if err := json.Unmarshal([]byte(tt.in), &r); err != nil {
			t.Fatal(err)
		}
		_, err := Resources(Input{Resources: &r, Mode: Unified, Version: "1.3.0"})
		if tt.field == "" && err != nil || tt.field != "" && (err == nil || !strings.HasPrefix(err.Error(), "linux.resources."+tt.field+": ")) {
			t.Errorf("%s: error %v, want one for %q", tt.in, err, tt.field)
		}
		if _, err := Resources(Input{Resources: &r, Mode: Hybrid, Version: "1.3.0"}); err != nil {
			t.Errorf("%s on v1: %v", tt.in, err)
		}
	}
}

func TestProperties(t *testing.T) {
	got, err := Properties(map[string]string{
		"org.systemd.property.KillSignal":      "37",
		"org.systemd.property.TimeoutStopUSec": "uint64 10000000",
		"org.systemd.property.TimeoutStartSec": "2.5",
		"org.systemd.property.CollectMode":     "'inactive-or-failed'",
		"org.systemd.property.Documentation":   "['a', 'b']",
		"org.opencontainers.image.stopSignal":  "37",
	})
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, p := range got {
		text = append(text, p.Name+"="+p.Value.Signature().String()+":"+p.Value.String())
	}
	const want = `CollectMode=s:"inactive-or-failed" Documentation=as:["a", "b"] KillSignal=i:37 TimeoutStartUSec=t:@t 2500000 TimeoutStopUSec=t:@t 10000000`
	if s := strings.Join(text, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	for key, value := range map[string]string{"A1b": "1", "AB": "1", "Sec": "1", "": "1", "Abc": "'", "TimeoutStopSec": "'x'", "A\xc1bc": "1"} {
		if _, err := Properties(map[string]string{"org.systemd.property." + key: value}); err == nil || !strings.Contains(err.Error(), "annotations[") {
			t.Errorf("%q=%q: error %v", key, value, err)
		}
	}
}

func TestOwnerOf(t *testing.T) {
	spec := func(change func(*specs.Spec)) *specs.Spec {
		s := &specs.Spec{
			Process: &specs.Process{User: specs.User{UID: 5}},
			Mounts:  []specs.Mount{{Destination: "/sys/fs/cgroup/", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "rw"}}},
			Linux: &specs.Linux{
				Namespaces:  []specs.LinuxNamespace{{Type: "user"}, {Type: "cgroup"}},
				UIDMappings: []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 1}, {ContainerID: 1, HostID: 100000, Size: 10}},
			},
		}
		change(s)
		return s
	}
	tests := []struct {
		name   string
		change func(*specs.Spec)
		want   int // -1 is nobody
	}{
		{"mapped user", func(*specs.Spec) {}, 100004},
		{"mapped root", func(s *specs.Spec) { s.Process.User.UID = 0 }, 1000},
		{"no process", func(s *specs.Spec) { s.Process = nil }, 1000},
		{"unmapped user", func(s *specs.Spec) { s.Process.User.UID = 11 }, -1},
		{"read-only mount", func(s *specs.Spec) { s.Mounts[0].Options = []string{"ro"} }, -1},
		{"mount elsewhere", func(s *specs.Spec) { s.Mounts[0].Destination = "/cg" }, -1},
		{"joined cgroup namespace", func(s *specs.Spec) { s.Linux.Namespaces[1].Path = "/proc/1/ns/cgroup" }, -1},
		{"no user namespace", func(s *specs.Spec) { s.Linux.UIDMappings = nil }, -1},
		{"no linux", func(s *specs.Spec) { s.Linux = nil }, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := OwnerOf(spec(tt.change))
			if got == nil && tt.want != -1 || got != nil && *got != tt.want {
				t.Errorf("got %v, want %d", got, tt.want)
			}
		})
	}
}

func TestParseSub(t *testing.T) {
	tests := []struct {
		name     string
		values   []string
		cpu, all string // the paths for the cpu controller and for one not named
		empty    bool
		wantErr  string
	}{
		{name: "none", empty: true},
		{name: "one for all", values: []string{"/a/b/"}, cpu: "/a/b", all: "/a/b"},
		{name: "relative", values: []string{"a"}, cpu: "/a", all: "/a"},
		{name: "the container's own", values: []string{"/"}, empty: true},
		{name: "by controller", values: []string{"cpu,cpuset:x", "memory:y"}, cpu: "/x"},
		{name: "twice", values: []string{"cpu:x", "cpu:y"}, wantErr: `"cpu" is given twice`},
		{name: "all and one", values: []string{"x", "cpu:y"}, wantErr: "excludes all others"},
		{name: "leaves", values: []string{"../x"}, wantErr: `must not contain ".."`},
		{name: "leaves within", values: []string{"a/../../x"}, wantErr: `must not contain ".."`},
		{name: "dots in a name", values: []string{"a..b"}, cpu: "/a..b", all: "/a..b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := ParseSub(tt.values)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tt.wantErr)
				}
				return
			}
			if err != nil || s.of("cpu") != tt.cpu || s.of("pids") != tt.all || s.empty() != tt.empty {
				t.Errorf("cpu %q, others %q, empty %v, %v", s.of("cpu"), s.of("pids"), s.empty(), err)
			}
		})
	}
}

func TestParseHierarchies(t *testing.T) {
	const file = "12:cpu,cpuacct:/user\n9:name=systemd:/\n8:pids:/a:b\n7:perf_event:/\n0::/unified\nrubbish\n"
	mounted := func(dir string, v2 bool) bool {
		// cpu,cpuacct lies on the first one's name here, perf_event nowhere.
		return dir == Root+"/cpu" || dir == Root+"/systemd" || dir == Root+"/pids" || v2
	}
	golden(t, "hierarchies.json", parseHierarchies([]byte(file), mounted))
}

// TestStatsDocument pins the names in the document that monitoring agents read.
func TestStatsDocument(t *testing.T) {
	st := cgroups.NewStats()
	fill := `{"cpu_stats":{"cpu_usage":{"total_usage":1,"percpu_usage":[2],"percpu_usage_in_kernelmode":[3],"percpu_usage_in_usermode":[4],"usage_in_kernelmode":5,"usage_in_usermode":6},
	"throttling_data":{"periods":7,"throttled_periods":8,"throttled_time":9},"psi":{"some":{"avg10":1,"avg60":2,"avg300":3,"total":4}}},
	"cpuset_stats":{"cpus":[0,1],"mems":[0],"cpu_exclusive":1},
	"memory_stats":{"cache":10,"usage":{"usage":11,"max_usage":12,"failcnt":13,"limit":14},"swap_usage":{"usage":15},"kernel_usage":{"usage":16},"kernel_tcp_usage":{"usage":17},"stats":{"anon":18}},
	"pids_stats":{"current":19,"limit":20},
	"blkio_stats":{"io_service_bytes_recursive":[{"major":8,"minor":1,"op":"Read","value":21}],"io_queue_recursive":[{"value":22}],"sectors_recursive":[{"value":23}]},
	"hugetlb_stats":{"2MB":{"usage":24,"max_usage":25,"failcnt":26}}}`
	if err := json.Unmarshal([]byte(fill), st); err != nil {
		t.Fatal(err)
	}
	golden(t, "stats.json", convertStats(st))
}

func TestLoadWithoutCgroup(t *testing.T) {
	g, err := Load(Saved{Location: Location{Driver: Cgroupfs, Path: "/gspawn-oci/x", Rootless: true}, Mode: Mode()})
	if err != nil {
		t.Fatal(err)
	}
	if g.Join() != JoinNone || g.ExecJoin() != JoinNone || g.Exists() || g.Paths() != nil {
		t.Errorf("join %v, exec %v, exists %v, paths %v", g.Join(), g.ExecJoin(), g.Exists(), g.Paths())
	}
	for name, call := range map[string]func() error{
		"AddProcess": func() error { return g.AddProcess(1) },
		"AddExec":    func() error { return g.AddExec(SubPath{}, 1, 1) },
		"Kill":       g.Kill,
		"Destroy":    g.Destroy,
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if frozen, err := g.Frozen(); frozen || err != nil {
		t.Errorf("Frozen = %v, %v", frozen, err)
	}
	for name, call := range map[string]func() error{
		"Freeze": g.Freeze,
		"Thaw":   g.Thaw,
		"Stats":  func() error { _, err := g.Stats(); return err },
		"Update": func() error { return g.Update(&specs.LinuxResources{}, "") },
		"OOM":    func() error { _, err := g.OOMEvents(); return err },
	} {
		if err := call(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: error %v, want %v", name, err, errors.ErrUnsupported)
		}
	}
}

func TestSystemdDriverWithoutSystemd(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		t.Skip("systemd runs here")
	}
	loc, err := Resolve("machine.slice:p:n", "c", true, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Location: loc, Limits: &Limits{}}); err == nil || !strings.Contains(err.Error(), "systemd not running on this host") {
		t.Errorf("New: error %v", err)
	}
	// delete --force must still work on what is left of such a container.
	if _, err := Load(Saved{Location: loc, Mode: Unified, Paths: map[string]string{"": "/sys/fs/cgroup/machine.slice/p-n.scope"}}); err != nil {
		t.Errorf("Load: %v", err)
	}
}
