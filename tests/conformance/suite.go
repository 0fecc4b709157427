package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"sort"
	"strings"

	// The suite's programs are package main and cannot be imported; their shared package brings what they require
	// into go.mod.
	_ "github.com/opencontainers/runtime-tools/validation/util"
)

const suiteModule = "github.com/opencontainers/runtime-tools"

// buildSuite builds the validation programs into work/bin and puts beside them what they look for in their working
// directory: the program that runs inside the containers, and the root file system of the suite. It returns the names
// of the programs that match only.
func buildSuite(work string, only *regexp.Regexp) ([]string, error) {
	list, err := goCommand("list", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, suiteModule+"/validation/...")
	if err != nil {
		return nil, err
	}
	var paths, names []string
	for _, p := range strings.Fields(list) {
		if name := filepath.Base(p); only.MatchString(name) {
			paths, names = append(paths, p), append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no validation program matches %q", only)
	}
	sort.Strings(names)
	bin := filepath.Join(work, "bin") + "/"
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, err
	}
	if _, err := goCommand(append([]string{"build", "-o", bin}, paths...)...); err != nil {
		return nil, err
	}
	if _, err := goCommand("build", "-o", filepath.Join(work, "runtimetest"), suiteModule+"/cmd/runtimetest"); err != nil {
		return nil, err
	}
	dir, err := goCommand("list", "-m", "-f", "{{.Dir}}", suiteModule)
	if err != nil {
		return nil, err
	}
	rootfs := "rootfs-" + runtime.GOARCH + ".tar.gz"
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(dir), rootfs))
	if err != nil {
		return nil, fmt.Errorf("the suite has no root file system for %s: %w", runtime.GOARCH, err)
	}
	return names, os.WriteFile(filepath.Join(work, rootfs), data, 0o644)
}

// goCommand runs the go command without cgo: runtimetest has to run in a root file system without a C library.
func goCommand(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, errOut.String())
	}
	return string(out), nil
}
