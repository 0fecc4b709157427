package plan

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Clone flags of the namespaces, clone(2) and time_namespaces(7).
const (
	CloneTime   = 0x00000080
	CloneMount  = 0x00020000
	CloneCgroup = 0x02000000
	CloneUTS    = 0x04000000
	CloneIPC    = 0x08000000
	CloneUser   = 0x10000000
	ClonePID    = 0x20000000
	CloneNet    = 0x40000000
)

// NamespaceFlag returns the clone(2) flag of a namespace type of the
// specification, or 0 when the type is unknown.
func NamespaceFlag(t specs.LinuxNamespaceType) uint64 {
	switch t {
	case specs.PIDNamespace:
		return ClonePID
	case specs.NetworkNamespace:
		return CloneNet
	case specs.MountNamespace:
		return CloneMount
	case specs.IPCNamespace:
		return CloneIPC
	case specs.UTSNamespace:
		return CloneUTS
	case specs.UserNamespace:
		return CloneUser
	case specs.CgroupNamespace:
		return CloneCgroup
	case specs.TimeNamespace:
		return CloneTime
	}
	return 0
}

// Namespaces says which namespaces the container gets, and how.
type Namespaces struct {
	// New is the set of clone flags of namespaces that are made.
	New uint64
	// Joined are namespaces of others, entered by path, in this order.
	Joined []specs.LinuxNamespace
	// Entered is the set of clone flags of a container's namespaces, by a
	// process that is exec'd in it.
	Entered uint64
}

// Has tells whether the container has a namespace of that flag that is not
// the runtime's own.
func (n Namespaces) Has(flag uint64) bool { return (n.New|n.Entered)&flag != 0 || n.Path(flag) != "" }

// Path returns the path of the joined namespace of that flag, or "".
func (n Namespaces) Path(flag uint64) string {
	for _, j := range n.Joined {
		if NamespaceFlag(j.Type) == flag {
			return j.Path
		}
	}
	return ""
}

// compileNamespaces puts the user namespace in its place among the joined, the
// others stay as they are. A privileged runtime may enter whatever belongs to its
// own user namespace or to one below, of which the joined one is; once in there,
// no longer what is its own: so that comes last. Another runtime has the rights
// to enter the others only in there.
func compileNamespaces(list []specs.LinuxNamespace, privileged bool) Namespaces {
	var n Namespaces
	var user, others []specs.LinuxNamespace
	for _, ns := range list {
		switch {
		case ns.Path == "":
			n.New |= NamespaceFlag(ns.Type)
		case ns.Type == specs.UserNamespace:
			user = append(user, ns)
		default:
			others = append(others, ns)
		}
	}
	if privileged {
		n.Joined = append(others, user...)
	} else {
		n.Joined = append(user, others...)
	}
	return n
}

// JoinNamespace enters an existing namespace, setns(2).
type JoinNamespace struct {
	Type specs.LinuxNamespaceType
	Path string
}

// Kind implements Step.
func (JoinNamespace) Kind() string { return "join-namespace" }

func (s JoinNamespace) String() string {
	return "join the " + string(s.Type) + " namespace of " + strconv.Quote(s.Path)
}

// JoinContainer enters namespaces of a running container, setns(2) on a pidfd.
type JoinContainer struct {
	PID   int
	Flags uint64
}

// Kind implements Step.
func (JoinContainer) Kind() string { return "join-container" }

func (s JoinContainer) String() string {
	return "join the namespaces of process " + strconv.Itoa(s.PID) + ": " + strings.Join(namespaceNames(s.Flags), ", ")
}

// EnterRoot changes the root directory to that of a running container, chroot(2).
type EnterRoot struct {
	PID int
}

// Kind implements Step.
func (EnterRoot) Kind() string { return "enter-root" }

func (s EnterRoot) String() string {
	return "change the root directory to that of process " + strconv.Itoa(s.PID)
}

// NewNamespaces makes new namespaces, clone(2) and unshare(2).
type NewNamespaces struct {
	Flags uint64
}

// Kind implements Step.
func (NewNamespaces) Kind() string { return "new-namespaces" }

func (s NewNamespaces) String() string {
	return "make new namespaces: " + strings.Join(namespaceNames(s.Flags), ", ")
}

func namespaceNames(flags uint64) []string {
	var names []string
	for _, t := range [...]specs.LinuxNamespaceType{
		specs.UserNamespace, specs.MountNamespace, specs.PIDNamespace, specs.NetworkNamespace,
		specs.IPCNamespace, specs.UTSNamespace, specs.CgroupNamespace, specs.TimeNamespace,
	} {
		if flags&NamespaceFlag(t) != 0 {
			names = append(names, string(t))
		}
	}
	return names
}

// MapIDs writes the user namespace's uid_map and gid_map, user_namespaces(7).
type MapIDs struct {
	UID, GID []specs.LinuxIDMapping
}

// Kind implements Step.
func (MapIDs) Kind() string { return "map-ids" }

func (s MapIDs) String() string {
	return "map users " + mappingText(s.UID) + " and groups " + mappingText(s.GID) +
		" (container:host:size)"
}

func mappingText(m []specs.LinuxIDMapping) string {
	var b strings.Builder
	for i, r := range m {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(utoa(r.ContainerID) + ":" + utoa(r.HostID) + ":" + utoa(r.Size))
	}
	return b.String()
}

func utoa(v uint32) string { return strconv.FormatUint(uint64(v), 10) }

// TimeOffset sets one clock's offset of a new time namespace before anybody
// is in it, time_namespaces(7).
type TimeOffset struct {
	Clock string
	Secs  int64
	Nanos uint32
}

// Kind implements Step.
func (TimeOffset) Kind() string { return "set-time-offset" }

func (s TimeOffset) String() string {
	return "set the " + s.Clock + " clock's offset to " + strconv.FormatInt(s.Secs, 10) + "s " + utoa(s.Nanos) + "ns"
}
