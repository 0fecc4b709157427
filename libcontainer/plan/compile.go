package plan

import (
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Facts are what compiling needs to know about the host and the container's
// root file system. They are a parameter, so that a plan can be made, tested
// and shown for any host.
type Facts struct {
	// Privileged says that the runtime may open and clone mounts itself:
	// it has CAP_SYS_ADMIN over its own mount namespace.
	Privileged bool
	// RootOfHost says that the runtime is root in the initial user namespace,
	// and not of another alone; it only matters to a container with a user
	// namespace and an OOM score, a scheduling policy or an I/O priority.
	RootOfHost bool
	// NoSetgroups says that setgroups(2) is denied: a user namespace made
	// without privileges, its groups mapped without newgidmap.
	NoSetgroups bool
	// Cgroup describes the control groups; nil when there is none.
	Cgroup *CgroupFacts
	// CgroupDriver is "cgroupfs" or "systemd"; CgroupPath the container's
	// control group, "" when it gets none of its own.
	CgroupDriver, CgroupPath string
	// CgroupOwner is the host's uid that the control group is given to; nil
	// when it stays the runtime's.
	CgroupOwner       *int
	AppArmor, SELinux bool
	// Capabilities are those that the runtime has to give; 0 for all.
	Capabilities uint64
	// Home is the user's home directory by the container's passwd.
	Home string
}

// Options are what the command line adds to the configuration.
type Options struct {
	ID, Bundle   string // Bundle is absolute
	NoPivot      bool
	NoNewKeyring bool
	// Wait says that the container waits for `start` once it is created.
	Wait bool
	// Seccomp says that there is a filter to install.
	Seccomp bool
	// Boot is what boot mode adds; nil for an application.
	Boot *Boot
}

type compiler struct {
	spec  *specs.Spec
	facts *Facts
	opts  *Options
	label string
	p     *Plan

	filled []MountReadonly // what is left to be done for mounts that are filled first
}

// Compile makes the plan for a container. The configuration has to be valid
// (spec.Validate); Compile fails with a spec.FieldError for what is valid but
// cannot be done on a host with these facts.
func Compile(spec *specs.Spec, facts Facts, opts Options) (*Plan, error) {
	c := newCompiler(spec, &facts, &opts)
	l := c.spec.Linux
	c.p.Namespaces = compileNamespaces(l.Namespaces, facts.Privileged)
	c.label = l.MountLabel
	if l.MountLabel != "" && !facts.SELinux {
		return nil, fieldError("linux.mountLabel", "SELinux is not enabled on this host")
	}
	if err := c.prepare(); err != nil {
		return nil, err
	}
	if err := c.rootfs(); err != nil {
		return nil, err
	}
	c.names()
	if err := c.process(c.spec.Process); err != nil {
		return nil, err
	}
	return c.p, nil
}

// newCompiler gives the compiler a configuration in which nothing that it
// reads is absent; the caller's is left alone.
func newCompiler(spec *specs.Spec, facts *Facts, opts *Options) *compiler {
	s := *spec
	if s.Linux == nil {
		s.Linux = &specs.Linux{}
	}
	if facts.Cgroup == nil {
		facts.Cgroup = &CgroupFacts{}
	}
	return &compiler{
		spec: &s, facts: facts, opts: opts,
		p: &Plan{Steps: make([]Step, 0, 64), Phases: make([]Phase, 0, 64)},
	}
}

func (c *compiler) prepare() error {
	c.bootPrepare()
	if c.facts.CgroupPath != "" {
		c.p.add(Prepare, CreateCgroup{c.facts.CgroupPath, c.facts.CgroupDriver, c.facts.CgroupOwner})
	}
	l := c.spec.Linux
	if l.IntelRdt != nil {
		group := l.IntelRdt.ClosID
		if group == "" {
			group = c.opts.ID
		}
		c.p.add(Prepare, IntelRdt{group})
	}
	if c.p.Namespaces.New&CloneUser != 0 {
		c.p.add(Prepare, MapIDs{l.UIDMappings, l.GIDMappings})
	}
	c.limits(c.spec.Process)
	c.namespaces()
	c.p.add(Init, NewSession{})
	if c.p.Namespaces.New&CloneNet != 0 {
		c.p.add(Init, Loopback{})
	}
	c.netDevices()
	return c.veth()
}

func (c *compiler) namespaces() {
	for _, ns := range c.p.Namespaces.Joined {
		c.p.add(Init, JoinNamespace(ns))
	}
	if c.p.Namespaces.New != 0 {
		c.p.add(Init, NewNamespaces{c.p.Namespaces.New})
	}
	for _, clock := range sortedKeys(c.spec.Linux.TimeOffsets) {
		o := c.spec.Linux.TimeOffsets[clock]
		c.p.add(Init, TimeOffset{clock, o.Secs, o.Nanosecs})
	}
}

// Loopback sets up the loopback device of a new network namespace, with its
// addresses, netdevice(7).
type Loopback struct{}

// Kind implements Step.
func (Loopback) Kind() string { return "set-up-loopback" }

func (Loopback) String() string { return "set the loopback device up" }

// Hostname sets the host name, sethostname(2).
type Hostname struct {
	Name string
}

// Kind implements Step.
func (Hostname) Kind() string { return "set-hostname" }

func (s Hostname) String() string { return "set the host name to " + s.Name }

// Domainname sets the NIS domain name, setdomainname(2).
type Domainname struct {
	Name string
}

// Kind implements Step.
func (Domainname) Kind() string { return "set-domainname" }

func (s Domainname) String() string { return "set the domain name to " + s.Name }

func (c *compiler) names() {
	if c.spec.Hostname != "" {
		c.p.add(Init, Hostname{c.spec.Hostname})
	}
	if c.spec.Domainname != "" {
		c.p.add(Init, Domainname{c.spec.Domainname})
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
