package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// printSurroundings prints what the runtime finds on this machine: it looks, and changes nothing.
func printSurroundings(w io.Writer) error {
	var b strings.Builder
	b.WriteString("libseccomp: " + seccompHelper() + "\n")
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		b.WriteString("kernel: " + unix.ByteSliceToString(uts.Release[:]) + "\n")
	}
	b.WriteString("cgroups: " + cgroupLayout() + "\n")
	if lsm, err := os.ReadFile("/sys/kernel/security/lsm"); err == nil {
		b.WriteString("lsm: " + strings.TrimSpace(string(lsm)) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// seccompHelper asks the helper binary, beside this one or in libexec, for the version of its library.
func seccompHelper() string {
	self, err := os.Executable()
	if err != nil {
		return "unknown"
	}
	dir := filepath.Dir(self)
	for _, path := range []string{dir + "/" + name + "-seccomp", dir + "/../libexec/" + name + "/" + name + "-seccomp"} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		out, err := exec.Command(path, "--version").Output()
		if err != nil {
			return filepath.Clean(path) + " fails: " + err.Error()
		}
		return strings.TrimSpace(string(out)) + " (" + filepath.Clean(path) + ")"
	}
	return name + "-seccomp not found beside " + self + " or in libexec"
}

func cgroupLayout() string {
	switch {
	case onUnifiedCgroups():
		return "v2"
	case exists("/sys/fs/cgroup/unified/cgroup.controllers"):
		return "v1, hybrid"
	case exists("/sys/fs/cgroup"):
		return "v1"
	}
	return "none"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
