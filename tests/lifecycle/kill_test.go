package lifecycle

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// A create, or a run, that is killed at any place, or whose init dies at any place, leaves nothing that
// `delete --force` does not remove, and the id can be used again.

// everything is a configuration with a step of nearly every kind that this machine may have.
func everything(s *specs.Spec) {
	fixtures.WithNamespace(specs.CgroupNamespace, "")(s)
	fixtures.WithNamespace(specs.TimeNamespace, "")(s)
	filter(specs.ActErrno, uint(unix.EXDEV), "acct", "swapon")(s)
	p := s.Process
	p.OOMScoreAdj = ptr(321)
	p.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch}
	p.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_IDLE}
	p.User.Umask = ptr(uint32(0o77))
	s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1000}}
	s.Linux.Devices = []specs.LinuxDevice{{Path: "/dev/moreover", Type: "c", Major: 1, Minor: 3}}
	s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux}
	s.Process.Terminal = true
	s.Process.Cwd = "/srv/made"
	s.Domainname = "domain"
	s.Linux.Sysctl = map[string]string{"kernel.msgmax": "4096"}
	hook := []specs.Hook{{Path: "/bin/true"}}
	s.Hooks = &specs.Hooks{
		Prestart:      hook, //nolint:staticcheck // deprecated, and what docker uses
		CreateRuntime: hook, CreateContainer: hook, StartContainer: hook, Poststart: hook, Poststop: hook,
	}
}

// mapped is everything in a user namespace, where devices are bound and limits are set from outside. It gets a network
// device too, which this test makes anew for each command.
func mapped(s *specs.Spec) {
	everything(s)
	fixtures.WithUserNamespace(100000, 65536)(s)
	s.Linux.Devices[0] = specs.LinuxDevice{Path: "/dev/null", Type: "c", Major: 1, Minor: 3}
	s.Linux.NetDevices = map[string]specs.LinuxNetDevice{fmt.Sprintf("gspk%x", os.Getpid()): {Name: "lan"}}
}

// whole is everything with the host's ids: nodes are made, limits set by the init, a tree's owners mapped.
func whole(s *specs.Spec) {
	everything(s)
	s.Root.Readonly = true
	s.Mounts = append(s.Mounts,
		specs.Mount{Destination: "/run", Type: "tmpfs", Source: "tmpfs", Options: []string{"tmpcopyup"}},
		specs.Mount{Destination: "/mnt", Type: "bind", Source: "/usr", Options: []string{"rbind", "rro", "rslave"}})
}

func TestKilledAnywhere(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		t.Run("create", func(t *testing.T) { t.Parallel(); killEverywhere(t, "create") })
		t.Run("create-mapped", func(t *testing.T) { t.Parallel(); killEverywhere(t, "create", mapped) })
		t.Run("create-whole", func(t *testing.T) { t.Parallel(); killEverywhere(t, "create", whole) })
		t.Run("run", func(t *testing.T) { t.Parallel(); killEverywhere(t, "run") })
	})
}

// target is one bundle on which one command is killed again and again.
type target struct {
	t       *testing.T
	c       *fixtures.Container
	verb    string
	console string // socket; "" without a terminal
	stdout  string // file, by which processes of this test are known
	faulty  string // runtime with fault injection
	device  string // of the network, on the host; "" for none
	checks  int
}

