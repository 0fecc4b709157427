package cgroup

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestGroupExec(t *testing.T) {
	g := testGroup(t, nil, nil)
	if err := g.create(); err != nil {
		t.Fatal(err)
	}
	initProc := g.run(t, "sleep", "100")
	for _, dir := range g.Paths() {
		if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if g.mode != Unified {
		copyCpuset(t, g)
	}
	sub, err := ParseSub([]string{"sub"})
	if err != nil {
		t.Fatal(err)
	}
	where := func(sub SubPath) string {
		t.Helper()
		cmd := exec.Command("sh", "-c", "sleep 0.2; cat /proc/self/cgroup")
		if g.Join() == JoinByClone {
			dir, err := g.ExecDir(sub, initProc.Process.Pid)
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(dir.Fd())}
		}
		var out strings.Builder
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if g.Join() == JoinAfterSpawn {
			if err := g.AddExec(sub, cmd.Process.Pid, initProc.Process.Pid); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if out := where(sub); !strings.Contains(out, g.loc.Path+"/sub\n") {
		t.Errorf("exec --cgroup sub ran in\n%s", out)
	}
	if out := where(SubPath{}); !strings.Contains(out, g.loc.Path+"\n") {
		t.Errorf("exec ran in\n%s", out)
	}
	if g.mode == Unified {
		moveAway(t, g, initProc.Process.Pid)
		if out := where(SubPath{}); !strings.Contains(out, g.loc.Path+"/sub\n") {
			t.Errorf("exec into a cgroup that gives its controllers away ran in\n%s", out)
		}
	}
}

// copyCpuset fills the sub-cgroup's cpuset: v1 takes no process without.
func copyCpuset(t *testing.T, g *Group) {
	dir := g.mgr.Path("cpuset")
	for _, f := range []string{"cpuset.cpus", "cpuset.mems"} {
		data, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "sub", f), data, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// moveAway does what systemd does as init: leave the container's own cgroup, so that
// controllers can be given to cgroups below it.
func moveAway(t *testing.T, g *Group, pid int) {
	dir := g.mgr.Path("")
	if err := os.WriteFile(dir+"/sub/cgroup.procs", fmt.Append(nil, pid), 0); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(dir + "/cgroup.controllers")
	if err != nil {
		t.Fatal(err)
	}
	ctl := strings.Fields(string(data))
	if len(ctl) == 0 {
		t.Skip("the cgroup has no controller to give away")
	}
	if err := os.WriteFile(dir+"/cgroup.subtree_control", []byte("+"+ctl[0]), 0); err != nil {
		t.Fatal(err)
	}
}
