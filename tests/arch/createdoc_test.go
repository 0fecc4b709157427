package arch

import (
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// headings are the third-level headings of docs/create.md.
func headings(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs/create.md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if h, ok := strings.CutPrefix(line, "### "); ok {
			found = append(found, strings.TrimSpace(h))
		}
	}
	return found
}

// composed are the kinds that a step puts together when it is asked; those of
// boot mode's own changes are in docs/boot.md.
var composed = map[string][]string{
	"RunHooks":   {plan.RunHooks{Phase: plan.HooksCreate}.Kind(), plan.RunHooks{Phase: plan.HooksStart}.Kind()},
	"Adaptation": nil,
}

// kinds are those that the Kind methods of package plan return.
func kinds(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, f := range sources(t) {
		if f.pkg != "libcontainer/plan" {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != "Kind" || fn.Recv == nil {
				continue
			}
			name := fn.Recv.List[0].Type.(*ast.Ident).Name
			if list, ok := composed[name]; ok {
				found = append(found, list...)
				continue
			}
			value := fn.Body.List[0].(*ast.ReturnStmt).Results[0]
			lit, ok := value.(*ast.BasicLit)
			if !ok {
				t.Fatalf("%s.Kind does not return a literal: add it to the list of composed kinds", name)
			}
			kind, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, kind)
		}
	}
	if len(found) < 40 {
		t.Fatalf("found %d kinds of steps, which cannot be all", len(found))
	}
	return found
}

func TestCreateDocHasEveryKindOfStep(t *testing.T) {
	have, want := headings(t), kinds(t)
	for _, k := range want {
		if !slices.Contains(have, k) {
			t.Errorf("docs/create.md has no heading for the step %q", k)
		}
	}
	for i, h := range have {
		if !slices.Contains(want, h) {
			t.Errorf("docs/create.md has a heading %q, and no step is of that kind", h)
		}
		if slices.Contains(have[:i], h) {
			t.Errorf("docs/create.md has the heading %q twice", h)
		}
	}
}

// TestCreateDocIsInOrder compiles a configuration that wants as much as one
// can, on both cgroup layouts, and compares the order of the steps with that of
// the headings. A kind that comes several times counts where it first comes.
func TestCreateDocIsInOrder(t *testing.T) {
	for name, facts := range map[string]plan.Facts{
		"cgroup v1": {Privileged: true, RootOfHost: true, CgroupPath: "/c", CgroupDriver: "cgroupfs", AppArmor: true, SELinux: true,
			Cgroup: &plan.CgroupFacts{V1: []plan.Hierarchy{{Name: "cpu,cpuacct", Options: "cpu,cpuacct", MountPoint: "/sys/fs/cgroup/cpu", Own: "/c"}}}},
		"cgroup v2": {Privileged: true, RootOfHost: true, CgroupPath: "/c", CgroupDriver: "cgroupfs", AppArmor: true, SELinux: true,
			Cgroup: &plan.CgroupFacts{Unified: true, MountPoint: "/sys/fs/cgroup", Own: "/c"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := plan.Compile(everything(), facts, plan.Options{ID: "c", Bundle: "/b", Wait: true, Seccomp: true})
			if err != nil {
				t.Fatal(err)
			}
			order := headings(t)
			last, lastKind := -1, ""
			seen := make(map[string]bool)
			for _, s := range p.Steps {
				if seen[s.Kind()] {
					continue
				}
				seen[s.Kind()] = true
				at := slices.Index(order, s.Kind())
				if at < last {
					t.Errorf("docs/create.md has %s before %s, the plan after it", s.Kind(), lastKind)
				}
				last, lastKind = at, s.Kind()
			}
			if len(seen) < 38 {
				t.Errorf("the configuration led to %d kinds of steps only, this test wants them nearly all: %v", len(seen), seen)
			}
		})
	}
}

// everything is a configuration with a value in each field that makes a step.
func everything() *specs.Spec {
	s := spec.Default()
	score, umask := 100, uint32(0o22)
	p := s.Process
	p.Terminal, p.Cwd, p.NoNewPrivileges = true, "/work", true
	p.User.Umask = &umask
	p.OOMScoreAdj = &score
	p.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Soft: 1, Hard: 2}}
	p.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch}
	p.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_IDLE}
	p.ApparmorProfile, p.SelinuxLabel = "profile", "label"
	s.Hostname, s.Domainname = "name", "domain"
	s.Root.Readonly = true
	s.Hooks = &specs.Hooks{
		Prestart:       []specs.Hook{{Path: "/hook"}}, //nolint:staticcheck // engines still use it
		StartContainer: []specs.Hook{{Path: "/hook"}},
	}
	l := s.Linux
	l.RootfsPropagation = "slave"
	l.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"}
	l.NetDevices = map[string]specs.LinuxNetDevice{"eth0": {}}
	l.IntelRdt = &specs.LinuxIntelRdt{ClosID: "group"}
	l.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux}
	l.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolLocal}
	l.Namespaces = append(l.Namespaces,
		specs.LinuxNamespace{Type: specs.UserNamespace}, specs.LinuxNamespace{Type: specs.TimeNamespace})
	for i := range l.Namespaces {
		if l.Namespaces[i].Type == specs.IPCNamespace {
			l.Namespaces[i].Path = "/proc/1/ns/ipc"
		}
	}
	l.UIDMappings = []specs.LinuxIDMapping{{HostID: 1000, Size: 1000}}
	l.GIDMappings = l.UIDMappings
	l.TimeOffsets = map[string]specs.LinuxTimeOffset{"monotonic": {Secs: 1}}
	return s
}
