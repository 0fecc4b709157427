package lifecycle

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// execProcess runs a process object in a container and returns what it prints.
func execProcess(t *testing.T, c *fixtures.Container, p *specs.Process) string {
	t.Helper()
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	// As an engine may write it: what is not set is not there.
	raw = []byte(strings.Replace(string(raw), `"user":{"uid":0,"gid":0},`, "", 1))
	file := c.Bundle + "/process.json"
	if err := os.WriteFile(file, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return c.Must("exec", "--process", file, c.ID)
}

// TestExecInherits: what a process object does not say is the container's, above all what confines it.
func TestExecInherits(t *testing.T) {
	c := sleeping(t, grant("CAP_CHOWN"), func(s *specs.Spec) {
		s.Process.OOMScoreAdj = ptr(321)
		s.Process.ExecCPUAffinity = &specs.CPUAffinity{Initial: "0", Final: "0"}
		s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 77, Hard: 78}}
	})
	run := func(script string, set func(*specs.Process)) string {
		t.Helper()
		p := &specs.Process{Args: []string{"/bin/sh", "-c", script}, Cwd: "/"}
		set(p)
		return execProcess(t, c, p)
	}
	inherited := func(*specs.Process) {}
	const grepCaps = "grep ^Cap /proc/self/status"
	if got := capStatus(t, run(grepCaps, inherited)); got != [5]uint64{capChown, capChown, capChown, capChown, 0} {
		t.Errorf("inheritable, permitted, effective, bounding, ambient are %x", got)
	}
	none := func(p *specs.Process) { p.Capabilities = &specs.LinuxCapabilities{} }
	if got := capStatus(t, run(grepCaps, none)); got != [5]uint64{} {
		t.Errorf("of a process with empty sets they are %x", got)
	}
	const rest = "cat /proc/self/oom_score_adj /proc/self/timerslack_ns; grep Cpus_allowed_list /proc/self/status | cut -f2; ulimit -n; ulimit -Hn"
	want(t, "oom score, timer slack, affinity, rlimits", run(rest, inherited), "321\n50000\n0\n77\n78")
	want(t, "its own", run(rest, func(p *specs.Process) {
		p.OOMScoreAdj = ptr(322)
		p.ExecCPUAffinity = &specs.CPUAffinity{Final: "0-1"}
		p.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 66, Hard: 67}}
	}), "322\n50000\n0-1\n66\n67")
}

// TestExecWarns: what exec cannot give is said, as by create.
func TestExecWarns(t *testing.T) {
	c := sleeping(t, grant("CAP_CHOWN"))
	r := c.Do("exec", "--cap", "CAP_FOO", c.ID, "/bin/grep", "^Cap", "/proc/self/status")
	if r.Code != 0 || strings.Count(r.Stderr, "ignoring unknown or unavailable capabilities: [CAP_FOO]") != 1 {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
	bare := sleeping(t, func(s *specs.Spec) { s.Process.Capabilities = nil })
	got := capStatus(t, bare.Must("exec", "--cap", "CAP_KILL", bare.ID, "/bin/grep", "^Cap", "/proc/self/status"))
	if got != [5]uint64{0, capKill, capKill, capKill, 0} {
		t.Errorf("--cap CAP_KILL in a container without capabilities: %x", got)
	}
}

// TestLastVariable: of several of a name the program sees the last, whichever its getenv takes.
func TestLastVariable(t *testing.T) {
	require.Root(t)
	named := func(out string) (list []string) {
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "A") {
				list = append(list, strings.TrimSpace(line))
			}
		}
		return list
	}
	twice := func(s *specs.Spec) { s.Process.Env = append(s.Process.Env, "A=1", "AB=x", "A=2", "A=3") }
	env := []string{"/bin/busybox", "env"}
	if got := named(output(t, twice, fixtures.Args(env...))); !slices.Equal(got, []string{"AB=x", "A=3"}) {
		t.Errorf("run: %q", got)
	}
	c := sleeping(t, twice)
	if got := named(c.Must(append([]string{"exec", "-e", "A=4", "-e", "AC=", c.ID}, env...)...)); !slices.Equal(got, []string{"AB=x", "A=4", "AC="}) {
		t.Errorf("exec: %q", got)
	}
}

// TestEmptyHome: HOME is the user's by passwd, too, when it is set to nothing.
func TestEmptyHome(t *testing.T) {
	got := output(t, func(s *specs.Spec) { s.Process.Env = append(s.Process.Env, "HOME=") }, fixtures.Args("/bin/busybox", "env"))
	wantIn(t, "environment", got, "HOME=/root")
	if strings.Contains(got, "HOME=\n") {
		t.Errorf("twice: %s", got)
	}
}

// TestExecDeniedGroups: into a container in a user namespace of another's, which denies setgroups(2).
func TestExecDeniedGroups(t *testing.T) {
	require.Root(t)
	unshare := exec.Command("unshare", "--user", "--map-root-user", "sleep", "300")
	if err := unshare.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unshare.Process.Kill(); _ = unshare.Wait() }()
	path := fmt.Sprintf("/proc/%d/ns/user", unshare.Process.Pid)
	own, _ := os.Readlink("/proc/self/ns/user")
	eventually(t, "it has its namespace", func() bool { ns, _ := os.Readlink(path); return ns != "" && ns != own })
	eventually(t, "it is mapped", func() bool {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/gid_map", unshare.Process.Pid))
		return len(text) > 0
	})
	c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"), fixtures.WithNamespace(specs.UserNamespace, path), func(s *specs.Spec) {
		for i := range s.Mounts { // no group 5 is mapped
			s.Mounts[i].Options = slices.DeleteFunc(s.Mounts[i].Options, func(o string) bool { return o == "gid=5" })
		}
		s.Hooks = &specs.Hooks{StartContainer: insideHook("id -u >/dev/shm/hook")}
	})
	c.Must("run", "--detach", "--bundle", c.Bundle, c.ID)
	want(t, "user", c.Must("exec", c.ID, "/bin/id", "-u"), "0")
	want(t, "user of the hook", c.Must("exec", c.ID, "/bin/cat", "/dev/shm/hook"), "0")
}
