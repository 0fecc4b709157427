package spec

import (
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// hasNamespace tells whether the container gets a namespace of its own, new or joined.
func hasNamespace(l *specs.Linux, t specs.LinuxNamespaceType) bool {
	_, ok := namespaceOf(l, t)
	return ok
}

// namespaceOf gives the path of a namespace that is joined, "" for a new one.
func namespaceOf(l *specs.Linux, t specs.LinuxNamespaceType) (path string, ok bool) {
	if l == nil {
		return "", false
	}
	for i := range l.Namespaces {
		if l.Namespaces[i].Type == t {
			return l.Namespaces[i].Path, true
		}
	}
	return "", false
}

func (v *validator) namespaces(l *specs.Linux) {
	const path = "linux.namespaces"
	for i, ns := range l.Namespaces {
		switch ns.Type {
		case specs.PIDNamespace, specs.NetworkNamespace, specs.MountNamespace, specs.IPCNamespace,
			specs.UTSNamespace, specs.UserNamespace, specs.CgroupNamespace, specs.TimeNamespace:
		case "":
			v.bad(at(path, i)+".type", "missing, like \"pid\"")
		default:
			v.bad(at(path, i)+".type", quote(string(ns.Type))+
				" is not a namespace: pid, network, mount, ipc, uts, user, cgroup or time")
		}
		if ns.Path != "" {
			v.absolute(at(path, i)+".path", ns.Path)
		}
		for k := range l.Namespaces[:i] {
			if l.Namespaces[k].Type == ns.Type {
				v.bad(at(path, i)+".type", quote(string(ns.Type))+" is there twice, see "+at(path, k))
				break
			}
		}
	}
}

// mappings are linux.uidMappings and linux.gidMappings, and the ids that have to be mapped by them.
// A joined user namespace may come with a copy of its mappings, as containerd and podman write it.
func (v *validator) mappings(s *specs.Spec) {
	l := s.Linux
	joined, ok := namespaceOf(l, specs.UserNamespace)
	if !ok {
		const problem = "needs a user namespace in linux.namespaces"
		if len(l.UIDMappings) > 0 {
			v.bad("linux.uidMappings", problem)
		}
		if len(l.GIDMappings) > 0 {
			v.bad("linux.gidMappings", problem)
		}
		return
	}
	isNew := joined == ""
	v.mapping("linux.uidMappings", l.UIDMappings, isNew)
	v.mapping("linux.gidMappings", l.GIDMappings, isNew)
	if s.Process == nil || !isNew {
		return
	}
	u := &s.Process.User
	v.mapped("process.user.uid", u.UID, "linux.uidMappings", l.UIDMappings)
	v.mapped("process.user.gid", u.GID, "linux.gidMappings", l.GIDMappings)
	for i, g := range u.AdditionalGids {
		if !isMapped(g, l.GIDMappings) {
			v.mapped(at("process.user.additionalGids", i), g, "linux.gidMappings", l.GIDMappings)
		}
	}
}

// mapping is one map. A new namespace needs one, and root in it, who sets the container up.
func (v *validator) mapping(path string, m []specs.LinuxIDMapping, isNew bool) {
	if len(m) > 0 {
		v.extents(path, m)
	}
	switch {
	case !isNew:
	case len(m) == 0:
		v.bad(path, "empty: a new user namespace needs to know which ids of the host it gets")
	case !isMapped(0, m):
		v.bad(path, "the id 0 of the container is not mapped: its root sets the container up")
	}
}

// maxExtents is the number of lines that Linux takes in a uid_map (user_namespaces(7)).
const maxExtents = 340

// extents are the lines of a map, each a range within 32 bits and none overlapping another.
func (v *validator) extents(path string, m []specs.LinuxIDMapping) {
	if len(m) > maxExtents {
		v.bad(path, "more than "+strconv.Itoa(maxExtents)+" entries, the most that Linux takes")
		return
	}
	for i, a := range m {
		switch {
		case a.Size == 0:
			v.bad(at(path, i)+".size", "must not be 0")
		case uint64(a.ContainerID)+uint64(a.Size) > 1<<32 || uint64(a.HostID)+uint64(a.Size) > 1<<32:
			v.bad(at(path, i)+".size", strconv.FormatUint(uint64(a.Size), 10)+" ids from there on are more than 32 bits hold")
		}
		for k, b := range m[:i] {
			if overlap(a.ContainerID, b.ContainerID, a.Size, b.Size) || overlap(a.HostID, b.HostID, a.Size, b.Size) {
				v.bad(at(path, i), "overlaps "+at(path, k))
				break
			}
		}
	}
}

func overlap(a, b, sizeA, sizeB uint32) bool {
	return uint64(a) < uint64(b)+uint64(sizeB) && uint64(b) < uint64(a)+uint64(sizeA)
}

func isMapped(id uint32, m []specs.LinuxIDMapping) bool {
	for _, e := range m {
		if id >= e.ContainerID && uint64(id) < uint64(e.ContainerID)+uint64(e.Size) {
			return true
		}
	}
	return false
}

// mapped reports an id that has no meaning in the container.
func (v *validator) mapped(path string, id uint32, mapPath string, m []specs.LinuxIDMapping) {
	if len(m) > 0 && id != 0 && !isMapped(id, m) {
		v.bad(path, strconv.FormatUint(uint64(id), 10)+" is not mapped by "+mapPath)
	}
}

func (v *validator) timeOffsets(l *specs.Linux) {
	const path = "linux.timeOffsets"
	if len(l.TimeOffsets) == 0 {
		return
	}
	switch joined, ok := namespaceOf(l, specs.TimeNamespace); {
	case !ok:
		v.bad(path, "needs a time namespace in linux.namespaces")
	case joined != "":
		v.bad(path, "cannot be set for the existing time namespace "+quote(joined))
	}
	found, warned := len(v.found), len(v.warned)
	for clock, o := range l.TimeOffsets {
		switch clock {
		case "monotonic", "boottime":
		default:
			v.bad(member(path, clock), "is not a clock that has an offset: monotonic or boottime")
		}
		if o.Nanosecs >= 1e9 {
			v.bad(member(path, clock)+".nanosecs", strconv.FormatUint(uint64(o.Nanosecs), 10)+" is a second or more")
		}
	}
	v.sortedSince(found, warned)
}

func (v *validator) netDevices(l *specs.Linux) {
	const path = "linux.netDevices"
	if len(l.NetDevices) == 0 {
		return
	}
	if !hasNamespace(l, specs.NetworkNamespace) {
		v.bad(path, "needs a network namespace in linux.namespaces")
	}
	found, warned := len(v.found), len(v.warned)
	for name, d := range l.NetDevices {
		if !isDeviceName(name) {
			v.bad(member(path, name), "is not the name of a network device")
		}
		if d.Name != "" && !isNewName(d.Name) {
			v.bad(member(path, name)+".name", quote(d.Name)+" is not the name of a network device")
		}
	}
	v.sortedSince(found, warned)
}

// isNewName also takes a template: of a name that ends in %d, the kernel makes one that is free.
func isNewName(s string) bool {
	if t, ok := strings.CutSuffix(s, "%d"); ok {
		return len(s) <= 15 && isDeviceName(t+"0")
	}
	return isDeviceName(s)
}

// isDeviceName is dev_valid_name of Linux, and refuses a percent sign, which the kernel would expand.
func isDeviceName(s string) bool {
	if s == "" || len(s) > 15 || s == "." || s == ".." {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c == '/' || c == ':' || c == '%' || c == 0x7f || c == 0xa0 {
			return false
		}
	}
	return true
}
