package cgroup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// v2Env marks the run of this test binary in a mount namespace of its own with cgroup v2
// alone, which TestInUnifiedNamespace starts.
const v2Env = "GSPAWN_TEST_CGROUP_V2"

func TestInUnifiedNamespace(t *testing.T) {
	if os.Getenv(v2Env) != "" {
		t.Skip("is what runs the others")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root for a mount namespace and cgroups")
	}
	if Mode() == Unified {
		t.Skip("this host is unified: the other tests ran on cgroup v2 already")
	}
	script := `umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup && exec "$@"`
	cmd := exec.Command("unshare", "-m", "sh", "-c", script, "sh", os.Args[0], "-test.v", "-test.run=^(TestGroup|TestRootless$)")
	cmd.Env = append(os.Environ(), v2Env+"=1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("tests in a cgroup v2 mount namespace: %v", err)
	}
	if !strings.Contains(string(out), "PASS: TestGroupLife") {
		t.Fatal("the tests on cgroup v2 did not run")
	}
}

// testGroup makes a group below /gspawn-test that is gone when the test ends.
func testGroup(t *testing.T, r *specs.LinuxResources, owner *int) *Group {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for cgroups")
	}
	if os.Getenv(v2Env) != "" && Mode() != Unified {
		t.Fatalf("mode %s, want %s", Mode(), Unified)
	}
	name := strings.NewReplacer("/", "-", "#", "-").Replace(t.Name())
	loc, err := Resolve(fmt.Sprintf("/gspawn-test/%s-%d", name, os.Getpid()), "c", false, false)
	if err != nil {
		t.Fatal(err)
	}
	limits, err := Resources(Input{Resources: r, Mode: Mode()})
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(Config{Location: loc, Limits: limits, Owner: owner})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = g.Kill()
		if err := g.Destroy(); err != nil {
			t.Error(err)
		}
		for _, dir := range append(glob(Root+"/*/gspawn-test"), Root+"/gspawn-test") {
			_ = os.Remove(dir)
		}
	})
	return g
}

func glob(pattern string) []string {
	m, _ := filepath.Glob(pattern)
	return m
}

// has skips where the host lacks a controller.
func (g *Group) has(t *testing.T, controller string) {
	t.Helper()
	if g.mode != Unified {
		if g.mgr.Path(controller) == "" {
			t.Skipf("no %s controller on this host's cgroup v1", controller)
		}
		return
	}
	data, err := os.ReadFile(Root + "/cgroup.controllers")
	if err != nil || !strings.Contains(" "+string(data)+" ", controller) {
		t.Skipf("no %s controller on this host's cgroup v2 (it has %q)", controller, strings.TrimSpace(string(data)))
	}
}

