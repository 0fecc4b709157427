package libcontainer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// mountOf compiles a configuration with one more mount and returns that mount's step.
func mountOf(t *testing.T, m specs.Mount) plan.Mount {
	t.Helper()
	s := spec.Default()
	s.Mounts = append(s.Mounts, m)
	if err := spec.Validate(s); err != nil {
		t.Fatalf("options %q: %v", m.Options, err)
	}
	p, err := plan.Compile(s, plan.Facts{Privileged: true}, plan.Options{ID: "x", Bundle: "/b"})
	if err != nil {
		t.Fatalf("options %q: %v", m.Options, err)
	}
	for _, step := range p.Steps {
		if mount, ok := step.(plan.Mount); ok && mount.Destination == m.Destination {
			return mount
		}
	}
	t.Fatalf("options %q: no step mounts %s", m.Options, m.Destination)
	return plan.Mount{}
}

// An option that features lists must be understood, not handed to the file system, which would refuse it.
func TestKnownMountOptions(t *testing.T) {
	options := knownMountOptions()
	if !slices.IsSorted(options) {
		t.Error("the list is not sorted")
	}
	for _, o := range options {
		m := specs.Mount{Destination: "/x", Type: "tmpfs", Source: "tmpfs", Options: []string{o}}
		switch o {
		case "bind", "rbind", "idmap", "ridmap":
			m = specs.Mount{Destination: "/x", Source: "/tmp", Options: []string{"bind", o}}
		}
		if o == "idmap" || o == "ridmap" {
			m.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 1000, Size: 1}}
			m.GIDMappings = m.UIDMappings
		}
		if got := mountOf(t, m); len(got.Data) != 0 {
			t.Errorf("%q is handed to the file system: %v", o, got.Data)
		}
	}
	if got := mountOf(t, specs.Mount{Destination: "/x", Type: "tmpfs", Source: "tmpfs", Options: []string{"frob"}}); len(got.Data) != 1 {
		t.Errorf("an unknown option gives the data %v", got.Data)
	}
}

// What features lists is valid in a configuration, so that an engine can rely on it.
func TestKnownNamespacesAndPolicies(t *testing.T) {
	for _, n := range knownNamespaces() {
		if plan.NamespaceFlag(specs.LinuxNamespaceType(n)) == 0 {
			t.Errorf("namespace %q has no flag", n)
		}
	}
	for _, mode := range knownMemoryPolicies() {
		s := spec.Default()
		s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MemoryPolicyModeType(mode), Nodes: "0"}
		if mode == string(specs.MpolDefault) || mode == string(specs.MpolLocal) {
			s.Linux.MemoryPolicy.Nodes = ""
		}
		if err := spec.Validate(s); err != nil {
			t.Errorf("memory policy %q: %v", mode, err)
		}
	}
}

// TestUnsafeAnnotations: every annotation that is read somewhere is told of, so that an engine can keep a user from
// setting it.
func TestUnsafeAnnotations(t *testing.T) {
	listed := new(Runtime).Features().PotentiallyUnsafeConfigAnnotations
	if !slices.IsSorted(listed) {
		t.Error("the list is not sorted")
	}
	file, err := parser.ParseFile(token.NewFileSet(), "annotation/annotation.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		name, err := strconv.Unquote(lit.Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		covers := func(l string) bool { return l == name || strings.HasSuffix(l, ".") && strings.HasPrefix(name, l) }
		if !slices.ContainsFunc(listed, covers) {
			t.Errorf("%q is read and not listed: %q", name, listed)
		}
		return true
	})
	if found < 10 {
		t.Errorf("only %d annotations are declared", found)
	}
}

func TestFeatures(t *testing.T) {
	f := new(Runtime).Features()
	if f.OCIVersionMax != specs.Version {
		t.Errorf("ociVersionMax %q, want %q", f.OCIVersionMax, specs.Version)
	}
	// What containerd asks for before it makes idmapped mounts.
	if !slices.Contains(f.Linux.Namespaces, "user") || !*f.Linux.MountExtensions.IDMap.Enabled || !slices.Contains(f.MountOptions, "rro") {
		t.Errorf("features %+v lack what containerd looks for", f)
	}
	if s := f.Linux.Seccomp; *s.Enabled != (len(s.Actions) > 0) || *s.Enabled != (f.Annotations[annotationLibseccomp] != "") {
		t.Errorf("seccomp %+v, annotations %v do not agree", s, f.Annotations)
	}
}
