//go:build boot

package boot

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// subset picks trees or ways by an environment variable with names separated by commas; all without one.
func subset(variable, name string) bool {
	list := os.Getenv(variable)
	if list == "" {
		return true
	}
	for _, n := range strings.Split(list, ",") {
		if n == name {
			return true
		}
	}
	return false
}

// TestBoot brings up every tree in every way, looks at it from inside, and stops it by SIGTERM.
func TestBoot(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		for _, tree := range []string{"bookworm", "trixie", "busybox", "openrc", "runit"} {
			for _, w := range ways {
				if !subset("BOOT_TREES", tree) || !subset("BOOT_WAYS", w.name) {
					continue
				}
				t.Run(tree+"/"+strings.ReplaceAll(w.name, " ", "_"), func(t *testing.T) { testWay(t, tree, w) })
			}
		}
	})
}

// testWay starts a tree without and with a user namespace.
func testWay(t *testing.T, tree string, w way) {
	if w.prepare != nil {
		w.start = w.prepare(t, tree)
	}
	for _, users := range []bool{false, true} {
		if users && os.Getenv("BOOT_USERS") == "no" {
			continue
		}
		t.Run(usersName(users), func(t *testing.T) {
			if users && !w.users {
				t.Skip(w.name + " is not run with user namespaces")
			}
			cell{tree, w, users}.test(t)
		})
	}
}

func usersName(users bool) string {
	if users {
		return "user namespace"
	}
	return "root"
}

func layout() string {
	if require.IsCgroupV2() {
		return "v2"
	}
	return "v1 hybrid"
}

type cell struct {
	tree  string
	way   way
	users bool
}

// up is a command that succeeds when a tree without systemd has come up.
var up = map[string][]string{
	"busybox": {"/bin/sh", "-c", "test -e /run/up"},
	"openrc":  {"/bin/sh", "-c", "test \"$(rc-status -r)\" = default"},
	"runit":   {"/bin/sh", "-c", "pgrep -x runsvdir"},
}

func (c cell) test(t *testing.T) {
	if c.users && c.way.prepare == nil {
		shifted(t, c.tree) // so that making it counts for nothing
	}
	begin := time.Now()
	s, root := c.way.start(t, c.tree, c.users)
	row := []string{c.tree, c.way.name, layout(), usersName(c.users)}
	if command, ok := up[c.tree]; ok {
		row = append(row, c.plain(t, s, begin, command)...)
	} else {
		row = append(row, c.systemd(t, s, begin)...)
	}
	row = append(row, c.stop(t, s, root))
	addRow(t, row...)
}

// plain looks at a system without systemd.
func (c cell) plain(t *testing.T, s running, begin time.Time, command []string) []string {
	var last answer
	if _, ok := within(90*time.Second, func() bool { last = s.exec(command...); return last.code == 0 }); !ok {
		t.Errorf("did not come up: %v\nprocesses: %v", last, s.exec("ps"))
		return []string{"-", "**did not come up**", "-", "-", "-", "-", "-"}
	}
	return []string{seconds(time.Since(begin)), "up", "-", "-", "-", "-", "-"}
}

// systemd looks at a system of systemd, and gives the row's cells from "up after" to "virt".
func (c cell) systemd(t *testing.T, s running, begin time.Time) []string {
	state := ""
	if _, ok := within(30*time.Second, func() bool {
		state = s.exec("systemctl", "is-system-running").out
		return state == "running" || state == "degraded"
	}); !ok {
		t.Errorf("is-system-running says %q; jobs: %v; failed: %v", state, s.exec("systemctl", "list-jobs", "--no-legend"),
			s.exec("systemctl", "--failed", "--no-legend", "--plain"))
		return []string{"-", "**" + state + "**", "-", "-", "-", "-", "-"}
	}
	took := time.Since(begin)
	failed := failedUnits(s)
	if len(failed) > 0 {
		t.Errorf("failed units: %v\n%v", failed, s.exec("journalctl", "-b", "--no-pager", "-n", "40", "-p", "warning"))
	}
	return []string{
		seconds(took), state, orNone(strings.Join(failed, " ")),
		expect(t, "systemd-run --wait", s.exec("systemd-run", "--wait", "--quiet", "--pipe", "/bin/echo", "hello"), "hello"),
		expect(t, "journalctl -b", s.exec("journalctl", "-b", "--no-pager", "-u", "init.scope"), "systemd"),
		expect(t, "hostnamectl", s.exec("hostnamectl"), "hostname"),
		s.exec("systemd-detect-virt").out,
	}
}

func failedUnits(s running) []string {
	var units []string
	for line := range strings.Lines(s.exec("systemctl", "--failed", "--no-legend", "--plain").out) {
		if f := strings.Fields(line); len(f) > 0 {
			units = append(units, f[0])
		}
	}
	return units
}

// expect says "yes" when a command succeeded and printed a word.
func expect(t *testing.T, what string, a answer, word string) string {
	t.Helper()
	if a.code == 0 && strings.Contains(a.out, word) {
		return "yes"
	}
	t.Errorf("%s: %v", what, a)
	return fmt.Sprintf("**no (%d)**", a.code)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// stop ends the system by SIGTERM, and says how that went.
func (c cell) stop(t *testing.T, s running, root string) string {
	begin := time.Now()
	if a := s.stop(); a.code != 0 {
		t.Errorf("stop: %v", a)
	}
	_, ok := within(60*time.Second, s.stopped)
	took := seconds(time.Since(begin))
	switch {
	case !ok:
		t.Errorf("SIGTERM did not stop it; processes: %v", s.exec("ps", "ax"))
		return "**never**"
	case up[c.tree] == nil && !stoppedCleanly(root):
		t.Error("it stopped without shutting its services down")
		return "**not clean**, " + took
	case c.tree == "busybox":
		if _, err := os.Lstat(root + "/var/down"); err != nil {
			t.Error("it stopped without its shutdown action")
			return "**not clean**, " + took
		}
	}
	if c.tree == "openrc" || c.tree == "runit" {
		return "stopped, " + took // nothing of theirs tells how
	}
	return "clean, " + took
}
