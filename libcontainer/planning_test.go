package libcontainer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// planOf is the plan of the default configuration after changes.
func planOf(t *testing.T, changes ...func(*specs.Spec)) *plan.Plan {
	t.Helper()
	s := spec.Default()
	s.Linux.CgroupsPath = "/gspawn-test/plan"
	for _, change := range changes {
		change(s)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	bundle := t.TempDir()
	if err := os.WriteFile(filepath.Join(bundle, spec.ConfigName), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	r := &Runtime{Root: t.TempDir(), Warn: func(text string) { t.Errorf("warned of beside the plan: %s", text) }}
	p, err := r.Plan(bundle)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPlanCgroupOwner: the plan gives the control group to whom the runtime gives it.
func TestPlanCgroupOwner(t *testing.T) {
	mapped := func(s *specs.Spec) {
		ids := []specs.LinuxIDMapping{{HostID: 100000, Size: 65536}}
		s.Linux.UIDMappings, s.Linux.GIDMappings = ids, ids
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace}, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	}
	mount := func(kind string) func(*specs.Spec) {
		return func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/sys/fs/cgroup", Type: kind, Source: kind})
		}
	}
	user := func(s *specs.Spec) { s.Process.User.UID = 1000 }
	for _, tt := range []struct {
		name    string
		changes []func(*specs.Spec)
		want    string // "" for nobody
	}{
		{"root", []func(*specs.Spec){mapped, mount("cgroup")}, "100000"},
		{"a user", []func(*specs.Spec){mapped, mount("cgroup"), user}, "101000"},
		{"another kind of mount", []func(*specs.Spec){mapped, mount("tmpfs")}, ""},
		{"no user namespace", []func(*specs.Spec){mount("cgroup"), user}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := planOf(t, tt.changes...).Steps[0].String()
			_, owner, _ := strings.Cut(text, ", give it to user ")
			if owner != tt.want || !strings.HasPrefix(text, "make the control group") {
				t.Errorf("the plan says %q, want user %q", text, tt.want)
			}
		})
	}
}

// TestPlanWarnings: what is let pass in the configuration is said, once.
func TestPlanWarnings(t *testing.T) {
	p := planOf(t, func(s *specs.Spec) {
		s.Version = "0.5.0"
		s.Mounts[1].Destination = "dev"
		s.Process.Capabilities.Bounding = append(s.Process.Capabilities.Bounding, "CAP_FLY")
	})
	text := strings.Join(p.Warnings, "\n")
	for _, part := range []string{`config.json: ociVersion: "0.5.0"`, `config.json: mounts[1].destination: "dev"`, "CAP_FLY"} {
		if strings.Count(text, part) != 1 {
			t.Errorf("not once %q:\n%s", part, text)
		}
	}
}
