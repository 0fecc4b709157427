package pods

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
)

// end removes the pods, fails the test for what is left of them, and removes that, containerd and its directory.
func (d *Daemon) end(t testing.TB) {
	for len(d.pods) > 0 {
		(&Pod{ID: d.pods[0], d: d}).Remove(t)
	}
	var left []string
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if left = d.leftovers(); len(left) == 0 || time.Now().After(end) {
			break
		}
	}
	if len(left) > 0 {
		t.Errorf("left behind:\n  %s", strings.Join(left, "\n  "))
	}
	d.shutdown(t)
	if t.Failed() {
		text, _ := os.ReadFile(d.log)
		t.Logf("containerd's log, last part:\n%s", text[max(0, len(text)-4000):])
	}
	d.clear(t)
}

func (d *Daemon) shutdown(t testing.TB) {
	if d.daemon == nil || d.daemon.Process == nil {
		return
	}
	_ = d.daemon.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(30*time.Second, func() {
		t.Error("containerd did not end within 30 seconds")
		_ = d.daemon.Process.Kill()
	})
	_ = d.daemon.Wait()
	timer.Stop()
}

// leftovers names processes, control groups, mounts and states of containers.
func (d *Daemon) leftovers() []string {
	var left []string
	for _, pid := range d.processes() {
		cmdline, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		left = append(left, fmt.Sprintf("process %s %.200q", pid, strings.ReplaceAll(string(cmdline), "\x00", " ")))
	}
	for _, dir := range fixtures.CgroupDirs(d.cgroup) {
		list, _ := os.ReadDir(dir)
		for _, e := range list {
			if e.IsDir() {
				left = append(left, "cgroup "+filepath.Join(dir, e.Name()))
			}
		}
	}
	for _, m := range fixtures.MountsBelow(filepath.Join(d.dir, "state")) {
		left = append(left, "mount "+m)
	}
	states, _ := filepath.Glob(d.dir + "/runtime/k8s.io/*")
	for _, s := range states {
		if len(filepath.Base(s)) == 64 { // containers' ids only: caches and locks may stay
			left = append(left, "state "+s)
		}
	}
	return left
}

// processes are shims, which have the socket in their arguments, and processes of containers.
func (d *Daemon) processes() []string {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var pids []string
	for _, dir := range dirs {
		pid := filepath.Base(dir)
		if pid == strconv.Itoa(os.Getpid()) || d.daemon != nil && d.daemon.Process != nil && pid == strconv.Itoa(d.daemon.Process.Pid) {
			continue
		}
		cmdline, _ := os.ReadFile(dir + "/cmdline")
		cgroup, _ := os.ReadFile(dir + "/cgroup")
		if len(cmdline) > 0 && (strings.Contains(string(cmdline), d.dir+"/") || strings.Contains(string(cgroup), d.cgroup+"/")) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// clear removes what a failed test left, and directories that other tests would find.
func (d *Daemon) clear(t testing.TB) {
	for _, pid := range d.processes() {
		if n, err := strconv.Atoi(pid); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
	mounts := fixtures.MountsBelow(d.dir)
	for i := len(mounts) - 1; i >= 0; i-- {
		_ = unix.Unmount(mounts[i], unix.MNT_DETACH)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		dirs := fixtures.CgroupDirs(d.cgroup)
		if len(dirs) == 0 || time.Now().After(end) {
			break
		}
		for _, dir := range dirs {
			fixtures.RemoveDirs(dir)
		}
	}
	if err := os.RemoveAll(d.dir); err != nil {
		t.Errorf("remove containerd's directory: %v", err)
	}
}
