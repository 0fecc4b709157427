package warm

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// TestEntry starts a program at entry and sees that arguments and environment, any number of them, are what they were but
// for the setting, and that the monitor's timer slack is neither the main thread's nor a child's.
func TestEntry(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skipf("no go command to compile with: %v", err)
	}
	program := filepath.Join(t.TempDir(), "said")
	build := exec.Command("go", "build", "-ldflags", "-E github.com/gspawn/gspawn-oci/internal/warm.entry", "-o", program, "./testdata/said")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
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

type report struct {
	Args, Env, Slacks []string
	Procs, Rate       int
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
