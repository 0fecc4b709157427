package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// runtime is one column of the table.
type runtime struct {
	Name    string   // "gspawn-oci", "crun", "runc", "floor"
	Command []string // program and leading arguments
	Version string   // first line of --version
	Note    string   // how it was got, for the report
}

const (
	ourName   = "gspawn-oci"
	crunName  = "crun"
	runcName  = "runc"
	floorName = "floor"
)

// argv is the command line of the runtime with its own state directory.
func (r runtime) argv(root string, args ...string) []string {
	return append(append(append([]string{}, r.Command...), "--root", root), args...)
}

// findRuntimes looks the programs up. A missing gspawn-oci or runc, or no crun that works, is told and left out.
func findRuntimes(work, ours, crun, runc string) ([]runtime, error) {
	var found []runtime
	add := func(r runtime, err error) {
		if err != nil {
			fmt.Printf("without %s: %v\n", r.Name, err)
			return
		}
		out, _ := exec.Command(r.Command[0], append(append([]string{}, r.Command[1:]...), "--version")...).Output()
		r.Version, _, _ = strings.Cut(string(out), "\n")
		found = append(found, r)
	}
	path, err := exec.LookPath(ours)
	if err == nil {
		path, err = installed(path, work)
	}
	add(runtime{Name: ourName, Command: []string{path}}, err)
	add(findCrun(work, crun))
	path, err = exec.LookPath(runc)
	if err != nil && runc == runcName {
		path, err = exec.LookPath("/usr/sbin/runc")
	}
	add(runtime{Name: runcName, Command: []string{path}}, err)
	if len(found) == 0 {
		return nil, errors.New("no runtime to measure: make build, or install runc or crun")
	}
	return append(found, runtime{Name: floorName, Command: []string{filepath.Join(work, floorName)}, Version: "csrc/floor.c"}), nil
}

// installed copies gspawn-oci from where it was built, with the helper beside it, as `make install` would: a file that the
// linker has just written lies in the page cache page by page, a copied one, as the other runtimes are, in large pieces,
// which are mapped faster (a tenth of the time of `state`).
func installed(program, work string) (string, error) {
	helper := filepath.Join(filepath.Dir(program), seccomp.HelperName)
	if _, err := os.Stat(helper); err != nil {
		return program, nil //nolint:nilerr // it is installed
	}
	dir := filepath.Join(work, "installed")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	for _, file := range []string{program, helper} {
		if err := fixtures.CopyFile(file, filepath.Join(dir, filepath.Base(file)), 0o755); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, filepath.Base(program)), nil
}

// findCrun takes the crun that was asked for, else the one in PATH if it works on cgroup v2, else Debian 13's.
func findCrun(work, asked string) (runtime, error) {
	r := runtime{Name: crunName}
	if asked != "" {
		path, err := exec.LookPath(asked)
		r.Command = []string{path}
		return r, err
	}
	inPath, err := exec.LookPath(crunName)
	if err == nil {
		r.Command = []string{inPath}
		if err = tryCrun(work, r.Command); err == nil {
			return r, nil
		}
		fmt.Printf("%s does not work with cgroup v2 alone (%v): taking the one of Debian 13\n", inPath, err)
	}
	fetched, note, err := fixtures.FetchCrun()
	if err != nil {
		return r, err
	}
	r.Command, r.Note = fetched, note
	return r, tryCrun(work, r.Command)
}

// tryCrun runs one container in a cgroup v2 mount namespace.
func tryCrun(work string, command []string) error {
	b, err := writeBundle(work, "try-crun", defaultSpec("/gspawn-test/bench-try"))
	if err != nil {
		return err
	}
	args := append(append([]string{}, command[1:]...), "--root", filepath.Join(work, "try-root"), "run", "--bundle", b, "bench-try")
	cmd := exec.Command(command[0], args...)
	if !require.IsCgroupV2() {
		cmd = fixtures.CgroupV2Command(command[0], args...)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(out.Bytes()))
	}
	return os.RemoveAll(filepath.Join(work, "try-root"))
}
