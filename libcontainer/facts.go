package libcontainer

import (
	"os"
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/passwd"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// facts gathers what compiling needs to know, and nothing that this
// configuration does not ask for.
func (r *Runtime) facts(s *specs.Spec, bundle string, g *cgroup.Group) plan.Facts {
	f := plan.Facts{
		Privileged: os.Geteuid() == 0,
		RootOfHost: hasUserNamespace(s.Linux) && rootOfHost(s.Process),
		// Without newgidmap the groups of an unprivileged user namespace
		// can be mapped only once setgroups(2) is given up.
		NoSetgroups:  os.Geteuid() != 0 && onlyOne(s.Linux.GIDMappings),
		Cgroup:       cgroupFacts(s, g),
		Capabilities: permitted(),
		AppArmor:     s.Process.ApparmorProfile != "" && appArmorEnabled(),
		SELinux:      (s.Process.SelinuxLabel != "" || s.Linux.MountLabel != "") && seLinuxEnabled(),
	}
	if g != nil {
		location := g.Location()
		f.CgroupDriver, f.CgroupPath, f.CgroupOwner = string(location.Driver), location.String(), cgroup.OwnerOf(s)
	}
	if !hasHome(s.Process.Env) {
		f.Home = passwd.Home(rootPath(s, bundle), s.Process.User.UID)
	}
	return f
}

func rootPath(s *specs.Spec, bundle string) string {
	if path.IsAbs(s.Root.Path) {
		return s.Root.Path
	}
	return path.Join(bundle, s.Root.Path)
}

func hasHome(env []string) bool {
	home, _ := spec.Variable(env, "HOME")
	return home != ""
}

// cgroupFacts describes the control groups to a configuration that mounts them.
func cgroupFacts(s *specs.Spec, g *cgroup.Group) *plan.CgroupFacts {
	f := &plan.CgroupFacts{Unified: cgroup.Mode() == cgroup.Unified, MountPoint: cgroup.Root}
	mounts := false
	for i := range s.Mounts {
		mounts = mounts || s.Mounts[i].Type == "cgroup" || s.Mounts[i].Type == "cgroup2"
	}
	if !mounts || g == nil {
		return f
	}
	paths := g.Paths()
	if l := g.Location(); l.Rootless && !l.Explicit {
		// Whether there will be one is seen when it is made; until then
		// the runtime's own is the one that is sure to be there.
		paths = nil
	}
	if f.Unified {
		f.Own = strings.TrimPrefix(paths[""], cgroup.Root)
		return f
	}
	hierarchies, err := cgroup.Hierarchies()
	if err != nil {
		return f
	}
	for _, h := range hierarchies {
		if len(h.Controllers) == 0 && h.Name == "" {
			continue // the unified tree of a hybrid host
		}
		f.V1 = append(f.V1, v1Hierarchy(h, paths))
	}
	return f
}

func v1Hierarchy(h cgroup.Hierarchy, paths map[string]string) plan.Hierarchy {
	out := plan.Hierarchy{Name: path.Base(h.Dir), MountPoint: h.Dir, Own: h.Own}
	key := "name=" + h.Name
	out.Options = key
	if len(h.Controllers) > 0 {
		key = h.Controllers[0]
		out.Options = strings.Join(h.Controllers, ",")
		out.Name = out.Options
	}
	if own, ok := paths[key]; ok {
		out.Own = strings.TrimPrefix(own, h.Dir)
	}
	return out
}

// appArmorEnabled is aa_is_enabled(2) without its library.
func appArmorEnabled() bool {
	on, err := os.ReadFile("/sys/module/apparmor/parameters/enabled")
	return err == nil && strings.HasPrefix(string(on), "Y")
}

func seLinuxEnabled() bool {
	var st unix.Statfs_t
	return unix.Statfs("/sys/fs/selinux", &st) == nil && st.Type == unix.SELINUX_MAGIC
}

func hasUserNamespace(l *specs.Linux) bool {
	return slices.ContainsFunc(l.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == specs.UserNamespace })
}

func onlyOne(list []specs.LinuxIDMapping) bool { return len(list) == 1 && list[0].Size == 1 }

// InUserNamespace says whether user ids are mapped: the initial namespace maps all 2^32-1 of them to themselves.
func InUserNamespace() bool {
	raw, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	f := strings.Fields(string(raw))
	return len(f) != 3 || f[0] != "0" || f[1] != "0" || f[2] != "4294967295"
}

// rootOfHost says whether this process is root in the initial user namespace.
// The answer costs a look at procfs: it is no where nothing of p depends on it.
func rootOfHost(p *specs.Process) bool {
	asked := p.OOMScoreAdj != nil || p.Scheduler != nil || p.IOPriority != nil
	return asked && os.Geteuid() == 0 && !InUserNamespace()
}

// homeIn is the home directory of a user in a running container.
func homeIn(v *view, uid uint32) string {
	return passwd.Home("/proc/"+v.init.String()+"/root", uid)
}

// permitted are the capabilities that this process has to give.
func permitted() uint64 {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return 0
	}
	return uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32
}
