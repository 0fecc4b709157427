package hooks

import specs "github.com/opencontainers/runtime-spec/specs-go"

// Group is one of the lists of hooks, by its name in the configuration.
//
//	group            runs in    when                                 a failure
//	prestart         runtime    create, before pivot_root            ends the container
//	createRuntime    runtime    create, after prestart               ends the container
//	createContainer  container  create, after createRuntime          ends the container
//	startContainer   container  start, before the program            ends the container
//	poststart        runtime    start, after the program was run     ends the container
//	poststop         runtime    delete, after the container is gone  is a warning
//
// (runtime-spec 1.3, runtime.md "Lifecycle", config.md "POSIX-platform Hooks".)
// Where a failure ends the container, the hooks after it do not run, the
// container is stopped, and the command fails. create and run destroy it then, and
// its poststop hooks run; after start that is left to delete. That a failed poststart hook does so is new in 1.3: until 1.2 it was a
// warning, but runc has always killed the container.
type Group string

// The groups, in the order in which they run.
const (
	Prestart        Group = "prestart"
	CreateRuntime   Group = "createRuntime"
	CreateContainer Group = "createContainer"
	StartContainer  Group = "startContainer"
	Poststart       Group = "poststart"
	Poststop        Group = "poststop"
)

// Of returns the group's hooks; h may be nil.
func (g Group) Of(h *specs.Hooks) []specs.Hook {
	if h == nil {
		return nil
	}
	switch g {
	case Prestart:
		return h.Prestart //nolint:staticcheck // deprecated, and what docker uses
	case CreateRuntime:
		return h.CreateRuntime
	case CreateContainer:
		return h.CreateContainer
	case StartContainer:
		return h.StartContainer
	case Poststart:
		return h.Poststart
	case Poststop:
		return h.Poststop
	}
	return nil
}

// InContainer reports whether the hooks run in the container's namespaces.
func (g Group) InContainer() bool { return g == CreateContainer || g == StartContainer }
