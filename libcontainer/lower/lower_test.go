package lower

import (
	"encoding/binary"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

var update = flag.Bool("update", false, "write the golden file")

// small is a configuration whose tape can be read in one sitting.
func small() *specs.Spec {
	return &specs.Spec{
		Version: "1.2.0",
		Root:    &specs.Root{Path: "/rootfs", Readonly: true},
		Process: &specs.Process{Args: []string{"/bin/true"}, Cwd: "/", Env: []string{"A=b"}, User: specs.User{UID: 7, GID: 8, AdditionalGids: []uint32{9}}},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid"}},
			{Destination: "/data", Type: "bind", Source: "/srv", Options: []string{"rbind", "rro", "slave"}},
		},
		Linux: &specs.Linux{
			Namespaces:  []specs.LinuxNamespace{{Type: specs.MountNamespace}, {Type: specs.PIDNamespace}, {Type: specs.UTSNamespace}},
			MaskedPaths: []string{"/proc/kcore"},
		},
		Hostname: "small",
	}
}

func lowered(t *testing.T, s *specs.Spec, o plan.Options, in Input) *Init {
	t.Helper()
	p, err := plan.Compile(s, plan.Facts{Privileged: true}, o)
	if err != nil {
		t.Fatal(err)
	}
	init, err := Lower(p, &in)
	if err != nil {
		t.Fatal(err)
	}
	return init
}

func disassembled(t *testing.T, init *Init) string {
	t.Helper()
	var b strings.Builder
	if err := init.Disassemble(&b); err != nil {
		t.Fatal(err)
	}
	// Where data lies depends on the size of the interpreter.
	return regexp.MustCompile(`data\[[0-9]+\]`).ReplaceAllString(b.String(), "data[]")
}

var usual = Input{Keep: 3, Sync: 3, Listen: 4, Inherited: 5}

// TestTape keeps the tape of a small plan.
func TestTape(t *testing.T) {
	init := lowered(t, small(), plan.Options{ID: "id", Bundle: "/b", Wait: true}, usual)
	if init.CloneFlags != unix.CLONE_NEWNS|unix.CLONE_NEWPID|unix.CLONE_NEWUTS || init.Forks {
		t.Errorf("clone flags %#x, forks %v", init.CloneFlags, init.Forks)
	}
	got := disassembled(t, init)
	const file = "testdata/small.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(kept) {
		t.Errorf("the tape is another; see git diff after go test -update:\n%s", got)
	}
}

// TestSameTail shows what start relies on to name the step of a record: from the wait on, the tape is the same
// however the container's descriptors were numbered.
func TestSameTail(t *testing.T) {
	o := plan.Options{ID: "id", Bundle: "/b", Wait: true}
	first := lowered(t, small(), o, usual)
	again := lowered(t, small(), o, Input{Keep: 9, Sync: 12, Listen: 13, Inherited: 20, AwaitPlacement: true, OwnStdio: 7})
	waits := 0
	for n := 1; n <= first.Len(); n++ {
		a, b := first.Step(first.Len()-n), again.Step(again.Len()-n)
		if a != b {
			t.Fatalf("record %d from the end is of step %d and %d", n, a, b)
		}
		if strings.HasPrefix(first.Record(first.Len()-n), "accept4") {
			waits++
			break
		}
	}
	if waits != 1 {
		t.Error("no wait for start on the tape")
	}
}

// TestNamespaceLayout pins who makes which namespaces, and when it takes another fork.
func TestNamespaceLayout(t *testing.T) {
	const m, p, u, c, tm = plan.CloneMount, plan.ClonePID, plan.CloneUser, plan.CloneCgroup, plan.CloneTime
	joined := func(kinds ...specs.LinuxNamespaceType) (list []specs.LinuxNamespace) {
		for _, k := range kinds {
			list = append(list, specs.LinuxNamespace{Type: k, Path: "/x"})
		}
		return list
	}
	tests := []struct {
		name        string
		made        uint64
		joined      []specs.LinuxNamespace
		in          Input
		clone, tape uint64
		forks       bool
	}{
		{"usual", m | p, nil, Input{}, m | p, 0, false},
		{"cgroup once placed", m | p | c, nil, Input{}, m | p, c, false},
		{"user first", m | p | u | c, nil, Input{}, m | p | u, c, false},
		{"time needs a child", m | p | tm, nil, Input{}, m, p | tm, true},
		{"user on tape", m | p | u, nil, Input{UserOnTape: true}, 0, m | p, true},
		{"user on tape without pid", m | u, nil, Input{UserOnTape: true}, 0, m, false},
		{"user joined", m | p, joined(specs.UserNamespace), Input{}, 0, m | p, true},
		{"pid joined", m, joined(specs.PIDNamespace), Input{}, m, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pl := &plan.Plan{Namespaces: plan.Namespaces{New: tt.made, Joined: tt.joined}}
			for _, j := range tt.joined {
				pl.Steps = append(pl.Steps, plan.JoinNamespace(j))
				pl.Phases = append(pl.Phases, plan.Init)
			}
			l := layoutNamespaces(pl, &tt.in)
			if uint64(l.clone) != tt.clone || l.tape != tt.tape || l.forks != tt.forks {
				t.Errorf("clone %#x tape %#x forks %v, want %#x %#x %v", l.clone, l.tape, l.forks, tt.clone, tt.tape, tt.forks)
			}
		})
	}
}

