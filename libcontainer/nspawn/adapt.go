package nspawn

import (
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/naming"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// Facts are what boot mode needs to know beyond the bundle.
type Facts struct {
	ID   string // the container's
	Init Init   // from Decide; Kind None adds nothing
	// HostMachineID and TreeMachineID are 32 hex digits or empty.
	HostMachineID, TreeMachineID string
	// NoMachineIDFile says that the tree has no /etc/machine-id at all.
	NoMachineIDFile bool
	// SystemdVersion is the tree's; wanted on cgroup v1 hosts only.
	SystemdVersion int
	// HostOSRelease is the path of the host's os-release, "" for none;
	// HostOS its container_host_* pairs (HostOS).
	HostOSRelease string
	HostOS        []string
	Cgroup        Hierarchy
	// Term is the caller's TERM where the container has the caller's
	// terminal.
	Term string
	// BootID is a new random UUID, dashed.
	BootID string
	// Notify says that the runtime listens on the notification socket, and
	// Supervised that a process of ours lives as long as the container.
	Notify, Supervised bool
	// Credentials are those of the command line; the bundle's annotations
	// are read here.
	Credentials []Credential
	NrOpen      uint64 // fs.nr_open of the host
	// MayRaise says that the runtime has CAP_SYS_RESOURCE, so that it may
	// raise limits.
	MayRaise bool
	// HardLimits are the runtime's own, when it has not.
	HardLimits []specs.POSIXRlimit
}

// adapter collects additions for one bundle. The bundle is only read.
type adapter struct {
	spec  *specs.Spec
	facts *Facts
	list  []Addition
}

func (a *adapter) add(c Change, reason string) { a.list = append(a.list, Addition{c, reason}) }

// Adapt says what a bundle lacks that is to be booted: what it left open, and
// what would make booting impossible. It gives nothing when nothing is booted,
// and for inits other than systemd what concerns console and signals.
func Adapt(spec *specs.Spec, facts Facts) []Addition {
	if facts.Init.Kind == None || spec.Process == nil || spec.Linux == nil {
		return nil
	}
	a := &adapter{spec: spec, facts: &facts}
	a.environment()
	a.stopSignal()
	a.console()
	if facts.Init.Kind != Systemd {
		return a.list
	}
	a.apiMounts()
	a.cgroup()
	a.kernelPaths()
	a.runHost()
	a.hostname()
	a.limits()
	a.machineIDFile()
	a.privileges()
	a.add(ShareMounts{}, "systemd in a container does not do it, and services would not see what is mounted later")
	return a.list
}

func (a *adapter) env(name, value, reason string) {
	if _, ok := spec.Variable(a.spec.Process.Env, name); !ok {
		a.add(SetEnv{name, value}, reason)
	}
}

// manager is the word for the container manager: the bundle's own, as podman
// sets it, else the one that makes systemd look for docker's and podman's marks.
func (a *adapter) manager() string {
	if word, ok := spec.Variable(a.spec.Process.Env, "container"); ok {
		return word
	}
	return ManagerOCI
}

func (a *adapter) environment() {
	a.env("PATH", DefaultPath, "the bundle sets none, and an init finds no program without it")
	a.env("container", a.manager(), "tells PID 1 that it runs in a container")
	if a.spec.Process.Terminal && a.facts.Term != "" {
		a.env("TERM", a.facts.Term, "the terminal of the caller")
	}
	if a.facts.Init.Kind != Systemd {
		return
	}
	a.env("container_uuid", UUID(a.machineID()), "the machine id when the tree has none; the same at each start")
	for _, pair := range a.facts.HostOS {
		name, value, _ := strings.Cut(pair, "=")
		a.env(name, value, "tells the container what host it is on")
	}
}

// machineID is the bundle's, else the tree's, the annotation's, or one made
// from the container's id; nspawn, too, prefers the tree's to --uuid=.
func (a *adapter) machineID() string {
	if value, ok := spec.Variable(a.spec.Process.Env, "container_uuid"); ok {
		if id, ok := ParseID(value); ok {
			return id
		}
	}
	if a.facts.TreeMachineID != "" {
		return a.facts.TreeMachineID
	}
	if id, ok := ParseID(a.spec.Annotations[annotation.MachineID]); ok {
		return id
	}
	return DeriveID(a.facts.HostMachineID, a.facts.ID)
}

func (a *adapter) stopSignal() {
	if a.spec.Annotations[annotation.StopSignal] == "" {
		a.add(SetStopSignal{a.facts.Init.Kind.StopSignal()}, "what makes "+a.facts.Init.Kind.String()+" end its system; the bundle names none")
	}
}

// console takes the host's console and virtual terminals away, which an init
// would write its messages to and start logins on.
func (a *adapter) console() {
	for i := range a.spec.Linux.Devices {
		d := &a.spec.Linux.Devices[i]
		if name := path.Clean(d.Path); name == "/dev/console" || virtualTerminal(name) {
			a.add(DropDevice{name}, "it is the host's, and the init would take it over")
		}
	}
	if i := a.mountAt("/dev"); i >= 0 && isBind(&a.spec.Mounts[i]) {
		a.add(Note{"the bundle shows the host's /dev"}, "the init may take over the host's console and terminals")
	}
	if !a.spec.Process.Terminal {
		a.add(Note{"no /dev/console"}, "process.terminal is false; what PID 1 prints at boot is not to be seen (nspawn's --console=pipe)")
	}
}

// virtualTerminal knows /dev/tty0, /dev/tty63; /dev/tty is another thing.
func virtualTerminal(name string) bool {
	const prefix = "/dev/tty"
	if len(name) <= len(prefix) || name[:len(prefix)] != prefix {
		return false
	}
	for _, c := range []byte(name[len(prefix):]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (a *adapter) hostname() {
	if a.spec.Hostname != "" || !ownNamespace(a.spec, specs.UTSNamespace) {
		return
	}
	if name := MachineName(a.spec, a.facts.ID); name != "" {
		a.add(SetHostname{name}, "the machine's name; the bundle sets none")
	}
}

// MachineName is the name that a container is known by to systemd's tools: its
// annotation, else its id with what may not be in a host name left out.
func MachineName(spec *specs.Spec, id string) string {
	if name := spec.Annotations[annotation.Machine]; name != "" {
		return name
	}
	return naming.Clean(id)
}

func (a *adapter) limits() {
	if len(a.spec.Process.Rlimits) > 0 {
		return
	}
	list := Rlimits(a.facts.NrOpen)
	if !a.facts.MayRaise {
		list = ClipRlimits(list, a.facts.HardLimits)
	}
	for _, limit := range list {
		a.add(SetRlimit{limit}, "the kernel's for a PID 1; the bundle sets none, and the engine's own would come through")
	}
}

func (a *adapter) machineIDFile() {
	if a.facts.NoMachineIDFile && a.spec.Root != nil && a.spec.Root.Readonly && !volatileRoot(a.spec) {
		a.add(Note{"the tree has no /etc/machine-id and is read-only"},
			"systemd needs at least an empty file there, to show its own over it; nothing is ever written to a read-only tree")
	}
}

func (a *adapter) privileges() {
	caps := a.spec.Process.Capabilities
	for _, c := range [...]struct{ name, text, reason string }{
		{"CAP_SYS_BOOT", "a reboot inside looks like a power-off", "the bundle keeps no CAP_SYS_BOOT, and the init just exits"},
		{"CAP_SYS_ADMIN", "sandboxing options of units are off or fail", "the bundle keeps no CAP_SYS_ADMIN"},
	} {
		if caps == nil || !slices.Contains(caps.Bounding, c.name) {
			a.add(Note{c.text}, c.reason)
		}
	}
}

// mountAt gives the index of the last mount on a path, -1 for none.
func (a *adapter) mountAt(destination string) int {
	for i := len(a.spec.Mounts) - 1; i >= 0; i-- {
		if path.Clean(a.spec.Mounts[i].Destination) == destination {
			return i
		}
	}
	return -1
}

func isBind(m *specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// volatileRoot says whether the tree is replaced by something that can be
// written to, whatever root.readonly says of the tree.
func volatileRoot(spec *specs.Spec) bool {
	mode := spec.Annotations[annotation.Volatile]
	return mode == "yes" || mode == "overlay"
}
