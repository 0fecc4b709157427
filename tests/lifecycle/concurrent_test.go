package lifecycle

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestConcurrentCreates lets several creates of one id race: one wins, the others say so and leave the winner alone.
func TestConcurrentCreates(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		for _, n := range []int{2, 2, 2, 8} {
			raceCreates(t, n)
		}
	})
}

func raceCreates(t *testing.T, n int) {
	c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
	results := make([]fixtures.Result, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			results[i] = c.Do("create", "--bundle", c.Bundle, "--pid-file", filepath.Join(filepath.Dir(c.Bundle), strconv.Itoa(i)), c.ID)
		})
	}
	done.Wait()
	winner := -1
	for i, r := range results {
		switch {
		case r.Code == 0 && winner >= 0:
			t.Errorf("two of %d creates succeed", n)
		case r.Code == 0:
			winner = i
		case r.Code != 1 || !strings.Contains(r.Stderr, "container with given ID already exists"):
			t.Errorf("a loser says %+v", r)
		}
	}
	if winner < 0 {
		t.Fatalf("none of %d creates succeeds: %+v", n, results)
	}
	for i := range n {
		pid, err := os.ReadFile(filepath.Join(filepath.Dir(c.Bundle), strconv.Itoa(i)))
		if (err == nil) != (i == winner) {
			t.Errorf("pid file %d of winner %d: %v", i, winner, err)
		}
		if i == winner && string(pid) != strconv.Itoa(c.State().Pid) {
			t.Errorf("the pid file says %q, state %d", pid, c.State().Pid)
		}
	}
	if s := c.State(); s.Status != specs.StateCreated {
		t.Errorf("the winner's container is %s", s.Status)
	}
	c.Start()
	c.WaitStatus(specs.StateRunning)
	if len(fixtures.CgroupDirs(c.Spec.Linux.CgroupsPath)) == 0 {
		t.Error("the winner's control group is gone")
	}
	c.Must("delete", "--force", c.ID)
}

// TestSharedCgroup shows that a second container does not get the control group of the first, and leaves it alone.
func TestSharedCgroup(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		first := sleeping(t)
		second := fixtures.New(t)
		own := second.Spec.Linux.CgroupsPath
		second.Spec.Linux.CgroupsPath = first.Spec.Linux.CgroupsPath
		second.Write()
		second.Spec.Linux.CgroupsPath = own // where its remains would be looked for
		r := second.Do("create", "--bundle", second.Bundle, second.ID)
		if r.Code != 1 || !strings.Contains(r.Stderr, "cgroup") {
			t.Errorf("create: %+v", r)
		}
		if s := first.State(); s.Status != specs.StateRunning {
			t.Errorf("the first container is %s", s.Status)
		}
		if len(fixtures.CgroupDirs(first.Spec.Linux.CgroupsPath)) == 0 {
			t.Error("the first container's control group is gone")
		}
	})
}
