package plan_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

var update = flag.Bool("update", false, "write the golden files")

// v1 are the facts of a host with cgroup v1, as Debian had it; v2 those of one with the unified hierarchy.
func v1(own string) plan.Facts {
	f := plan.Facts{Privileged: true, RootOfHost: true, AppArmor: true, Home: "/root", CgroupDriver: "cgroupfs", CgroupPath: own, Cgroup: &plan.CgroupFacts{MountPoint: "/sys/fs/cgroup"}}
	for _, h := range [...][2]string{{"cpu,cpuacct", "cpu,cpuacct"}, {"memory", "memory"}, {"pids", "pids"}, {"systemd", "name=systemd"}} {
		f.Cgroup.V1 = append(f.Cgroup.V1, plan.Hierarchy{Name: h[0], Options: h[1], MountPoint: "/sys/fs/cgroup/" + h[0], Own: own})
	}
	return f
}

func v2(own string) plan.Facts {
	f := v1(own)
	f.Cgroup = &plan.CgroupFacts{Unified: true, MountPoint: "/sys/fs/cgroup", Own: own}
	return f
}

// golden are the configurations whose plans are kept, and where they come from.
var golden = []struct {
	name, config string
	rootless     bool
}{
	{"default", "../spec/testdata/config/runc.json", false},
	{"podman", "../spec/testdata/config/podman.json", false},
	{"containerd", "testdata/containerd.json", false}, // recorded from ctr run --memory-limit
	{"docker", "testdata/docker.json", false},
	{"rootless", "../spec/testdata/config/runc-rootless.json", true},
	{"boot", "testdata/boot.json", false},
	{"everything", "testdata/everything.json", false},
	{"joined", "testdata/joined.json", false},
	{"joined-rootless", "testdata/joined.json", true},
}

// TestGolden compares plans with the kept ones; `go test -update` keeps the new ones.
func TestGolden(t *testing.T) {
	for _, g := range golden {
		for _, layout := range []struct {
			name  string
			facts func(string) plan.Facts
		}{{"v1", v1}, {"v2", v2}} {
			name := g.name + "." + layout.name
			t.Run(name, func(t *testing.T) {
				raw, err := os.ReadFile(g.config)
				if err != nil {
					t.Fatal(err)
				}
				facts := layout.facts("/group")
				if g.rootless {
					facts.Privileged, facts.RootOfHost, facts.NoSetgroups, facts.CgroupPath = false, false, true, ""
				}
				if g.name == "boot" {
					facts.CgroupOwner = new(int)
					*facts.CgroupOwner = 100000
				}
				got := compileText(t, raw, facts)
				file := filepath.Join("testdata", name+".golden")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				kept, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got != string(kept) {
					t.Errorf("the plan is another; see git diff after go test -update\n%s", firstDifference(got, string(kept)))
				}
			})
		}
	}
}

// compileText is the plan as text, a line a step, with the phase and the kind before it.
func compileText(t *testing.T, raw []byte, facts plan.Facts) string {
	t.Helper()
	c, err := spec.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(c.Spec); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Compile(c.Spec, facts, plan.Options{ID: "web", Bundle: "/bundle", Wait: true, Seccomp: len(c.Seccomp) > 0})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, s := range p.Steps {
		b.WriteString(strconv.Itoa(i+1) + " " + p.Phases[i].String() + " " + s.Kind() + ": " + s.String() + "\n")
	}
	for _, w := range p.Warnings {
		b.WriteString("warning: " + w + "\n")
	}
	return b.String()
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "got:  " + a[i] + "\nkept: " + b[i]
		}
	}
	return "one is longer"
}

// TestRefused pins what is valid and still cannot be done: an error that names the field.
func TestRefused(t *testing.T) {
	base := `"ociVersion":"1.0.2","root":{"path":"r"},"process":{"args":["a"],"cwd":"/"`
	mount := `,"linux":{"namespaces":[{"type":"mount"}]`
	tests := []struct {
		name, config, field string
	}{
		{"masked paths without one", base + `},"linux":{"maskedPaths":["/x"]}`, "linux.maskedPaths"},
		{"read-only paths without one", base + `},"linux":{"readonlyPaths":["/x"]}`, "linux.readonlyPaths"},
		{"idmap of a new file system", base + `},"mounts":[{"destination":"/x","type":"tmpfs","options":["idmap"]}]` + mount + `}`, "mounts[0]"},
		{"tmpcopyup of a bind mount", base + `},"mounts":[{"destination":"/x","type":"bind","source":"/y","options":["bind","tmpcopyup"]}]` + mount + `}`, "mounts[0].options"},
		{"cgroup2 on a v1 host", base + `},"mounts":[{"destination":"/x","type":"cgroup2"}]` + mount + `}`, "mounts[0].type"},
		{"AppArmor", base + `,"apparmorProfile":"p"}` + mount + `}`, "process.apparmorProfile"},
		{"SELinux", base + `,"selinuxLabel":"p"}` + mount + `}`, "process.selinuxLabel"},
		{"mount label", base + `}` + mount + `,"mountLabel":"l"}`, "linux.mountLabel"},
		{"memory policy", base + `}` + mount + `,"memoryPolicy":{"mode":"MPOL_BIND","nodes":"0-99999"}}`, "linux.memoryPolicy.nodes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := spec.Decode([]byte("{" + tt.config + "}"))
			if err != nil {
				t.Fatal(err)
			}
			if err := spec.Validate(c.Spec); err != nil {
				if !strings.Contains(err.Error(), tt.field) {
					t.Fatalf("validate does not name %s: %v", tt.field, err)
				}
				return // refused earlier
			}
			facts := v1("/group")
			facts.AppArmor = false
			_, err = plan.Compile(c.Spec, facts, plan.Options{ID: "x", Bundle: "/b"})
			if fe, ok := errors.AsType[spec.FieldError](err); !ok || fe.Path != tt.field {
				t.Errorf("error %v, want one about %s", err, tt.field)
			}
		})
	}
}
