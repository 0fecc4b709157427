package lifecycle

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/runtime-spec/specs-go/features"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
)

// TestFeaturesMount mounts a tmpfs with each option that `features` lists, but for those of other kinds of mounts.
func TestFeaturesMount(t *testing.T) {
	var known features.Features
	if err := json.Unmarshal([]byte(fixtures.New(t).Must("features")), &known); err != nil {
		t.Fatal(err)
	}
	others := []string{"bind", "rbind", "remount", "idmap", "ridmap"}
	mounted := 0
	set := func(s *specs.Spec) {
		for _, o := range known.MountOptions {
			if !slices.Contains(others, o) {
				tmpfs("/mnt/"+o, o)(s)
				mounted++
			}
		}
	}
	got := output(t, set, fixtures.Shell("grep -c ' /mnt/' /proc/self/mounts; ls /mnt | wc -l"))
	if n := strings.Fields(got); mounted < 50 || n[0] != n[1] {
		t.Errorf("of %d mounts there are %q", mounted, n)
	}
}

// TestPlanForesees: what create refuses beside the plan, plan tells too.
func TestPlanForesees(t *testing.T) {
	needSeccomp(t)
	for name, tt := range map[string]struct {
		set     change
		message string
		warning bool // for this machine lacks it
	}{
		"seccomp": {filter("SCMP_ACT_FOO", 0, "mkdir"), "SCMP_ACT_FOO", false},
		"seccomp's default": {func(s *specs.Spec) {
			s.Linux.Seccomp = &specs.LinuxSeccomp{DefaultAction: "SCMP_ACT_FOO"}
		}, "linux.seccomp.defaultAction", false},
		"closID":  {func(s *specs.Spec) { s.Linux.IntelRdt = &specs.LinuxIntelRdt{ClosID: "a/b"} }, "linux.intelRdt", false},
		"resctrl": {func(s *specs.Spec) { s.Linux.IntelRdt = &specs.LinuxIntelRdt{} }, "linux.intelRdt: ", true},
		"root":    {func(s *specs.Spec) { s.Root.Path = "nosuch" }, "root.path: ", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := fixtures.New(t, tt.set)
			r := c.Do("create", "--bundle", c.Bundle, c.ID)
			if r.Code == 0 && name == "resctrl" {
				t.Skip("this machine has resctrl")
			}
			if r.Code != 1 || !strings.Contains(r.Stderr, tt.message) {
				t.Errorf("create: %+v", r)
			}
			p := c.Do("plan", c.Bundle)
			switch {
			case tt.warning && (p.Code != 0 || !strings.Contains(p.Stdout, "warning: "+tt.message)):
				t.Errorf("plan does not warn: %+v", p)
			case !tt.warning && (p.Code != 1 || !strings.Contains(p.Stderr, tt.message)):
				t.Errorf("plan: %+v", p)
			}
			if left := c.Leftovers(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
