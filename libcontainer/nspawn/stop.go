package nspawn

import specs "github.com/opencontainers/runtime-spec/specs-go"

// Stop says how a booted container is told to end.
type Stop struct {
	// Signal is what `kill` sends where its caller names none: the bundle's
	// stop signal, else the init's.
	Signal string
	// ReplaceTERM says that an explicit SIGTERM, which engines send to stop
	// anything, becomes Signal: systemd re-executes itself on SIGTERM, and
	// the engine would time out and kill.
	ReplaceTERM bool
}

// StopOf gives a container's way to stop. spec is the bundle's own, before
// Apply: a bundle that names a stop signal has an engine that knows it, whose
// SIGTERM is meant.
func StopOf(spec *specs.Spec, kind Kind, keepSIGTERM bool) Stop {
	if named := spec.Annotations[AnnotationStopSignal]; named != "" {
		return Stop{Signal: named}
	}
	if kind == None {
		return Stop{Signal: "SIGTERM"}
	}
	if keep, err := ParseBool(spec.Annotations[AnnotationKeepSIGTERM]); err == nil {
		keepSIGTERM = keep
	}
	return Stop{Signal: kind.StopSignal(), ReplaceTERM: !keepSIGTERM && kind.StopSignal() != "SIGTERM"}
}
