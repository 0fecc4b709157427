package lifecycle

import (
	"fmt"
	"os"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestFewFiles: a program that may open nothing, or next to nothing, is started all the same; the limit is its own, and not
// that of what waits for the start in its place.
func TestFewFiles(t *testing.T) {
	require.Root(t)
	for name, more := range map[string]change{
		"root": func(*specs.Spec) {},
		"user": user(1000, 1000),
		"user namespace": func(s *specs.Spec) {
			fixtures.WithUserNamespace(100000, 65536)(s)
			user(1000, 1000)(s)
		},
	} {
		for _, l := range []specs.POSIXRlimit{{Soft: 0, Hard: 0}, {Soft: 3, Hard: 3}, {Soft: 3, Hard: 1024}, {Soft: 5, Hard: 6}} {
			l.Type = "RLIMIT_NOFILE"
			t.Run(fmt.Sprintf("%s, %d of %d", name, l.Soft, l.Hard), func(t *testing.T) {
				c := fixtures.New(t, more, fixtures.Args("/bin/sleep", "300"), func(s *specs.Spec) {
					s.Process.Rlimits = []specs.POSIXRlimit{l}
				})
				c.Create()
				c.Start()
				limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", c.State().Pid))
				if err != nil {
					t.Fatal(err)
				}
				wantIn(t, "limits", strings.Join(strings.Fields(string(limits)), " "), fmt.Sprintf("Max open files %d %d files", l.Soft, l.Hard))
			})
		}
	}
}
