package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// sample is one measured command, or several in a row: the sum of the times, the largest peak.
type sample struct {
	Nanoseconds int64 `json:"ns"`
	PeakKB      int64 `json:"kb"` // peak resident memory (getrusage(2) ru_maxrss)
}

// reap is the pseudo command that waits for the container's process (see csrc/spawn.c).
var reap = []string{"@reap"}

// spawnTimeout ends a measurement that hangs.
const spawnTimeout = 3 * time.Minute

// spawnAll measures commands one after the other, or all at once, and returns a sample for each line of spawn.
func spawnAll(work string, parallel bool, commands ...[]string) ([]sample, error) {
	var args []string
	if parallel {
		args = append(args, "-p")
	}
	for i, c := range commands {
		if i > 0 {
			args = append(args, "--")
		}
		args = append(args, c...)
	}
	errOut, err := os.CreateTemp(work, "stderr-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(errOut.Name())
	defer errOut.Close()
	cmd := exec.Command(filepath.Join(work, "spawn"), args...)
	cmd.Stderr, cmd.Dir = errOut, work
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	timer := time.AfterFunc(spawnTimeout, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	out, err := cmd.Output()
	timer.Stop()
	if err != nil {
		return nil, fmt.Errorf("spawn: %w: %s", err, firstLines(errOut.Name()))
	}
	return parseSamples(string(out), errOut.Name())
}

func parseSamples(out, errFile string) ([]sample, error) {
	var samples []sample
	for line := range strings.Lines(out) {
		var s sample
		var code int
		if _, err := fmt.Sscan(line, &s.Nanoseconds, &s.PeakKB, &code); err != nil {
			return nil, fmt.Errorf("spawn printed %q: %w", line, err)
		}
		if code != 0 {
			return nil, fmt.Errorf("command %d: exit code %d: %s", len(samples)+1, code, firstLines(errFile))
		}
		samples = append(samples, s)
	}
	return samples, nil
}

// spawn measures commands one after the other as one sample.
func spawn(work string, commands ...[]string) (sample, error) {
	all, err := spawnAll(work, false, commands...)
	var sum sample
	for _, s := range all {
		sum.Nanoseconds += s.Nanoseconds
		sum.PeakKB = max(sum.PeakKB, s.PeakKB)
	}
	return sum, err
}

func firstLines(file string) string {
	text, _ := os.ReadFile(file)
	return strings.TrimSpace(string(text[:min(len(text), 400)]))
}

// quiet runs a command that is not measured, with the container's output thrown away.
func quiet(work string, command []string) error {
	_, err := spawn(work, command)
	return err
}