// TestForkedChildWaits: the child of a tape that forks reads an answer before it does anything else, for what it asked for
// before its parent had told of it would be done for the parent.
func TestForkedChildWaits(t *testing.T) {
	s := small()
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.TimeNamespace})
	init := lowered(t, s, plan.Options{ID: "id", Bundle: "/b", Wait: true}, usual)
	if !init.Forks {
		t.Fatal("the tape does not fork")
	}
	_, after, _ := strings.Cut(disassembled(t, init), " clone(")
	lines := strings.Split(after, "\n")
	if len(lines) < 4 || !strings.Contains(lines[1], " write(") || !strings.Contains(lines[2], " exit_group()") ||
		!strings.Contains(lines[3], " read(") {
		t.Errorf("after the clone:\n%.300s", after)
	}
}

// TestLabelsOfHost: where the mount namespace is somebody else's, so is its /proc, and a label that is written there may go
// nowhere. The descriptor is opened before it is entered and used after.
func TestLabelsOfHost(t *testing.T) {
	s := small()
	s.Process.ApparmorProfile = "confined"
	joined := small()
	joined.Process.ApparmorProfile = "confined"
	joined.Linux.Namespaces[0].Path = "/proc/1/ns/mnt"
	for name, tt := range map[string]struct {
		spec *specs.Spec
		want []string
	}{
		"new":    {s, []string{` openat(-100, "/proc/self/attr/apparmor/exec"`}},
		"joined": {joined, []string{` openat(-100, "/proc"`, ` fcntl(`, ` setns(`, `, "self/attr/apparmor/exec"`}},
	} {
		p, err := plan.Compile(tt.spec, plan.Facts{Privileged: true, AppArmor: true}, plan.Options{ID: "id", Bundle: "/b", Wait: true})
		if err != nil {
			t.Fatal(err)
		}
		in := usual
		in.Fds = map[int]int{}
		for i, s := range p.Steps {
			if _, ok := s.(plan.JoinNamespace); ok {
				in.Fds[i] = 5
			}
		}
		init, err := Lower(p, &in)
		if err != nil {
			t.Fatal(err)
		}
		rest := disassembled(t, init)
		for _, w := range tt.want {
			_, after, ok := strings.Cut(rest, w)
			if !ok {
				t.Errorf("%s: no%s in\n%.2000s", name, w, rest)
			}
			rest = after
		}
		if name == "joined" && strings.Contains(rest, `"/proc/self/attr`) {
			t.Errorf("%s: opens the container's /proc", name)
		}
	}
}

// TestHidden: before it enters anything of a container, a process is not dumpable, and stays so until the program takes its
// place. In the PID namespace is only its child, which is in all others.
func TestHidden(t *testing.T) {
	exec := func(in Input) string {
		p, err := plan.CompileExec(small(), small().Process, plan.Target{PID: 1, Namespaces: plan.CloneMount | plan.ClonePID | plan.CloneUser},
			plan.Facts{Privileged: true}, plan.Options{ID: "id", Bundle: "/b"})
		if err != nil {
			t.Fatal(err)
		}
		init, err := Lower(p, &in)
		if err != nil {
			t.Fatal(err)
		}
		return disassembled(t, init)
	}
	join := small()
	join.Linux.Namespaces[1].Path = "/proc/1/ns/pid"
	entered, blind := usual, usual
	entered.Fds = map[int]int{0: 5}
	blind.Blind, blind.Notify, blind.Fds = true, true, map[int]int{0: 5}
	hook, err := HookProgram(&Hook{PIDFD: 3, Root: 4, Flags: plan.CloneMount | plan.ClonePID, Path: "/bin/true"})
	if err != nil {
		t.Fatal(err)
	}
	const hides, shows = " prctl(4)", " prctl(4, 1)"
	for name, tape := range map[string]string{
		"exec": exec(entered), "exec by the blind": exec(blind), "hook": disassembled(t, &Init{Program: hook}),
		"joined": disassembled(t, lowered(t, join, plan.Options{ID: "id", Bundle: "/b", Wait: true}, Input{Keep: 3, Sync: 3, Listen: 4, Inherited: 6, Fds: map[int]int{0: 5}})),
	} {
		before, after, ok := strings.Cut(tape, " setns(")
		if !ok || !strings.Contains(before, hides) {
			t.Errorf("%s: enters namespaces while it is dumpable:\n%.1500s", name, tape)
		}
		if strings.Contains(after, shows) {
			t.Errorf("%s: dumpable again:\n%s", name, after)
		}
	}
	joins, forks, _ := strings.Cut(exec(entered), " clone(")
	if !strings.Contains(joins, " setns(") || strings.Contains(forks, " setns(") {
		t.Errorf("exec: forks before it has entered all:\n%.1500s", exec(entered))
	}
	if own := disassembled(t, lowered(t, small(), plan.Options{ID: "id", Bundle: "/b"}, usual)); strings.Contains(own, hides) {
		t.Error("a call for nothing, where nobody else is")
	}
}

