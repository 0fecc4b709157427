package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// subject is a runtime under test, wrapped so that it keeps its state in a directory of its own: the suite gives no
// --root.
type subject struct {
	name    string
	program string
	wrapper string
	state   string
	results map[string]result
	lock    chan struct{}
}

func newSubject(work, program string) (*subject, error) {
	s := &subject{name: filepath.Base(program), program: program, results: map[string]result{}, lock: make(chan struct{}, 1)}
	s.state = filepath.Join(work, "state-"+s.name)
	s.wrapper = filepath.Join(work, "wrapped-"+s.name)
	script := fmt.Sprintf("#!/bin/sh\nexec %q --root %q \"$@\"\n", program, s.state)
	return s, os.WriteFile(s.wrapper, []byte(script), 0o755)
}

// run runs one program of the suite, with its own TMPDIR, session and mount namespace, and removes what it leaves. The
// namespace is a must: one of the programs asks for a container without a mount namespace, for which runc mounts
// proc, sysfs and the rest in its own, and leaves them there; the removal of TMPDIR would go through them.
func (s *subject) run(work, program string, timeout time.Duration) result {
	cmd := exec.Command(filepath.Join(work, "bin", program))
	cmd.Dir = work
	tmp, err := os.MkdirTemp(work, "tmp-")
	if err != nil {
		return result{err: err}
	}
	defer os.RemoveAll(tmp)
	_ = os.Chmod(tmp, 0o755) // mapped users pass through
	cmd.Env = append(os.Environ(), "RUNTIME="+s.wrapper, "TMPDIR="+tmp)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: syscall.CLONE_NEWNS}
	cmd.WaitDelay = time.Second // a container that stays may hold the pipes
	err = cmd.Start()
	if err == nil {
		timer := time.AfterFunc(timeout, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		err = cmd.Wait()
		if !timer.Stop() {
			err = fmt.Errorf("no end within %v", timeout)
		}
	}
	r := parseTAP(out.String())
	r.stderr, r.err = errOut.String(), err
	r.conclude(program)
	s.lock <- struct{}{}
	s.results[program] = r
	<-s.lock
	return r
}

// clear deletes every container that the suite left in the state directory. It runs after all programs, since two of
// them run at the same time.
func (s *subject) clear() {
	left, _ := os.ReadDir(s.state)
	for _, e := range left {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			_ = exec.Command(s.wrapper, "delete", "--force", e.Name()).Run()
		}
	}
	clearCgroups()
}

// clearCgroups removes the empty parents of the suite's cgroups, at the root of each hierarchy and below this process's
// own cgroup, where runc puts relative paths.
func clearCgroups() {
	own := map[string]bool{"/": true}
	data, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(data)) {
		if f := strings.SplitN(strings.TrimSpace(line), ":", 3); len(f) == 3 {
			own[f[2]] = true
		}
	}
	hierarchies, _ := filepath.Glob("/sys/fs/cgroup/*")
	for _, h := range append(hierarchies, "/sys/fs/cgroup") {
		for at := range own {
			for _, name := range []string{"testdir/cgrouptest/container", "testdir/cgrouptest", "testdir", "cgrouptest"} {
				_ = syscall.Rmdir(filepath.Join(h, at, name)) // fails where it does not exist or is in use
			}
		}
	}
}
