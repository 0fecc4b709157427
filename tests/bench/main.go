// Command bench measures gspawn-oci beside crun, runc and a bare C program that makes the same system calls (the
// floor), in one run, and writes a table, a plot and the raw samples into a results directory. `make bench` runs it
// as root.
//
// Each round runs every runtime once, in turns, so that a busy moment of the machine hits all alike; figures are
// medians, bars are ratios of medians. Times are measured in a mount namespace with cgroup v2 alone, the layout that
// all of them know; the memory limit case needs the memory controller, so it runs where that is.
//
// It must never be imported, and it must not measure through a shell. It imports tests/fixtures and runtime-spec.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// setup is what the phases, which are processes of their own, are told.
type setup struct {
	Work     string    // scratch directory with the compiled programs and bundles
	Rounds   int       // rounds of the timed cases
	Listed   int       // containers for `list`
	Burst    int       // containers started at once
	Only     string    // regular expression on case names
	Runtimes []runtime // in the order of the table
}

func main() {
	if phase := os.Getenv("GSPAWN_BENCH_PHASE"); phase != "" {
		exit(runPhase(phase, os.Args[1]))
	}
	exit(bench())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// bench prepares, runs the phases, and reports. It fails when the machine cannot run it, not when a bar is missed.
func bench() error {
	s := setup{}
	results := flag.String("results", envOr("RESULTS", filepath.Join(fixtures.RepoRoot(), "tests/bench/results")), "directory for table, plot and samples (RESULTS)")
	ours := flag.String("runtime", envOr("RUNTIME", filepath.Join(fixtures.RepoRoot(), "bin/gspawn-oci")), "gspawn-oci (RUNTIME)")
	runc := flag.String("runc", envOr("RUNC", "runc"), "runc (RUNC)")
	crun := flag.String("crun", os.Getenv("CRUN"), "crun (CRUN); default is the one in PATH, or Debian 13's where that cannot work")
	container := flag.String("true", "", "static program to run in the containers as /bin/true; default is a C program of one system call")
	flag.IntVar(&s.Rounds, "rounds", 21, "rounds of every timed case")
	flag.IntVar(&s.Listed, "listed", 1000, "containers for the list case")
	flag.IntVar(&s.Burst, "burst", 200, "containers started at once")
	flag.StringVar(&s.Only, "only", "", "run only the cases whose name matches this regular expression")
	strict := flag.Bool("strict", false, "exit with 1 when a bar is missed")
	flag.Parse()
	if os.Geteuid() != 0 {
		return errors.New("needs root: try sudo make bench")
	}
	work, err := os.MkdirTemp("", "gspawn-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	s.Work = work
	if err := compile(work, *container); err != nil {
		return err
	}
	if s.Runtimes, err = findRuntimes(work, *ours, *crun, *runc); err != nil {
		return err
	}
	data := newResults(s)
	for _, phase := range []string{phaseTime, phaseLimit} {
		if err := startPhase(phase, s, data); err != nil {
			return err
		}
	}
	missed, err := data.write(*results)
	if err == nil && *strict && missed > 0 {
		err = fmt.Errorf("%d bars missed", missed)
	}
	return err
}

func envOr(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

// startPhase runs a phase in a mount namespace of its own and reads its results back into data.
func startPhase(phase string, s setup, data *results) error {
	file := filepath.Join(s.Work, "phase.json")
	if err := writeJSON(file, data); err != nil {
		return err
	}
	self, err := os.Executable() // not /proc/self/exe, which a shell in between would resolve
	if err != nil {
		return err
	}
	var cmd *exec.Cmd
	switch {
	case require.IsCgroupV2():
		cmd = exec.Command(self, file)
		cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
		cmd.Env = os.Environ()
	case phase == phaseTime:
		cmd = fixtures.CgroupV2Command(self, file)
	default:
		cmd = legacyCommand(self, file)
	}
	cmd.Env = append(cmd.Env, "GSPAWN_BENCH_PHASE="+phase)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("phase %s: %w", phase, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, data)
}

// legacyCommand runs name in a mount namespace with the v1 hierarchies only: crun refuses the hybrid layout.
func legacyCommand(name string, args ...string) *exec.Cmd {
	script := `umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"`
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh", name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	cmd.Env = os.Environ()
	return cmd
}

// runPhase is the process inside the mount namespace.
func runPhase(phase, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	data := &results{}
	if err := json.Unmarshal(text, data); err != nil {
		return err
	}
	roots := filepath.Join(data.Setup.Work, "root")
	if err := os.MkdirAll(roots, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", roots, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount a tmpfs for the state directories: %w", err)
	}
	switch phase {
	case phaseTime:
		err = timePhase(data)
	case phaseLimit:
		limitPhase(data)
	default:
		err = fmt.Errorf("no phase %q", phase)
	}
	return errors.Join(err, writeJSON(file, data))
}

func writeJSON(file string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
