package hostile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
)

// TestClimbingSource: the source of a bind mount is a symlink of the host's that climbs to the root and down again, as
// those of /etc/resolv.conf do, and the image has something else on the same path. What is mounted is the host's.
func TestClimbingSource(t *testing.T) {
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		o := newOutside(t)
		host := t.TempDir()
		must(t, os.Chmod(host, 0o755))
		const meant = "what the host means"
		must(t, os.WriteFile(filepath.Join(host, "meant"), []byte(meant+"\n"), 0o644))
		climb := strings.Repeat("../", strings.Count(host, "/"))
		must(t, os.Symlink(climb+strings.TrimPrefix(host, "/")+"/meant", filepath.Join(host, "link")))
		for _, target := range []string{filepath.Join(o.dir, "secret"), "/etc/hostname"} {
			c := fixtures.New(t, fixtures.Shell("cat /mounted"), fixtures.AddMount(specs.Mount{Destination: "/mounted", Type: "bind",
				Source: filepath.Join(host, "link"), Options: []string{"bind", "ro"}}))
			replace(t, c, filepath.Join(host, "meant"), target)
			if r := tryRun(t, c); r.Code != 0 || strings.TrimSpace(r.Stdout) != meant {
				t.Errorf("with %s in the image: exit code %d, it saw %q, want %q\n%s", target, r.Code, r.Stdout, meant, r.Stderr)
			}
		}
		o.check()
	})
}
