package plan

import (
	"path"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Hierarchy is one cgroup v1 hierarchy of the host.
type Hierarchy struct {
	// Name is the directory below the cgroup mount point: "cpu,cpuacct".
	Name string
	// Options are the mount options that name the hierarchy:
	// "cpu,cpuacct", "name=systemd".
	Options string
	// MountPoint is where the host has it.
	MountPoint string
	// Own is the container's cgroup in it, from the hierarchy's root.
	Own string
}

// CgroupFacts say how the host's control groups are laid out.
type CgroupFacts struct {
	Unified bool
	// MountPoint is the unified hierarchy's; Own the container's cgroup
	// in it, from the root of the hierarchy.
	MountPoint, Own string
	// V1 are the v1 hierarchies of a legacy or hybrid host.
	V1 []Hierarchy
}

// Cgroup2Mount mounts the unified hierarchy. Where the kernel refuses, since
// the cgroup namespace does not belong to the container's user namespace, the
// host's Fallback is bound instead: the directory of the container's cgroup, or
// without a cgroup namespace, as a new mount would show, the whole hierarchy.
type Cgroup2Mount struct {
	Mount
	Fallback string
}

// Kind implements Step.
func (Cgroup2Mount) Kind() string { return "mount-cgroup2" }

// CgroupTree puts an empty file system where the cgroup v1 hierarchies go.
type CgroupTree struct {
	Mount
}

// Kind implements Step.
func (CgroupTree) Kind() string { return "mount-cgroup1-tree" }

// Cgroup1Mount mounts one v1 hierarchy: the hierarchy itself under a cgroup
// namespace, else the directory of the container's cgroup in it.
type Cgroup1Mount struct {
	Mount
	Hierarchy string
}

// Kind implements Step.
func (Cgroup1Mount) Kind() string { return "mount-cgroup1" }

// CgroupLink is the symlink from a controller to the hierarchy that it shares
// with others: cpu → cpu,cpuacct.
type CgroupLink struct {
	Target, Path string
}

// Kind implements Step.
func (CgroupLink) Kind() string { return "link-cgroup1" }

func (s CgroupLink) String() string {
	return "link " + strconv.Quote(s.Path) + " to " + strconv.Quote(s.Target)
}

func (c *compiler) cgroupMount(index int, m *specs.Mount) error {
	step := newMount(index, m)
	step.Bind, step.Source = NoBind, "cgroup"
	if step.IDMap != nil || step.CopyUp || step.Remount {
		return fieldError(mountField(index)+".options", "idmap, tmpcopyup and remount are not supported for a cgroup mount")
	}
	if c.facts.Cgroup.Unified {
		c.cgroup2Mount(step)
		return nil
	}
	if m.Type == "cgroup2" {
		return fieldError(mountField(index)+".type", "this host has no unified cgroup hierarchy at "+c.facts.Cgroup.MountPoint)
	}
	c.cgroup1Mounts(step)
	return nil
}

// cgroup2Mount binds the host's mount where the container has no cgroup namespace. A new mount would show the same, but
// give the hierarchy the options that it names, or none: the host would lose its nsdelegate and memory_recursiveprot
// (cgroups(7)), and wait for a grace period of RCU. A configuration that names options of the hierarchy means that.
func (c *compiler) cgroup2Mount(step Mount) {
	facts := c.facts.Cgroup
	if !c.p.Namespaces.Has(CloneCgroup) && len(step.Data) == 0 {
		step.Type, step.Bind, step.Source = "bind", BindOne, facts.MountPoint
		step.ByRuntime = c.sourcesByRuntime()
		c.p.add(Init, step)
		return
	}
	step.Type = "cgroup2"
	fallback := facts.MountPoint
	if c.p.Namespaces.Has(CloneCgroup) {
		fallback = path.Join(fallback, facts.Own)
	}
	c.p.add(Init, Cgroup2Mount{Mount: step, Fallback: fallback})
}

func (c *compiler) cgroup1Mounts(m Mount) {
	tree := m
	tree.Type, tree.Source = "tmpfs", "tmpfs"
	tree.Data = []Option{{Key: "mode", Value: "755", HasValue: true}}
	c.fillFirst(&tree) // with directories and links
	c.p.add(Init, CgroupTree{tree})
	boot := c.opts.Boot
	for _, h := range c.facts.Cgroup.V1 {
		step := m
		step.Destination = path.Join(m.Destination, h.Name)
		if boot != nil && boot.V1.ReadonlyControllers && !strings.HasPrefix(h.Options, "name=") {
			step.Own.set(AttrRDOnly)
		}
		if c.p.Namespaces.Has(CloneCgroup) {
			step.Type, step.Source = "cgroup", "cgroup"
			step.Data = hierarchyOptions(h.Options)
		} else {
			step.Type, step.Bind = "bind", BindOne
			step.Source = path.Join(h.MountPoint, h.Own)
			step.Data = nil
			step.ByRuntime = c.sourcesByRuntime()
		}
		c.p.add(Init, Cgroup1Mount{Mount: step, Hierarchy: h.Name})
		for _, controller := range strings.Split(h.Name, ",") {
			if controller != h.Name {
				c.p.add(Init, CgroupLink{Target: h.Name, Path: path.Join(m.Destination, controller)})
			}
		}
	}
	if boot != nil && boot.V1.Unified {
		step := m
		step.Destination, step.Type, step.Source = path.Join(m.Destination, "unified"), "cgroup2", "cgroup"
		c.p.add(Init, step)
	}
}

func hierarchyOptions(options string) []Option {
	var out []Option
	for _, o := range strings.Split(options, ",") {
		key, value, has := strings.Cut(o, "=")
		out = append(out, Option{Key: key, Value: value, HasValue: has})
	}
	return out
}
