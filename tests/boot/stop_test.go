//go:build boot

package boot

import (
	"slices"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/require"
)

func stopSignal(text string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Annotations = map[string]string{"org.opencontainers.image.stopSignal": text}
	}
}

// TestStopSignal stops systems whose bundles name a stop signal as engines write it: they are off and not rebooting, by
// how `run` ends.
func TestStopSignal(t *testing.T) {
	require.Root(t)
	for _, c := range []struct {
		name, tree, annotation string
		signal                 []string
	}{
		{"podman's for systemd", "trixie", "37", nil},
		{"podman's default", "trixie", "15", []string{"15"}},
		{"by name", "trixie", "RTMIN+4", nil},
		{"podman's default for busybox", "busybox", "15", []string{"TERM"}},
		{"podman takes busybox for systemd", "busybox", "37", []string{"37"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			con, root := newSystem(t, c.tree, false, stopSignal(c.annotation))
			f := foregroundOf(t, con)
			f.up(t, c.tree)
			con.Must(append([]string{"kill", con.ID}, c.signal...)...)
			if code := f.code(t); code != 0 {
				t.Errorf("exit code %d: %s", code, f.out.String())
			}
			if c.tree == "trixie" && !stoppedCleanly(root) {
				t.Error("it stopped without shutting its services down")
			}
		})
	}
}

// TestStopSignalUnknown refuses a signal that there is not.
func TestStopSignalUnknown(t *testing.T) {
	require.Root(t)
	con, _ := newSystem(t, "busybox", false, stopSignal("SIGNONE"))
	if r := con.Run(); r.Code != 1 || !strings.Contains(r.Stderr, "SIGNONE") || !strings.Contains(r.Stderr, "stopSignal") {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
}

// TestPodmanStop: what podman stops as it stops anything powers off, by the words of its init.
func TestPodmanStop(t *testing.T) {
	require.Root(t)
	s, _ := startByPodman(t, "busybox", false)
	if _, ok := within(30*time.Second, func() bool { return s.exec(up["busybox"]...).code == 0 }); !ok {
		t.Fatal("did not come up")
	}
	e := s.(engine)
	if a := e.stop(); a.code != 0 {
		t.Fatal(a)
	}
	logs := append(slices.Clone(e.end[:slices.Index(e.end, "stop")]), "logs", e.end[len(e.end)-1])
	if a := do(e.env, logs...); !strings.Contains(a.out+a.err, "poweroff") {
		t.Errorf("busybox does not say that it powers off: %v", a)
	}
}
