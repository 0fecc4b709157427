package main

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
)

// podmanConfig is what Debian 12's podman 4.3 wrote for `podman create --network=none IMAGE /bin/true` with its default
// seccomp profile; only paths, host name and ids were replaced. @BUNDLE@ stands for the bundle directory.
//
//go:embed testdata/podman.json
var podmanConfig string

// defaultSpec is what `runc spec` writes on cgroup v2, running /bin/true without a terminal.
func defaultSpec(cgroup string) *specs.Spec {
	s := fixtures.DefaultSpec()
	s.Root = &specs.Root{Path: "rootfs", Readonly: true}
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	s.Linux.CgroupsPath = cgroup
	return s
}

// pauseSpec is defaultSpec with a process that stays.
func pauseSpec(cgroup string) *specs.Spec {
	s := defaultSpec(cgroup)
	s.Process.Args = []string{"/bin/pause"}
	return s
}

// writeBundle writes a bundle over the shared root file system of the work directory, and returns its path.
func writeBundle(work, name string, s *specs.Spec) (string, error) {
	dir := filepath.Join(work, "bundles", name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	s.Root.Path = filepath.Join(work, "rootfs")
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "config.json"), text, 0o644)
}

// writePodmanBundle writes podman's configuration with the files that it binds.
func writePodmanBundle(work, name, cgroup string) (string, error) {
	dir := filepath.Join(work, "bundles", name)
	if err := os.MkdirAll(filepath.Join(dir, "files/shm"), 0o755); err != nil {
		return "", err
	}
	for _, f := range []string{"hostname", "hosts", ".containerenv"} {
		if err := os.WriteFile(filepath.Join(dir, "files", f), []byte("bench\n"), 0o644); err != nil {
			return "", err
		}
	}
	var s specs.Spec
	if err := json.Unmarshal([]byte(strings.ReplaceAll(podmanConfig, "@BUNDLE@", dir)), &s); err != nil {
		return "", err
	}
	s.Linux.CgroupsPath = cgroup
	return writeBundle(work, name, &s)
}

func memoryLimit(bytes int64) *specs.LinuxMemory { return &specs.LinuxMemory{Limit: &bytes} }
