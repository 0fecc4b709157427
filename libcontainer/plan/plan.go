// Package plan compiles an OCI runtime configuration into a plan: the typed,
// ordered list of steps that make the container.
//
// Compiling is a pure function of the configuration and of a struct of facts
// about the host: it opens no file, makes no system call and changes nothing,
// so it is tested with golden files, fuzzed without root, and `gspawn-oci plan`
// can show what will happen before it happens. The package imports nothing but
// the standard library, the OCI types, package spec and pure leaves, and never the tape's
// encoder or anything that touches the machine; it compiles on any GOOS.
package plan

// Phase says who does a step, and when.
type Phase int

// The phases of a container's life that a plan covers, in order.
const (
	// Prepare steps are done by the runtime, outside of the container,
	// around the start of the init process.
	Prepare Phase = iota
	// Init steps are done by the init process, inside the new namespaces,
	// before the container counts as created.
	Init
	// Start steps are done by the init process after `start`.
	Start
)

func (p Phase) String() string {
	switch p {
	case Prepare:
		return "prepare"
	case Init:
		return "init"
	default:
		return "start"
	}
}

// Step is one thing that is done to make the container. Kind is the step's
// fixed name (a heading of docs/create.md); String is the sentence for the
// person at the shell, and names what that person wrote in config.json.
type Step interface {
	Kind() string
	String() string
}

// Plan is a compiled configuration.
type Plan struct {
	Namespaces Namespaces
	// Steps holds all steps in the order in which they are carried out;
	// Phases[i] belongs to Steps[i].
	Steps  []Step
	Phases []Phase
	// Warnings are sentences about things that the configuration asks for
	// and that are, by the specification or by custom, let pass.
	Warnings []string
}

func (p *Plan) add(phase Phase, s Step) {
	p.Steps = append(p.Steps, s)
	p.Phases = append(p.Phases, phase)
}

// Environment is what the program gets.
func (p *Plan) Environment() []string {
	for _, s := range p.Steps {
		if run, ok := s.(Execute); ok {
			return run.Env
		}
	}
	return nil
}

// Confinement are the steps by which the process gives up rights which hooks that run
// inside the container have no more of.
func (p *Plan) Confinement() []Step {
	var list []Step
	for _, s := range p.Steps {
		switch s.(type) {
		case DropBounding, SetUser, NoNewPrivileges, Capabilities:
			list = append(list, s)
		}
	}
	return list
}

func (p *Plan) warn(text string) { p.Warnings = append(p.Warnings, text) }