// run starts a process in the group, by the way Join says.
func (g *Group) run(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if g.Join() == JoinByClone {
		dir, err := g.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if g.Join() == JoinAfterSpawn {
		if err := g.AddProcess(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
	}
	return cmd
}

// create makes the cgroup and sets its limits.
func (g *Group) create() error {
	if err := g.Make(); err != nil {
		return err
	}
	return g.Limit()
}

func TestGroupLife(t *testing.T) {
	g := testGroup(t, nil, nil)
	if g.Exists() {
		t.Fatal("exists before it is made")
	}
	if err := g.create(); err != nil {
		t.Fatal(err)
	}
	cmd := g.run(t, "sleep", "100")
	loaded, err := Load(g.Saved())
	if err != nil {
		t.Fatal(err)
	}
	pids, err := loaded.Pids(true)
	if err != nil || len(pids) != 1 || pids[0] != cmd.Process.Pid {
		t.Fatalf("Pids of the loaded group = %v, %v; want [%d]", pids, err, cmd.Process.Pid)
	}
	again, err := New(Config{Location: g.loc, Limits: g.cfg.Resources})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.create(); err == nil || !strings.Contains(err.Error(), "not empty: 1 process") {
		t.Errorf("make on a cgroup with a process: %v", err)
	}
	if err := loaded.SignalAll(unix.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	var status *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &status) || status.Sys().(syscall.WaitStatus).Signal() != unix.SIGUSR2 {
		t.Errorf("after SignalAll(SIGUSR2): %v", err)
	}
	if err := loaded.Destroy(); err != nil {
		t.Fatal(err)
	}
	if g.Exists() {
		t.Error("exists after Destroy")
	}
	for c, dir := range g.Paths() {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("hierarchy %q: %s is left", c, dir)
		}
	}
	if pids, err := loaded.Pids(true); err != nil || len(pids) != 0 {
		t.Errorf("Pids of a cgroup that is gone = %v, %v", pids, err)
	}
	if err := loaded.Destroy(); err != nil {
		t.Errorf("second Destroy: %v", err)
	}
}

func TestGroupFreezeAndKill(t *testing.T) {
	g := testGroup(t, nil, nil)
	if err := g.create(); err != nil {
		t.Fatal(err)
	}
	cmd := g.run(t, "sleep", "100")
	if err := g.Freeze(); err != nil {
		t.Fatal(err)
	}
	if frozen, err := g.Frozen(); err != nil || !frozen {
		t.Fatalf("Frozen = %v, %v after Freeze", frozen, err)
	}
	if err := g.Thaw(); err != nil {
		t.Fatal(err)
	}
	if frozen, err := g.Frozen(); err != nil || frozen {
		t.Fatalf("Frozen = %v, %v after Thaw", frozen, err)
	}
	if err := g.Freeze(); err != nil {
		t.Fatal(err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		t.Fatal("a frozen process outlived Kill")
	}
}

func TestGroupNestedDestroy(t *testing.T) {
	g := testGroup(t, nil, nil)
	if err := g.create(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range g.Paths() {
		if err := os.MkdirAll(filepath.Join(dir, "a/b"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	inner := g.Paths()["devices"]
	if g.mode == Unified {
		inner = g.Paths()[""]
	}
	cmd := exec.Command("sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(inner, "a/b/cgroup.procs"), fmt.Append(nil, cmd.Process.Pid), 0); err != nil {
		t.Fatal(err)
	}
	if own, err := g.Pids(false); err != nil || len(own) != 0 {
		t.Errorf("Pids(false) = %v, %v", own, err)
	}
	if all, err := g.Pids(true); err != nil || len(all) != 1 {
		t.Errorf("Pids(true) = %v, %v", all, err)
	}
	if err := g.Kill(); err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(20 * time.Millisecond) // leave it a zombie while Destroy runs
		_ = cmd.Wait()
	}()
	if err := g.Destroy(); err != nil {
		t.Fatal(err)
	}
}

func TestGroupDevices(t *testing.T) {
	g := testGroup(t, &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Allow: false, Access: "rwm"}}}, nil)
	if err := g.Make(); err != nil {
		t.Fatal(err)
	}
	// /dev/kmsg (1:11) is not among the defaults, /dev/zero is.
	node := filepath.Join(t.TempDir(), "kmsg")
	if err := unix.Mknod(node, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 11))); err != nil {
		t.Skipf("mknod: %v", err)
	}
	if f, err := os.Open(node); err != nil {
		t.Skipf("opening the node fails without the filter too: %v", err)
	} else {
		f.Close()
	}
	cmd := g.run(t, "sh", "-c", `sleep 0.2; head -c1 /dev/zero >/dev/null || exit 3; (: <"$0") 2>/dev/null && exit 4; exit 0`, node)
	// The filter must hold for a process that was there before it, too.
	if err := g.Limit(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("deny-all with the default devices: %v", err)
	}
}

func TestGroupLimits(t *testing.T) {
	limit, pids := int64(64<<20), int64(17)
	quota, period := int64(20000), uint64(50000)
	tests := []struct {
		name, controller string
		res              specs.LinuxResources
		v1, v2, value    string
		update           specs.LinuxResources
		updated          string
	}{
		{name: "memory", controller: "memory", res: specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}},
			v1: "memory.limit_in_bytes", v2: "memory.max", value: "67108864",
			update:  specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr(int64(32 << 20)), Reservation: ptr(int64(0)), Kernel: ptr(int64(0))}, BlockIO: &specs.LinuxBlockIO{Weight: ptr(uint16(0))}}, //nolint:staticcheck // deprecated, but engines send it
			updated: "33554432"},
		{name: "pids", controller: "pids", res: specs.LinuxResources{Pids: &specs.LinuxPids{Limit: &pids}},
			v1: "pids.max", v2: "pids.max", value: "17",
			update: specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(-1))}}, updated: "max"},
		{name: "quota keeps the period", controller: "cpu", res: specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: &quota, Period: &period}},
			v1: "cpu.cfs_period_us", v2: "cpu.max", value: "50000",
			update:  specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: ptr(int64(30000)), Shares: ptr(uint64(0))}},
			updated: "50000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := testGroup(t, &tt.res, nil)
			g.has(t, tt.controller)
			if err := g.create(); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(g.mgr.Path(tt.controller), tt.v1)
			if g.mode == Unified {
				file = filepath.Join(g.mgr.Path(""), tt.v2)
			}
			want := func(v string) {
				t.Helper()
				data, err := os.ReadFile(file)
				if err != nil || !strings.HasSuffix(strings.TrimSpace(string(data)), v) {
					t.Fatalf("%s = %q, %v; want %s", file, data, err, v)
				}
			}
			want(tt.value)
			l, err := Load(g.Saved())
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Update(&tt.update, "1.3.0"); err != nil {
				t.Fatal(err)
			}
			want(tt.updated)
		})
	}
}

