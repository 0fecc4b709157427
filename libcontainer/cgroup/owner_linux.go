package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// OwnerOf returns the host uid that must own the container's cgroup, or nil, by the rules
// of the runtime-spec ("Cgroup ownership" in config-linux.md): a cgroup namespace of its
// own, a cgroup file system mounted writable on /sys/fs/cgroup, and a user namespace in
// which process.user.uid is mapped.
func OwnerOf(s *specs.Spec) *int {
	if s.Linux == nil || len(s.Linux.UIDMappings) == 0 || !newCgroupNamespace(s) || !writableCgroupMount(s) {
		return nil
	}
	var uid uint32
	if s.Process != nil {
		uid = s.Process.User.UID
	}
	for _, m := range s.Linux.UIDMappings {
		if uid >= m.ContainerID && uid-m.ContainerID < m.Size {
			owner := int(m.HostID + (uid - m.ContainerID))
			return &owner
		}
	}
	return nil
}

func newCgroupNamespace(s *specs.Spec) bool {
	return slices.ContainsFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool {
		return n.Type == specs.CgroupNamespace && n.Path == ""
	})
}

func writableCgroupMount(s *specs.Spec) bool {
	return slices.ContainsFunc(s.Mounts, func(m specs.Mount) bool {
		return (m.Source == "cgroup" || m.Type == "cgroup" || m.Type == "cgroup2") &&
			filepath.Clean(m.Destination) == Root && !slices.Contains(m.Options, "ro")
	})
}

// chown hands the delegated files to the owner. On v1 that is the tree without controllers
// only (name=systemd, and the v2 tree of a hybrid host): delegating v1 controllers is not
// safe, see cgroups(7).
func (g *Group) chown() error {
	if g.owner == nil || *g.owner == os.Geteuid() {
		return nil
	}
	paths := g.mgr.GetPaths()
	for _, tree := range []string{"", "name=systemd"} {
		dir := paths[tree]
		if dir == "" {
			continue
		}
		if err := chownTree(dir, *g.owner, delegated(tree)); err != nil {
			return fmt.Errorf("delegate cgroup %q to uid %d: %w", g.loc, *g.owner, err)
		}
	}
	return nil
}

func chownTree(dir string, uid int, files []string) error {
	if err := os.Chown(dir, uid, -1); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return nil // a named hierarchy that is not mounted
		}
		return err
	}
	for _, f := range files {
		// The kernel lists files that not every cgroup has.
		if err := os.Chown(filepath.Join(dir, filepath.Base(f)), uid, -1); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// delegated are the files that a delegate may write, from the kernel where it says so.
func delegated(tree string) []string {
	if tree != "" {
		return []string{"cgroup.procs", "tasks", "cgroup.clone_children", "notify_on_release"}
	}
	data, err := os.ReadFile("/sys/kernel/cgroup/delegate")
	if err != nil {
		return []string{"cgroup.procs", "cgroup.subtree_control", "cgroup.threads"}
	}
	return strings.Fields(string(data))
}
