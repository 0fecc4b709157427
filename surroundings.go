package main

import (
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/companion"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
)

// printSurroundings prints what the runtime finds on this machine: it looks, and changes nothing.
func printSurroundings(w io.Writer) error {
	var b strings.Builder
	b.WriteString("libseccomp: " + libseccomp() + "\n")
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

// libseccomp is the version of the library that compiles profiles, and where it is.
func libseccomp() string {
	s, err := seccomp.Describe()
	if err != nil {
		return "none: " + err.Error()
	}
	if seccomp.InProcess {
		return s.Version
	}
	helper, err := companion.Find(seccomp.HelperName)
	if err != nil {
		return s.Version
	}
	return s.Version + " (" + helper + ")"
}

func cgroupLayout() string {
	switch cgroup.Mode() {
	case cgroup.Unified:
		return "v2"
	case cgroup.Hybrid:
		return "v1, hybrid"
	}
	if _, err := os.Stat(cgroup.Root); err != nil {
		return "none"
	}
	return "v1"
}