// TestGroupAbsent asks for limits whose controllers or files this host lacks: the error names the field, and does not
// say what engines read as a missing program.
func TestGroupAbsent(t *testing.T) {
	tests := []struct {
		field, controller, v2file string
		res                       specs.LinuxResources
	}{
		{"pids.limit", "pids", "pids.max", specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(7))}}},
		{"memory.limit", "memory", "memory.max", specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: ptr(int64(64 << 20))}}},
		{"cpu.shares", "cpu", "cpu.weight", specs.LinuxResources{CPU: &specs.LinuxCPU{Shares: ptr(uint64(100))}}},
		{"cpu.cpus", "cpuset", "cpuset.cpus", specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "0"}}},
		{"blockIO.weight", "io", "io.weight", specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{Weight: ptr(uint16(100))}}},
		{"blockIO.weightDevice", "", "io.bfq.weight", specs.LinuxResources{BlockIO: &specs.LinuxBlockIO{WeightDevice: []specs.LinuxWeightDevice{{Weight: ptr(uint16(100))}}}}},
		{"network.classID", "net_cls", "", specs.LinuxResources{Network: &specs.LinuxNetwork{ClassID: ptr(uint32(7))}}},
		{"rdma", "rdma", "rdma.max", specs.LinuxResources{Rdma: map[string]specs.LinuxRdma{"mlx5_1": {HcaHandles: ptr(uint32(1))}}}},
		{`unified["memory.high"]`, "memory", "memory.high", specs.LinuxResources{Unified: map[string]string{"memory.high": "max"}}},
	}
	tried := 0
	for _, tt := range tests {
		unified := Mode() == Unified
		if unified == (tt.v2file == "") || !unified && (tt.controller == "" || len(tt.res.Unified) > 0) {
			continue
		}
		g := testGroup(t, &tt.res, nil)
		if err := g.Make(); err != nil {
			t.Fatal(err)
		}
		present := g.mgr.Path(tt.controller) != ""
		if unified {
			present = unix.Access(filepath.Join(g.mgr.Path(""), tt.v2file), unix.F_OK) == nil
		}
		if !present {
			tried++
			err := g.Limit()
			if err == nil || !strings.Contains(err.Error(), "linux.resources."+tt.field+": this host's cgroup has no ") || strings.Contains(err.Error(), "no such file") {
				t.Errorf("%s: error %v", tt.field, err)
			}
		}
		if err := g.Destroy(); err != nil {
			t.Error(err)
		}
	}
	if tried == 0 {
		t.Skip("this host has every controller")
	}
}

func ptr[T any](v T) *T { return &v }

func TestGroupStats(t *testing.T) {
	g := testGroup(t, nil, nil)
	if err := g.create(); err != nil {
		t.Fatal(err)
	}
	g.run(t, "sleep", "100")
	st, err := g.Stats()
	if err != nil {
		t.Fatal(err)
	}
	if st.Pids.Current != 1 {
		t.Errorf("pids.current = %d, want 1", st.Pids.Current)
	}
}

func TestGroupOwner(t *testing.T) {
	uid := 100000
	g := testGroup(t, nil, &uid)
	if err := g.create(); err != nil {
		t.Fatal(err)
	}
	tree, other := "", ""
	if g.mode != Unified {
		tree, other = "name=systemd", "devices"
	}
	dir, ok := g.Paths()[tree]
	if !ok {
		t.Skipf("no %s hierarchy on this host", tree)
	}
	for _, f := range []string{"", "cgroup.procs"} {
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join(dir, f), &st); err != nil || st.Uid != uint32(uid) {
			t.Errorf("%s/%s: uid %d, %v; want %d", dir, f, st.Uid, err, uid)
		}
	}
	if other != "" {
		var st unix.Stat_t
		if err := unix.Stat(g.Paths()[other], &st); err != nil || st.Uid != 0 {
			t.Errorf("v1 controller %s: uid %d, %v; want 0", other, st.Uid, err)
		}
	}
}

func TestGroupOOM(t *testing.T) {
	limit := int64(8 << 20)
	g := testGroup(t, &specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: &limit}}, nil)
	g.has(t, "memory")
	if err := g.create(); err != nil {
		t.Fatal(err)
	}
	oom, err := g.OOMEvents()
	if err != nil {
		t.Fatal(err)
	}
	defer oom.Close()
	cmd := g.run(t, "sh", "-c", "sleep 0.2; head -c 40m /dev/zero | tail -c 40m >/dev/null")
	select {
	case _, ok := <-oom.C:
		if !ok {
			t.Fatal("C was closed without a report")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("no report of an out-of-memory kill")
	}
	_ = cmd.Wait()
	if g.OOMKills() == 0 {
		t.Error("OOMKills = 0")
	}
	if err := g.Destroy(); err != nil {
		t.Fatal(err)
	}
	for range oom.C { // closed once the cgroup is gone
	}
}
