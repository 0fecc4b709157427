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
