package intelrdt

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// fake makes a directory that looks like resctrl, with a group "shared".
func fake(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range map[string]string{
		"schemata":                "    MB:0=100;1=100\n    L3:0=fffff;1=fffff\n",
		"tasks":                   "",
		"mon_groups/.keep":        "",
		"shared/schemata":         "    MB:0= 20;1= 70\n    L3:0=00ff0;1=0001f\n",
		"shared/tasks":            "",
		"shared/mon_groups/.keep": "",
		"info/last_cmd_status":    "ok\n",
		"info/L3/cbm_mask":        "fffff\n",
		"info/L3/min_cbm_bits":    "1\n",
		"info/L3/num_closids":     "16\n",
		"info/MB/bandwidth_gran":  "10\n",
		"info/MB/num_closids":     "8\n",
	} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestGroup(t *testing.T) {
	const own = "MB:0= 20;1= 70"
	tests := []struct {
		name     string
		config   specs.LinuxIntelRdt
		dir      string // below the root
		schemata string // "" is unwritten
		removed  bool
		wantErr  string
	}{
		{name: "own group", config: specs.LinuxIntelRdt{L3CacheSchema: "L3:0=7f0;1=1f", MemBwSchema: "MB:0=20"}, dir: "c1", schemata: "L3:0=7f0;1=1f\nMB:0=20\n", removed: true},
		{name: "own group without limits", dir: "c1", removed: true},
		{name: "schemata come last", config: specs.LinuxIntelRdt{Schemata: []string{"L2:0=f", "MB:1=30"}, L3CacheSchema: "L3:0=f"}, dir: "c1", schemata: "L3:0=f\nL2:0=f\nMB:1=30\n", removed: true},
		{name: "new closID stays", config: specs.LinuxIntelRdt{ClosID: "gold", MemBwSchema: "MB:0=20"}, dir: "gold", schemata: "MB:0=20\n"},
		{name: "closID must exist without a schema", config: specs.LinuxIntelRdt{ClosID: "gold"}, wantErr: `linux.intelRdt.closID "gold"`},
		{name: "existing closID is left alone", config: specs.LinuxIntelRdt{ClosID: "shared"}, dir: "shared"},
		{name: "existing closID that matches", config: specs.LinuxIntelRdt{ClosID: "shared", L3CacheSchema: "L3:0=ff0", MemBwSchema: "MB:1=70"}, dir: "shared"},
		{name: "existing closID that differs", config: specs.LinuxIntelRdt{ClosID: "shared", L3CacheSchema: "L3:0=f"}, wantErr: `linux.intelRdt.l3CacheSchema "L3:0=f": the group of closID "shared" has`},
		{name: "existing closID without that domain", config: specs.LinuxIntelRdt{ClosID: "shared", MemBwSchema: "MB:7=70"}, wantErr: "memBwSchema"},
		{name: "schemata are written to an existing closID", config: specs.LinuxIntelRdt{ClosID: "shared", Schemata: []string{"L3:0=3"}}, dir: "shared", schemata: "L3:0=3\n"},
		{name: "the root", config: specs.LinuxIntelRdt{ClosID: "/"}, dir: ""},
		{name: "closID leaves resctrl", config: specs.LinuxIntelRdt{ClosID: "../x"}, wantErr: "closID"},
		{name: "closID of the kernel", config: specs.LinuxIntelRdt{ClosID: "info"}, wantErr: "closID"},
		{name: "two lines", config: specs.LinuxIntelRdt{Schemata: []string{"a", "b\nc"}}, wantErr: "linux.intelRdt.schemata[1]"},
		{name: "bandwidth without MB", config: specs.LinuxIntelRdt{MemBwSchema: "0=20"}, wantErr: "memBwSchema"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := fake(t)
			g, err := New(root, "c1", tt.config)
			if err == nil {
				err = g.Create()
			}
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tt.wantErr)
				}
				for _, d := range []string{"c1", "gold"} {
					if exists(filepath.Join(root, d)) {
						t.Errorf("group %s is left after the error", d)
					}
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(root, tt.dir)
			if tt.schemata != "" {
				if got := read(t, dir+"/schemata"); got != tt.schemata {
					t.Errorf("schemata %q, want %q", got, tt.schemata)
				}
			} else if tt.dir == "shared" && !strings.Contains(read(t, dir+"/schemata"), own) {
				t.Error("the shared group's schemata were written")
			}
			// What follows is another command's: it has the saved state only.
			loaded := &Group{Root: g.Root, Dir: g.Dir, Own: g.Own, Monitor: g.Monitor}
			if err := loaded.AddProcess(4711); err != nil {
				t.Fatal(err)
			}
			if got := read(t, dir+"/tasks"); got != "4711" {
				t.Errorf("tasks %q", got)
			}
			if err := loaded.Destroy(); err != nil {
				t.Fatal(err)
			}
			if exists(dir) == tt.removed {
				t.Errorf("after Destroy the group exists: %v", !tt.removed)
			}
		})
	}
}

