package plan

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
	"github.com/gspawn/gspawn-oci/libcontainer/rlimit"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// CreateCgroup makes the container's control group and sets its limits; the
// init process is in it from its first moment, or before it makes anything.
type CreateCgroup struct {
	Path string
	// Driver is "cgroupfs" or "systemd".
	Driver string
	// Owner is the host's uid of the container's user when the cgroup is
	// delegated to it, config-linux.md "Cgroup ownership"; nil otherwise.
	Owner *int
}

// Kind implements Step.
func (CreateCgroup) Kind() string { return "create-cgroup" }

func (s CreateCgroup) String() string {
	text := "make the control group " + strconv.Quote(s.Path) + " (" + s.Driver + ") and set its limits"
	if s.Owner != nil {
		text += ", give it to user " + strconv.Itoa(*s.Owner)
	}
	return text
}

// Rlimit sets one resource limit, prlimit(2). The init sets it itself, as from
// outside it takes CAP_SYS_RESOURCE to touch a process of another user. In a user
// namespace it is the other way round: there only the
// runtime may raise limits.
type Rlimit struct {
	Type       string
	Soft, Hard uint64
}

// Kind implements Step.
func (Rlimit) Kind() string { return "set-rlimit" }

func (s Rlimit) String() string {
	return "set " + s.Type + " to " + limitText(s.Soft) + ":" + limitText(s.Hard)
}

// Number is the kernel's number of the limit; ok is false for an unknown one.
func (s Rlimit) Number() (n int, ok bool) { return rlimit.Number(s.Type) }

func limitText(v uint64) string {
	if v == ^uint64(0) {
		return "infinity"
	}
	return strconv.FormatUint(v, 10)
}

// CPUAffinity sets the CPUs of an exec'd process before it is moved to the
// container's cgroup, or after, config.md "execCPUAffinity".
type CPUAffinity struct {
	When string // "initial" or "final"
	CPUs string
}

// Kind implements Step.
func (CPUAffinity) Kind() string { return "set-cpu-affinity" }

func (s CPUAffinity) String() string { return "set the " + s.When + " CPU affinity to " + s.CPUs }

// NetDevice moves a network device of the host into the container's network
// namespace, config-linux.md "Network Devices". The init process waits while the
// runtime does that, so that sysctls and hooks find the device.
type NetDevice struct {
	Host, Name string
}

// Kind implements Step.
func (NetDevice) Kind() string { return "move-network-device" }

func (s NetDevice) String() string {
	text := "move the network device " + strconv.Quote(s.Host)
	if s.Name != "" && s.Name != s.Host {
		text += " as " + strconv.Quote(s.Name)
	}
	return text + " into the network namespace"
}

// VethPair makes a pair of virtual Ethernet devices, one end on the host and
// one in the container's network namespace, as systemd-nspawn does. The init
// process waits for that too.
type VethPair struct {
	Machine string // names the host's end, and is what its addresses are made of
	Bridge  string // that the host's end is put into, "" for none
}

// Kind implements Step.
func (VethPair) Kind() string { return "make-veth" }

func (s VethPair) String() string {
	text := "make a virtual Ethernet pair: host0 in the container, on the host one named after the machine " + strconv.Quote(s.Machine)
	if s.Bridge != "" {
		text += " in the bridge " + strconv.Quote(s.Bridge)
	}
	return text + " (" + annotation.Network + ")"
}

// IntelRdt puts the container into a resctrl group, config-linux.md "IntelRdt".
type IntelRdt struct {
	Group string
}

// Kind implements Step.
func (IntelRdt) Kind() string { return "join-resctrl-group" }

func (s IntelRdt) String() string { return "join the resctrl group " + strconv.Quote(s.Group) }

// limits compiles what is done to the process before it has the rights of its
// user, and what of that the runtime does from outside.
func (c *compiler) limits(p *specs.Process) {
	if c.p.Namespaces.Has(CloneUser) {
		c.rlimits(Prepare, p)
	}
	if p.OOMScoreAdj != nil {
		c.p.add(c.priorityPhase(), OOMScore{*p.OOMScoreAdj})
	}
	if c.priorityPhase() == Prepare {
		c.priorities(Prepare, p)
	}
}

// priorityPhase says who sets the OOM score, the scheduling policy and the I/O
// priority: the process itself, which has the runtime's rights until it enters
// a user namespace, and may always give away of its own; only the host's root
// can do more from outside.
func (c *compiler) priorityPhase() Phase {
	if c.p.Namespaces.Has(CloneUser) && c.facts.RootOfHost {
		return Prepare
	}
	return Init
}