func killEverywhere(t *testing.T, verb string, changes ...change) {
	faulty, err := buildFault()
	if err != nil {
		t.Fatal(err)
	}
	c := fixtures.New(t, changes...)
	if len(c.Spec.Linux.NetDevices) > 0 && deviceKind() == "" {
		c.Spec.Linux.NetDevices = nil
		c.Write()
	}
	k := &target{t: t, c: c, verb: verb, faulty: faulty, stdout: filepath.Join(filepath.Dir(c.Bundle), "stdout")}
	if err := os.Mkdir(c.Rootfs("srv"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(c.Rootfs("srv"), 0o777); err != nil { // for the root of a user namespace
		t.Fatal(err)
	}
	if c.Spec.Process.Terminal {
		k.console = consoleSocket(t).path
	}
	for name := range c.Spec.Linux.NetDevices {
		k.device = name
	}
	if k.device != "" {
		t.Cleanup(func() { _ = exec.Command("ip", "link", "delete", k.device).Run() })
	}
	k.moves()
	steps := planOf(t, c)
	if len(steps) < 30 {
		t.Fatalf("the plan has %d steps only", len(steps))
	}
	every := 1
	switch {
	case testing.Short():
		every = 7
	case require.IsCgroupV2() || verb == "run":
		every = 4 // no step is another there, but those of control groups
	case len(changes) > 0:
		every = 2 // the default configuration's have been tried
	}
	for i := range steps {
		if i%every == 0 || strings.Contains(steps[i].Kind, "cgroup") {
			k.step(i, steps)
		}
	}
}

// deviceKind is a kind of network devices that cost nothing, go with their namespace and that this machine has, or "".
var deviceKind = sync.OnceValue(func() string {
	name := fmt.Sprintf("gspp%x", os.Getpid())
	for _, kind := range []string{"dummy", "ifb"} {
		if exec.Command("ip", "link", "add", name, "type", kind).Run() == nil {
			_ = exec.Command("ip", "link", "delete", name).Run()
			return kind
		}
	}
	return ""
})

// moves kills the runtime at every place between two of its moves.
func (k *target) moves() {
	const least, most = 8, 60
	for n := 1; n < most; n++ {
		if k.command(fmt.Sprintf("move:%d", n)) == 0 {
			if n <= least {
				k.t.Errorf("only %d places to be killed at", n-1)
			}
			k.undo("after the last move")
			return
		}
		k.check(fmt.Sprintf("move:%d", n))
	}
	k.t.Fatalf("no %s succeeds", k.verb)
}

// step kills first the runtime, then the init, once a step of the plan is done. In the plan of run there is no wait
// for start.
func (k *target) step(i int, steps []planStep) {
	s := steps[i]
	if s.Phase == "prepare" || s.Kind == "execute" || k.verb == "run" && s.Kind == "wait-for-start" {
		return
	}
	if k.verb == "run" && s.Phase == "start" {
		i-- // of the wait that is not there
	}
	for _, who := range [...]string{"step", "init"} {
		place := fmt.Sprintf("%s:%d", who, i)
		code := k.command(place)
		switch {
		case s.Kind == "created":
			// The runtime may be done already.
		case s.Phase == "init" && code == 0:
			k.t.Errorf("%s (%s): %s succeeds", place, s.Kind, k.verb)
		case s.Phase == "start" && k.verb == "create":
			if code != 0 {
				k.t.Errorf("%s (%s): create: exit code %d", place, s.Kind, code)
			}
			// The tape carries the fault: it strikes in start.
			if code := k.exec(place, "start", k.c.ID); who == "step" && code != -1 {
				k.t.Errorf("%s (%s): start is not killed, exit code %d", place, s.Kind, code)
			}
		}
		k.check(place + " (" + s.Kind + ")")
	}
}

// command runs the verb with a fault and returns the exit code, -1 for one that was killed.
func (k *target) command(place string) int {
	args := []string{k.verb, "--bundle", k.c.Bundle}
	if k.console != "" {
		args = append(args, "--console-socket", k.console)
	}
	return k.exec(place, append(args, k.c.ID)...)
}

func (k *target) exec(place string, args ...string) int {
	k.t.Helper()
	k.makeDevice()
	out, err := os.Create(k.stdout)
	if err != nil {
		k.t.Fatal(err)
	}
	defer out.Close()
	cmd := k.c.Cmd(args...)
	cmd.Path = k.faulty
	cmd.Env = append(cmd.Env, "GSPAWN_OCI_FAULT="+place)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	timer := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill(); k.t.Errorf("%s: %q hangs", place, args) })
	defer timer.Stop()
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// makeDevice makes the network device that the container is to get, unless an earlier command did not come to take it.
func (k *target) makeDevice() {
	if k.device == "" {
		return
	}
	if _, err := os.Stat("/sys/class/net/" + k.device); err == nil {
		return
	}
	if out, err := exec.Command("ip", "link", "add", k.device, "type", deviceKind()).CombinedOutput(); err != nil {
		k.t.Fatalf("make a network device: %v: %s", err, out)
	}
}

// check removes what was left, looks for remains, and uses the id once more.
func (k *target) check(place string) {
	k.t.Helper()
	k.undo(place)
	if k.checks++; k.checks%2 != 1 && !strings.HasPrefix(place, "move") {
		return // it costs as much as all the rest
	}
	if code := k.command(""); code != 0 {
		said, _ := os.ReadFile(k.stdout)
		k.t.Errorf("%s: the second %s of the id: exit code %d: %s", place, k.verb, code, said)
	}
	if k.verb != "run" {
		k.undo(place + ", second time")
	}
}

func (k *target) undo(place string) {
	k.t.Helper()
	if r := k.c.Do("delete", "--force", k.c.ID); r.Code != 0 {
		k.t.Errorf("%s: delete --force: exit code %d: %s", place, r.Code, r.Stderr)
	}
	left := k.c.WaitClean()
	for end := time.Now().Add(3 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		traces := append(left, k.traces()...)
		if len(traces) == 0 {
			return
		}
		if time.Now().After(end) {
			k.t.Errorf("%s: left behind:\n  %s", place, strings.Join(traces, "\n  "))
			return
		}
	}
}

// traces are mounts in any mount namespace, and processes with our stdout: a namespace lives no longer than what is
// in it and what is mounted of it.
func (k *target) traces() []string {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	dir := filepath.Dir(k.c.Bundle)
	seen := make(map[string]bool)
	var found []string
	for _, p := range procs {
		if out, err := os.Readlink(p + "/fd/1"); err == nil && strings.HasPrefix(out, k.stdout) {
			found = append(found, "process "+filepath.Base(p))
		}
		ns, err := os.Readlink(p + "/ns/mnt")
		if err != nil || seen[ns] {
			continue
		}
		seen[ns] = true
		mounts, err := os.ReadFile(p + "/mountinfo")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			continue // it has ended
		}
		for line := range strings.Lines(string(mounts)) {
			if strings.Contains(line, dir) {
				found = append(found, "mount in "+ns+" of process "+filepath.Base(p)+": "+strings.TrimSpace(line))
			}
		}
	}
	return found
}