func TestMonitoring(t *testing.T) {
	root := fake(t)
	g, err := New(root, "c1", specs.LinuxIntelRdt{ClosID: "shared", EnableMonitoring: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Create(); err != nil {
		t.Fatal(err)
	}
	mon := filepath.Join(root, "shared/mon_groups/c1")
	if err := g.AddProcess(7); err != nil {
		t.Fatal(err)
	}
	if read(t, mon+"/tasks") != "7" || read(t, filepath.Join(root, "shared/tasks")) != "7" {
		t.Error("the process is not in both groups")
	}
	data := mon + "/mon_data/mon_L3_00"
	if err := os.MkdirAll(data, 0o755); err != nil {
		t.Fatal(err)
	}
	for f, v := range map[string]string{"mbm_total_bytes": "9\n", "mbm_local_bytes": "5\n", "llc_occupancy": "3\n"} {
		if err := os.WriteFile(filepath.Join(data, f), []byte(v), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := json.Marshal(g.Stats())
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"l3_cache_info":{"cbm_mask":"fffff","min_cbm_bits":1,"num_closids":16},"l3_cache_schema_root":"L3:0=fffff;1=fffff","l3_cache_schema":"L3:0=00ff0;1=0001f",` +
		`"mem_bw_info":{"bandwidth_gran":10,"num_closids":8},"mem_bw_schema_root":"MB:0=100;1=100","mem_bw_schema":"MB:0= 20;1= 70",` +
		`"mbm_stats":[{"mbm_total_bytes":9,"mbm_local_bytes":5}],"cmt_stats":[{"llc_occupancy":3}]}`
	if string(got) != want {
		t.Errorf("stats\n%s\nwant\n%s", got, want)
	}
	if err := g.Destroy(); err != nil {
		t.Fatal(err)
	}
	if exists(mon) || !exists(filepath.Join(root, "shared")) {
		t.Error("Destroy must remove the monitoring group and nothing else")
	}
}

func TestUpdate(t *testing.T) {
	g, err := New(fake(t), "c1", specs.LinuxIntelRdt{MemBwSchema: "MB:0=20"})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Create(); err != nil {
		t.Fatal(err)
	}
	if err := g.Update("L3:0=f", ""); err != nil {
		t.Fatal(err)
	}
	if got := read(t, g.Dir+"/schemata"); got != "L3:0=f\n" {
		t.Errorf("schemata %q", got)
	}
	if err := g.Update("", "0=20"); err == nil {
		t.Error("a bandwidth without MB: was taken")
	}
}

func TestFailureTellsTheKernelsReason(t *testing.T) {
	root := fake(t)
	if err := os.WriteFile(filepath.Join(root, "info/last_cmd_status"), []byte("ran out of CLOSIDs\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// A file in place of the group: mkdir is not tried, writing fails.
	if err := os.WriteFile(filepath.Join(root, "c1"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	g, err := New(root, "c1", specs.LinuxIntelRdt{L3CacheSchema: "L3:0=f"})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Create(); err == nil || !strings.Contains(err.Error(), "(ran out of CLOSIDs)") {
		t.Errorf("error %v", err)
	}
}

func FuzzParseSchema(f *testing.F) {
	for _, s := range []string{"L3:0=ff;1=c0", "MB:0= 20;1= 70", "L3:", ":", "L2CODE:0=f\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		resource, domains, err := parseSchema(line)
		if err == nil && (strings.Contains(resource, ":") || len(domains) == 0) {
			t.Errorf("parseSchema(%q) = %q, %v", line, resource, domains)
		}
	})
}