func (c *compiler) priorities(phase Phase, p *specs.Process) {
	if p.Scheduler != nil {
		c.p.add(phase, Schedule{*p.Scheduler})
	}
	if p.IOPriority != nil {
		c.p.add(phase, IOPriority{*p.IOPriority})
	}
}

func (c *compiler) rlimits(phase Phase, p *specs.Process) {
	for _, r := range p.Rlimits {
		switch {
		case !c.afterWait(&r):
			c.p.add(phase, Rlimit{r.Type, r.Soft, r.Hard})
		case r.Hard >= usualFiles: // which it may take the runtime to set
			c.p.add(phase, Rlimit{r.Type, r.Hard, r.Hard})
		}
	}
}

// usualFiles is how many descriptors every process may have, getrlimit(2): more
// than an init has.
const usualFiles = 1024

// afterWait says whether a limit could keep a waiting init from accepting the
// connection of `start`, so that the init lowers it itself when it has.
func (c *compiler) afterWait(r *specs.POSIXRlimit) bool {
	return c.opts.Wait && r.Type == "RLIMIT_NOFILE" && r.Soft < usualFiles
}

func (c *compiler) waitStart(p *specs.Process) {
	c.p.add(Start, WaitStart{})
	for _, r := range p.Rlimits {
		if c.afterWait(&r) {
			c.p.add(Start, Rlimit{r.Type, r.Soft, r.Hard})
		}
	}
}

// veth makes the step for a bundle that asks for it. The host's end is named by
// what the container is called.
func (c *compiler) veth() error {
	a := c.spec.Annotations
	if a[annotation.Network] != "veth" {
		return nil
	}
	field := "annotations[" + annotation.Network + "]"
	switch {
	case c.p.Namespaces.New&CloneNet == 0:
		return fieldError(field, "veth wants a new network namespace among linux.namespaces")
	case !c.facts.Privileged:
		return fieldError(field, "only root can make devices on the host; an ordinary user's container has network host or private")
	}
	s := VethPair{Machine: a[annotation.Machine]}
	if s.Machine == "" {
		s.Machine = c.opts.ID
	}
	for line := range strings.SplitSeq(a[annotation.NetworkOptions], "\n") {
		if name, ok := strings.CutPrefix(line, "Bridge="); ok {
			s.Bridge = name
		}
	}
	c.p.add(Init, s)
	return nil
}

func (c *compiler) netDevices() {
	for _, name := range sortedKeys(c.spec.Linux.NetDevices) {
		c.p.add(Init, NetDevice{Host: name, Name: c.spec.Linux.NetDevices[name].Name})
	}
}

// Modes and flags of set_mempolicy(2).
func memoryPolicyMode(mode specs.MemoryPolicyModeType) (uint64, bool) {
	for i, m := range [...]specs.MemoryPolicyModeType{
		specs.MpolDefault, specs.MpolPreferred, specs.MpolBind, specs.MpolInterleave,
		specs.MpolLocal, specs.MpolPreferredMany, specs.MpolWeightedInterleave,
	} {
		if m == mode {
			return uint64(i), true
		}
	}
	return 0, false
}

func memoryPolicyFlag(flag specs.MemoryPolicyFlagType) (uint64, bool) {
	switch flag {
	case specs.MpolFStaticNodes:
		return 1 << 15, true
	case specs.MpolFRelativeNodes:
		return 1 << 14, true
	case specs.MpolFNumaBalancing:
		return 1 << 13, true
	}
	return 0, false
}

func (c *compiler) memoryPolicy() error {
	m := c.spec.Linux.MemoryPolicy
	if m == nil {
		return nil
	}
	mode, ok := memoryPolicyMode(m.Mode)
	if !ok {
		return fieldError("linux.memoryPolicy.mode", "unknown mode "+strconv.Quote(string(m.Mode)))
	}
	words := []string{string(m.Mode)}
	for _, f := range m.Flags {
		bit, ok := memoryPolicyFlag(f)
		if !ok {
			return fieldError("linux.memoryPolicy.flags", "unknown flag "+strconv.Quote(string(f)))
		}
		mode |= bit
		words = append(words, string(f))
	}
	nodes, err := spec.ParseBitmap(m.Nodes)
	if err != nil {
		return fieldError("linux.memoryPolicy.nodes", err.Error())
	}
	if m.Nodes != "" {
		words = append(words, m.Nodes)
	}
	c.p.add(Init, MemoryPolicy{mode, nodes, strings.Join(words, " ")})
	return nil
}