// unknown is a step that no part knows.
type unknown struct{ plan.Symlink }

func TestUnknownStep(t *testing.T) {
	p := &plan.Plan{Steps: []plan.Step{&unknown{}}, Phases: []plan.Phase{plan.Init}}
	if _, err := Lower(p, &usual); err == nil || !strings.Contains(err.Error(), "no system call is known") {
		t.Errorf("got %v", err)
	}
	p.Steps[0] = plan.Rlimit{Type: "RLIMIT_NONE"}
	if _, err := Lower(p, &usual); err == nil || !strings.Contains(err.Error(), "RLIMIT_NONE") {
		t.Errorf("got %v", err)
	}
}

// TestResolution shows that no path of the root file system is opened but by openat2 from the root's descriptor.
func TestResolution(t *testing.T) {
	s := small()
	s.Linux.ReadonlyPaths = []string{"/secret/ro"}
	s.Linux.MaskedPaths = []string{"/secret/masked"}
	s.Linux.Devices = []specs.LinuxDevice{{Path: "/secret/dev", Type: "c", Major: 1, Minor: 3}}
	s.Mounts = append(s.Mounts, specs.Mount{Destination: "/secret/mount", Type: "tmpfs"})
	s.Process.Cwd = "/secret/cwd"
	seen := 0
	for line := range strings.Lines(disassembled(t, lowered(t, s, plan.Options{ID: "id", Bundle: "/b"}, usual))) {
		if !strings.Contains(line, `secret/`) || strings.Contains(line, `open_tree(-100, "/secret/dev"`) {
			continue // one name in an open directory, or the host's device
		}
		seen++
		if !strings.Contains(line, " openat2(") {
			t.Errorf("not by openat2: %s", line)
		} else if !strings.Contains(line, "EAGAIN: goto") && !strings.Contains(line, "(-100,") {
			t.Errorf("fails when something else is renamed: %s", line)
		}
	}
	if seen < 5 {
		t.Errorf("only %d records name the paths", seen)
	}
}

func TestParseMessage(t *testing.T) {
	for r := MapIDs; r <= lastRequest; r++ {
		m, err := ParseMessage(message(r, 77))
		if err != nil || m.Request != r || m.Value != 77 {
			t.Errorf("request %d: %+v %v", r, m, err)
		}
	}
	whole := message(Ready, 1)
	for n := range whole {
		if m, err := ParseMessage(whole[:n]); err == nil {
			t.Errorf("%d bytes: %+v", n, m)
		}
	}
	if m, err := ParseMessage(append(whole, 0)); err == nil {
		t.Errorf("one byte too many: %+v", m)
	}
	for _, r := range []uint32{uint32(lastRequest) + 1, 1 << 31} {
		b := make([]byte, MessageSize)
		binary.LittleEndian.PutUint32(b, r)
		if m, err := ParseMessage(b); err == nil && m.Request != 0 {
			t.Errorf("request %d: %+v", r, m)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(message(Ready, 1))
	f.Add(make([]byte, MessageSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMessage(b)
		if err == nil && (len(b) != MessageSize || m.Request > lastRequest) {
			t.Fatalf("%x is %+v", b, m)
		}
	})
}

func TestDeviceNumber(t *testing.T) {
	for _, d := range [][2]uint32{{1, 3}, {136, 0}, {10, 229}, {8, 300}, {259, 70000}, {4095, 1048575}} {
		want := unix.Mkdev(d[0], d[1])
		if got := deviceNumber(int64(d[0]), int64(d[1])); uint64(got) != want&0xffffffff {
			t.Errorf("%d:%d is %#x, want %#x", d[0], d[1], got, want)
		}
	}
}
