//go:build boot

package boot

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// foreground is a system under `run` without --detach.
type foreground struct {
	bundled
	cmd *exec.Cmd
	out bytes.Buffer
	end chan struct{}
}

func runForeground(t *testing.T, tree string, flags ...string) *foreground {
	t.Helper()
	c, _ := newSystem(t, tree, false)
	return foregroundOf(t, c, flags...)
}

func foregroundOf(t *testing.T, c *fixtures.Container, flags ...string) *foreground {
	t.Helper()
	f := &foreground{bundled: bundled{c}, end: make(chan struct{})}
	f.cmd = c.Cmd(append(append([]string{"run"}, flags...), "--console=passive", "--bundle", c.Bundle, c.ID)...)
	f.cmd.Stdout, f.cmd.Stderr = &f.out, &f.out
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = f.cmd.Wait(); close(f.end) }()
	t.Cleanup(func() {
		select {
		case <-f.end:
		default:
			_ = f.cmd.Process.Kill()
			<-f.end
		}
	})
	return f
}

// up waits until the tree's own init has brought the system up.
func (f *foreground) up(t *testing.T, tree string) {
	t.Helper()
	command, ok := up[tree]
	if !ok {
		command = []string{"systemctl", "is-active", "multi-user.target"}
	}
	var last answer
	if _, ok := within(90*time.Second, func() bool { last = f.exec(command...); return last.code == 0 || f.ended() }); !ok || f.ended() {
		t.Fatalf("did not come up: %v\nrun said: %s", last, f.out.String())
	}
}

func (f *foreground) ended() bool {
	select {
	case <-f.end:
		return true
	default:
		return false
	}
}

// code waits for the end of `run`, and gives its exit code.
func (f *foreground) code(t *testing.T) int {
	t.Helper()
	if _, ok := within(90*time.Second, f.ended); !ok {
		t.Fatalf("run did not end; its container has processes %v", f.c.Do("ps", f.c.ID).Stdout)
	}
	return f.cmd.ProcessState.ExitCode()
}

// switchOff is what a person types to power off; reboot is made of it.
var switchOff = map[string][2]string{ // poweroff, reboot
	"bookworm": {"systemctl poweroff", "systemctl reboot"},
	"trixie":   {"systemctl poweroff", "systemctl reboot"},
	"busybox":  {"poweroff", "reboot"},
	"openrc":   {"poweroff", "reboot"},
	"runit":    {"poweroff", "reboot"},
}

// TestEnding tells a power-off from a reboot, and a reboot under --keep-unit, by how `run` ends.
func TestEnding(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		for _, tree := range []string{"bookworm", "trixie", "busybox", "openrc", "runit"} {
			if !subset("BOOT_TREES", tree) {
				continue
			}
			t.Run(tree+"/poweroff", func(t *testing.T) {
				f := runForeground(t, tree)
				f.up(t, tree)
				f.exec("/bin/sh", "-c", switchOff[tree][0])
				if code := f.code(t); code != 0 {
					t.Errorf("exit code %d, want 0\n%s", code, f.out.String())
				}
			})
			t.Run(tree+"/reboot", func(t *testing.T) { testReboot(t, tree) })
			t.Run(tree+"/reboot with --keep-unit", func(t *testing.T) {
				f := runForeground(t, tree, "--keep-unit")
				f.up(t, tree)
				f.exec("/bin/sh", "-c", switchOff[tree][1])
				if code := f.code(t); code != 133 {
					t.Errorf("exit code %d, want 133\n%s", code, f.out.String())
				}
			})
		}
	})
}

// testReboot reboots inside, sees the system come up again as another PID 1, and powers it off.
func testReboot(t *testing.T, tree string) {
	f := runForeground(t, tree)
	f.up(t, tree)
	first := f.c.State().Pid
	f.exec("/bin/sh", "-c", switchOff[tree][1])
	if _, ok := within(90*time.Second, func() bool {
		var s specs.State // there is none for a moment
		return f.ended() || json.Unmarshal([]byte(f.c.Do("state", f.c.ID).Stdout), &s) == nil && s.Status == specs.StateRunning && s.Pid != first
	}); !ok || f.ended() {
		t.Fatalf("it did not come up again\n%s", f.out.String())
	}
	f.up(t, tree)
	f.exec("/bin/sh", "-c", switchOff[tree][0])
	if code := f.code(t); code != 0 {
		t.Errorf("exit code %d after the second power-off, want 0\n%s", code, f.out.String())
	}
}
