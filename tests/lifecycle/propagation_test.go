package lifecycle

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// bothWays runs a container on a host whose mounts are all shared, mounts something on the host below what the container has
// as /m, and in the container something below /m, and says what reached the other side. Nothing else
// of the host's may come or go.
const bothWays = `at=$1; shift
until_there() { i=0; until [ -e "$1" ] || [ $i -ge 100 ]; do sleep 0.02; i=$((i + 1)); done; }
mounts() { awk -v at=$at 'index($5, at) != 1 { print $5 }' /proc/self/mountinfo; }
before=$(mounts)
"$@" &
until_there $at/running
mount -t tmpfs tmpfs $at/host && touch $at/host/there
until_there $at/mounted
[ ! -e $at/container/there ] || echo host sees
touch $at/quit
wait $!
[ "$(mounts)" = "$before" ] || echo host has other mounts`

const insideBoth = `until_there() { i=0; until [ -e "$1" ] || [ $i -ge $2 ]; do sleep 0.02; i=$((i + 1)); done; }
touch /m/running
until_there /m/host/there 25
[ ! -e /m/host/there ] || echo container sees
mount -t tmpfs tmpfs /m/container && touch /m/container/there /m/mounted
until_there /m/quit 200`

// TestPropagation: mounts reach a volume on the host's root mount, and leave it, as the configuration says.
func TestPropagation(t *testing.T) {
	require.Root(t)
	unshare := require.Program(t, "unshare")
	for _, tt := range []struct{ root, option, want string }{
		{"", "", "container sees"},
		{"", "rslave", "container sees"},
		{"rslave", "rslave", "container sees"},
		{"", "rprivate", ""},
		{"rprivate", "", ""},
		{"rshared", "rshared", "container sees\nhost sees"},
		{"rshared", "rslave", "container sees"},
	} {
		t.Run(tt.root+"/"+tt.option, func(t *testing.T) {
			at, err := os.MkdirTemp("/var/tmp", "gspawn-volume-") //nolint:usetesting // t.TempDir may be on a mount of its own
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(at) })
			for _, name := range []string{"/host", "/container"} {
				if err := os.Mkdir(at+name, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			options := strings.Fields("rbind " + tt.option)
			c := fixtures.New(t, fixtures.Shell(insideBoth), grant("CAP_SYS_ADMIN"), bind("/m", at, options...),
				func(s *specs.Spec) { s.Linux.RootfsPropagation = tt.root })
			run := c.Cmd("run", "--bundle", c.Bundle, c.ID)
			shared := exec.Command(unshare, append([]string{"--mount", "--propagation=shared", "sh", "-c", bothWays, "sh", at}, run.Args...)...)
			shared.Env = run.Env
			out, err := shared.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			want(t, "what was seen", string(out), tt.want)
		})
	}
}
