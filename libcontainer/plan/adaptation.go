package plan

// Adaptation is something that boot mode does beyond the bundle, with the
// reason for it: a change of the configuration that the other steps already
// show the effect of (phase Prepare), or a step of its own.
type Adaptation struct {
	Change Step
	Reason string
}

// Kind implements Step.
func (s Adaptation) Kind() string { return s.Change.Kind() }

func (s Adaptation) String() string { return "boot mode: " + s.Change.String() + ": " + s.Reason }

// Boot is what boot mode adds to a plan.
type Boot struct {
	// Why says why the container is booted.
	Why string
	// Changed are changes that the configuration already has; Steps are
	// carried out once everything is mounted, Last at the very end.
	Changed, Steps, Last []Adaptation
	// Supervised says that the system ends when the runtime, which runs it
	// in the foreground, is killed.
	Supervised bool
	// V1 says how the control groups of a v1 host are shown.
	V1 CgroupV1
}

// CgroupV1 is what /sys/fs/cgroup shows of a host with cgroup v1.
type CgroupV1 struct {
	// ReadonlyControllers leaves only the hierarchies without controllers
	// writable, which is all that systemd writes to.
	ReadonlyControllers bool
	// Unified shows the unified tree of a hybrid host, too.
	Unified bool
}

// Booted says why the container is a system that boots.
type Booted struct {
	Why string
}

// Kind implements Step.
func (Booted) Kind() string { return "boot" }

func (s Booted) String() string { return "boot a system: " + s.Why }

// DieWithRuntime has the system killed when the runtime dies, prctl(2)
// PR_SET_PDEATHSIG, so that the next start finds nothing in its way.
type DieWithRuntime struct{}

// Kind implements Step.
func (DieWithRuntime) Kind() string { return "die-with-runtime" }

func (DieWithRuntime) String() string { return "end when the runtime is killed" }

func (c *compiler) bootPrepare() {
	b := c.opts.Boot
	if b == nil {
		return
	}
	c.p.add(Prepare, Booted{b.Why})
	for _, a := range b.Changed {
		c.p.add(Prepare, a)
	}
}

func (c *compiler) bootSteps() {
	if b := c.opts.Boot; b != nil {
		for _, a := range b.Steps {
			c.p.add(Init, a)
		}
	}
}

func (c *compiler) bootLast() {
	if b := c.opts.Boot; b != nil {
		for _, a := range b.Last {
			c.p.add(Init, a)
		}
		if b.Supervised {
			c.p.add(Init, DieWithRuntime{})
		}
	}
}