// TestKillCreated: a signal that would end the program ends the init that waits to become it, which has no handler for it.
func TestKillCreated(t *testing.T) {
	require.Root(t)
	for _, signal := range []string{"TERM", "INT", "HUP", "QUIT", "KILL"} {
		c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
		c.Create()
		c.Must("kill", c.ID, signal)
		c.WaitStatus(specs.StateStopped)
		r := c.Do("start", c.ID)
		if r.Code != 1 || !strings.Contains(r.Stderr, "cannot start a container that has stopped") {
			t.Errorf("start after %s: %+v", signal, r)
		}
	}
	c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
	c.Create()
	c.Must("kill", c.ID, "WINCH")
	want(t, "status", string(c.State().Status), "created")
}

// TestKilledBeforeStart shows a created container whose init is killed: it has stopped and cannot start.
func TestKilledBeforeStart(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
	c.Create()
	pid := c.State().Pid
	p, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	c.WaitStatus(specs.StateStopped)
	r := c.Do("start", c.ID)
	if r.Code != 1 || !strings.Contains(r.Stderr, "cannot start a container that has stopped") {
		t.Errorf("start: %+v", r)
	}
	if s := c.State(); s.Pid != 0 {
		t.Errorf("pid of a stopped container is %d", s.Pid)
	}
	c.Must("delete", c.ID)
}

// TestDamagedDescription: of a container that cannot be described any more, delete --force ends the program and the rest.
func TestDamagedDescription(t *testing.T) {
	c := sleeping(t)
	pid := c.State().Pid
	description := filepath.Join(c.Root, c.ID, "state.json")
	good, err := os.ReadFile(description)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(description, good[:len(good)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	wantIn(t, "message", c.Do("delete", c.ID).Stderr, "delete --force removes")
	r := c.Do("delete", "--force", c.ID)
	wantIn(t, "message", r.Stderr, "control group")
	if _, err := os.Stat(filepath.Dir(description)); r.Code != 0 || err == nil {
		t.Errorf("delete --force: exit code %d, %s; the directory is there: %t", r.Code, r.Stderr, err == nil)
	}
	if _, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); err == nil { // a zombie has none
		t.Error("the program still runs")
	}
	for _, group := range fixtures.CgroupDirs(c.Spec.Linux.CgroupsPath) {
		_ = os.Remove(group) // its place was forgotten, as the message says
	}
}
