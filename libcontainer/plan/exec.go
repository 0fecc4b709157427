package plan

import specs "github.com/opencontainers/runtime-spec/specs-go"

// Target is the container that an exec'd process joins.
type Target struct {
	PID int
	// Namespaces are the clone flags of those that are not the runtime's.
	Namespaces uint64
	// Cgroup is the control group's path, for the reader.
	Cgroup string
}

// CompileExec makes the plan for one more process in a container whose
// configuration is s. The process has to be valid (spec.ValidateProcess).
func CompileExec(s *specs.Spec, p *specs.Process, t Target, facts Facts, opts Options) (*Plan, error) {
	bare := *s
	bare.Hooks = nil
	c := newCompiler(&bare, &facts, &opts)
	// What is of the container's first process alone stays there.
	linux := *c.spec.Linux
	linux.MemoryPolicy = nil
	c.spec.Linux = &linux
	c.p.Namespaces.Entered = t.Namespaces
	if a := p.ExecCPUAffinity; a != nil {
		if a.Initial != "" {
			c.p.add(Prepare, CPUAffinity{"initial", a.Initial})
		}
		if a.Final != "" {
			c.p.add(Prepare, CPUAffinity{"final", a.Final})
		}
	}
	c.limits(p)
	if t.Namespaces != 0 {
		c.p.add(Init, JoinContainer{t.PID, t.Namespaces})
	}
	if t.Namespaces&CloneMount == 0 {
		c.p.add(Init, EnterRoot{t.PID}) // no namespace brings it along
	}
	c.p.add(Init, NewSession{})
	if p.Terminal {
		c.p.add(Init, newConsole(p, false))
	}
	if err := c.process(p); err != nil {
		return nil, err
	}
	return c.p, nil
}
