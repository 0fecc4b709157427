package nspawn

import (
	"path"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
)

// apiMounts adds the file systems that systemd expects to find mounted.
func (a *adapter) apiMounts() {
	const api = "systemd needs it, and the bundle has none"
	for _, m := range [...]specs.Mount{MountProc(), MountDev(), MountDevpts(), MountShm(), MountMqueue()} {
		if a.mountAt(m.Destination) < 0 && !a.inBoundDev(m.Destination) {
			a.add(AddMount{m}, api)
		}
	}
	a.sysfs()
	for _, m := range [...]specs.Mount{MountRun(), MountRunLock(), MountTmp()} {
		if a.mountAt(m.Destination) < 0 {
			a.add(AddMount{m}, "systemd wants it empty and writable at each boot")
		}
	}
}

// inBoundDev says whether a path is in a /dev that is the host's own, which has
// all of its file systems.
func (a *adapter) inBoundDev(name string) bool {
	i := a.mountAt("/dev")
	return i >= 0 && below(name, "/dev") && isBind(&a.spec.Mounts[i]) && slices.Contains(a.spec.Mounts[i].Options, "rbind")
}

// sysfs makes /sys read-only where the bundle leaves it open. A bundle that
// says rw, as privileged ones do, is obeyed.
func (a *adapter) sysfs() {
	i := a.mountAt("/sys")
	if i < 0 {
		m := MountSys()
		if namespaceIndex(a.spec, specs.UserNamespace) >= 0 && !ownNamespace(a.spec, specs.NetworkNamespace) {
			m = mount("/sys", "bind", "/sys", "rbind", "nosuid", "noexec", "nodev", "ro")
		}
		a.add(AddMount{m}, "systemd needs it, and the bundle has none")
		return
	}
	if options := a.spec.Mounts[i].Options; !slices.Contains(options, "ro") && !slices.Contains(options, "rw") {
		a.add(MountOptions{"/sys", []string{"ro"}, nil}, "a writable /sys would make systemd start udev, on the host's devices")
	}
}

const cgroupRoot = "/sys/fs/cgroup"

// cgroup gives the container a view of its own control group that it can write
// to, and the control group itself.
func (a *adapter) cgroup() {
	if a.facts.Cgroup == Unknown {
		a.add(Note{"no control groups"}, "the host has none mounted, and systemd will not start without")
		return
	}
	if namespaceIndex(a.spec, specs.CgroupNamespace) < 0 {
		a.add(AddNamespace{specs.CgroupNamespace}, "a writable tree of control groups without it would be the host's")
	}
	for i := range a.spec.Mounts {
		m := &a.spec.Mounts[i]
		if name := path.Clean(m.Destination); below(name, cgroupRoot) && isBind(m) {
			a.add(DropMount{name}, "it shows control groups of the host, not the container's own")
		}
	}
	a.cgroupMount()
	if a.facts.Cgroup != Unified {
		a.add(CgroupTree{a.hierarchy(), namespaceIndex(a.spec, specs.UserNamespace) < 0},
			"what the tree's systemd can use of the host's "+a.facts.Cgroup.String()+" layout; it needs to write to its own hierarchy only")
	}
	a.add(Delegate{}, "systemd manages the groups of its services in it")
}

func (a *adapter) cgroupMount() {
	i := a.mountAt(cgroupRoot)
	switch {
	case i < 0:
		a.add(AddMount{MountCgroup()}, "systemd keeps its services in control groups, and the bundle mounts none")
	case a.spec.Mounts[i].Type != "cgroup" && a.spec.Mounts[i].Type != "cgroup2":
		a.add(DropMount{cgroupRoot}, "it is not the container's own tree of control groups")
		a.add(AddMount{MountCgroup()}, "systemd keeps its services in control groups")
	case slices.Contains(a.spec.Mounts[i].Options, "ro"):
		a.add(MountOptions{cgroupRoot, []string{"rw"}, []string{"ro"}}, "systemd makes a control group for each service, and exits where it can't")
	}
}

// hierarchy is nspawn 257's choice: what the host has, or less if the tree's
// systemd is too old for it.
func (a *adapter) hierarchy() Hierarchy {
	can := Unified
	switch v := a.facts.SystemdVersion; {
	case v == 0: // no library found: taken for a new one
	case v < 230:
		can = Legacy
	case v < 233 && a.facts.Cgroup == Hybrid:
		can = Legacy
	}
	return min(a.facts.Cgroup, can)
}

// kernelPaths takes those masks away that stop systemd, and adds nspawn's where
// a bundle has none at all without being privileged.
func (a *adapter) kernelPaths() {
	for _, p := range a.spec.Linux.MaskedPaths {
		if name := path.Clean(p); stops(name) || name == "/sys" {
			a.add(UnmaskPath{name}, "systemd can't start without it")
		}
	}
	for _, p := range a.spec.Linux.ReadonlyPaths {
		if name := path.Clean(p); stops(name) {
			a.add(WritablePath{name}, "systemd has to write there")
		}
	}
	added := len(a.spec.Linux.MaskedPaths) == 0 && len(a.spec.Linux.ReadonlyPaths) == 0 && !a.privileged()
	if added {
		a.maskKernel()
	}
	network := a.spec.Annotations[annotation.Network]
	if ownNamespace(a.spec, specs.NetworkNamespace) && (added || network != "" && network != "host") && a.protectsSysctls(added) {
		a.add(KeepWritable{"/proc/sys/net"}, "the network namespace is the container's own")
	}
}

func (a *adapter) maskKernel() {
	for _, p := range MaskedPaths() {
		a.add(MaskPath{p}, "it tells about the host's kernel; the bundle masks nothing")
	}
	for _, p := range ReadonlyPaths() {
		a.add(ReadonlyPath{p}, "it sets up the host's kernel; the bundle protects nothing")
	}
}

func (a *adapter) protectsSysctls(added bool) bool {
	return added || slices.ContainsFunc(a.spec.Linux.ReadonlyPaths, func(p string) bool { return path.Clean(p) == "/proc/sys" })
}

// stops says whether systemd can't start when a path is hidden or read-only.
func stops(name string) bool {
	switch name {
	case "/", "/proc", "/dev", "/dev/pts", "/dev/shm", "/run", "/run/lock", "/run/systemd", "/tmp", cgroupRoot:
		return true
	}
	// A masked release_agent keeps the container off the host (CVE-2022-0492).
	return below(name, cgroupRoot) && path.Base(name) != "release_agent" || below(name, RunHost)
}

// privileged says whether a bundle keeps capabilities that an engine gives
// only to containers which are to have all of the machine.
func (a *adapter) privileged() bool {
	c := a.spec.Process.Capabilities
	return c != nil && (slices.Contains(c.Bounding, "CAP_SYS_MODULE") || slices.Contains(c.Bounding, "CAP_SYS_RAWIO"))
}
