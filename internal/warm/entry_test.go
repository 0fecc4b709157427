package warm

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// TestEntry starts a program at entry and sees that arguments and environment, any number of them, are what they were but
// for the setting, and that the monitor's timer slack is neither the main thread's nor a child's.
func TestEntry(t *testing.T) {
	program := build(t)
	list := func(n int, prefix string) []string {
		out := []string{}
		for i := range n {
			out = append(out, prefix+strconv.Itoa(i)+"=x")
		}
		return out
	}
	for _, n := range []struct{ args, env int }{{0, 0}, {0, 1}, {1, 0}, {3, 4}, {300, 301}} {
		args, env := list(n.args, "a"), list(n.env, "E")
		got := said(t, program, args, env)
		if !slices.Equal(got.Args, args) {
			t.Errorf("arguments are %q, want %q", got.Args, args)
		}
		if want := append(env, Procs+"="+OneProc); !slices.Equal(got.Env, want) {
			t.Errorf("environment is %q, want %q", got.Env, want)
		}
		if got.Procs != 1 || got.Rate != 0 {
			t.Errorf("%d processors and a sample every %d bytes, want 1 and 0", got.Procs, got.Rate)
		}
	}
	const usual, large = "50000", "2000000"
	slacks := said(t, program, nil, nil).Slacks
	if slacks[0] != usual || !slices.Contains(slacks, large) || slacks[len(slacks)-1] != usual {
		t.Errorf("the threads, the main one first, and a child have the timer slacks %v", slacks)
	}
	if got := said(t, program, nil, []string{Procs + "=3"}); got.Procs != 3 || !slices.Equal(got.Env, []string{Procs + "=3"}) {
		t.Errorf("the user's %s=3 became %d, environment %q", Procs, got.Procs, got.Env)
	}
}

// TestCPUs sees that the process keeps to one CPU until Inherit, and to the caller's from there on.
func TestCPUs(t *testing.T) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	own := regexp.MustCompile(`(?m)^Cpus_allowed_list:\s*(\S+)$`).FindSubmatch(status)
	if own == nil {
		t.Fatalf("no Cpus_allowed_list in /proc/self/status:\n%s", status)
	}
	got := said(t, build(t), nil, nil).CPUs
	if len(got) != 3 || !regexp.MustCompile(`^\d+$`).MatchString(got[0]) || got[1] != string(own[1]) || got[2] != string(own[1]) {
		t.Errorf("before Inherit, after it and in a child the CPUs are %q, want one, then twice %s", got, own[1])
	}
}

// TestSlowFaults has every fault count as slow, and then none: in the first case more of the data and of the heap is mapped.
// Of the code of so small a program the kernel maps nearly all either way.
func TestSlowFaults(t *testing.T) {
	mapped := func(limit string) memory {
		program := build(t, "-asmflags=github.com/gspawn/gspawn-oci/internal/warm=-D=SLOW_FAULT="+limit)
		return resident(t, said(t, program, nil, nil), program)
	}
	all, few := mapped("0"), mapped("0x7fffffff")
	t.Logf("%+v where faults are slow, %+v where they are not", all, few)
	if all.data <= few.data || all.heap < few.heap+64 {
		t.Errorf("%+v are mapped where faults are slow, and %+v where they are not", all, few)
	}
}

// memory is what lies in memory, in kB.
type memory struct{ data, heap uint64 }

var mapping = regexp.MustCompile(`(?ms)^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(\S*)$.*?^Rss: +(\d+) kB$`)

// resident reads smaps (proc_pid_smaps(5)) of a program that the Go linker has laid out.
func resident(t *testing.T, r report, program string) (m memory) {
	t.Helper()
	number := func(text string, base int) uint64 {
		n, err := strconv.ParseUint(text, base, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	heap, programEnd := number(r.Heap, 0), uint64(0)
	for _, f := range mapping.FindAllStringSubmatch(r.Maps, -1) {
		start, end, permissions, name, rss := number(f[1], 16), number(f[2], 16), f[3], f[4], number(f[5], 10)
		if name == program {
			programEnd = end
		}
		switch {
		case permissions == "rw-p" && (name == program || start == programEnd):
			m.data += rss
		case start <= heap && heap < end:
			m.heap = rss
		}
	}
	return m
}

func build(t *testing.T, flags ...string) (program string) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("no go command to compile with: %v", err)
	}
	program = filepath.Join(t.TempDir(), "said")
	args := append([]string{"build", "-ldflags", "-E github.com/gspawn/gspawn-oci/internal/warm.entry", "-o", program}, flags...)
	cmd := exec.Command("go", append(args, "./testdata/said")...)
	cmd.Env = append(os.Environ(), "GOEXPERIMENT=norandomizedheapbase64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return program
}

type report struct {
	Args, Env, Slacks, CPUs []string
	Procs, Rate             int
	Maps, Heap              string
}

func said(t *testing.T, program string, args, env []string) (got report) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{}, env...) // nil would be our own
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}
