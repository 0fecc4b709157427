package cgroup

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Root is where the cgroup file systems are mounted (cgroups(7), systemd's choice).
const Root = "/sys/fs/cgroup"

// HostMode is the layout of the host's cgroup file systems.
type HostMode string

const (
	// Unified is cgroup v2 alone, mounted on Root.
	Unified HostMode = "unified"
	// Hybrid is v1 controllers, with a cgroup v2 tree on Root/unified.
	Hybrid HostMode = "hybrid"
	// Legacy is v1 alone.
	Legacy HostMode = "legacy"
)

// Mode reads the layout with one or two statfs calls, once per process. A host where
// Root cannot be read counts as Legacy: the first use of it gives the error.
var Mode = sync.OnceValue(func() HostMode {
	switch {
	case isCgroup2(Root):
		return Unified
	case isCgroup2(Root + "/unified"):
		return Hybrid
	}
	return Legacy
})

func isCgroup2(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
}

// Hierarchy is one mounted v1 hierarchy, or, with no controllers and no name, the v2 tree
// of a hybrid host.
type Hierarchy struct {
	// Controllers are its controllers as the kernel names them ("cpu", "cpuacct").
	Controllers []string
	// Name is set for a named hierarchy ("systemd").
	Name string
	// Dir is where it is mounted below Root.
	Dir string
	// Own is the cgroup of this process in it, as /proc/self/cgroup gives it.
	Own string
}

// Hierarchies lists the mounted v1 hierarchies and, last, the v2 tree of a hybrid host, as they are when it is first
// asked. It reads /proc/self/cgroup instead of mountinfo, and leaves out what is not mounted on its usual place. Empty on
// a unified host. Callers share the list.
var Hierarchies = sync.OnceValues(func() ([]Hierarchy, error) {
	if Mode() == Unified {
		return nil, nil
	}
	data, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("list cgroup hierarchies: %w", err)
	}
	return parseHierarchies(data, mountedOn), nil
})

func parseHierarchies(data []byte, mounted func(dir string, v2 bool) bool) []Hierarchy {
	var out []Hierarchy
	for sc := bufio.NewScanner(bytes.NewReader(data)); sc.Scan(); {
		parts := strings.SplitN(sc.Text(), ":", 3)
		if len(parts) != 3 {
			continue
		}
		h := Hierarchy{Own: parts[2]}
		switch name, named := strings.CutPrefix(parts[1], "name="); {
		case parts[1] == "":
			h.Dir = path.Join(Root, "unified")
		case named:
			h.Name, h.Dir = name, path.Join(Root, name)
		default:
			h.Controllers = strings.Split(parts[1], ",")
			h.Dir = path.Join(Root, parts[1])
		}
		if !mounted(h.Dir, parts[1] == "") {
			// cpu,cpuacct may lie on a directory named after either.
			if len(h.Controllers) == 0 || !mounted(path.Join(Root, h.Controllers[0]), false) {
				continue
			}
			h.Dir = path.Join(Root, h.Controllers[0])
		}
		out = append(out, h)
	}
	return out
}

func mountedOn(dir string, v2 bool) bool {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return false
	}
	if v2 {
		return st.Type == unix.CGROUP2_SUPER_MAGIC
	}
	return st.Type == unix.CGROUP_SUPER_MAGIC
}
