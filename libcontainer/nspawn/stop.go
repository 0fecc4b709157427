package nspawn

import (
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
)

// Stop says how a booted container is told to end.
type Stop struct {
	// Signal is what `kill` sends where its caller names none: the bundle's
	// stop signal, else the init's.
	Signal int
	// ReplaceTERM says that Signal takes the place of what engines send to
	// stop anything, StopsByDefault: systemd re-executes itself on SIGTERM,
	// and the engine would time out and kill.
	ReplaceTERM bool
}

// sigTERM and sigHalt are what engines send on their own account: the default
// for any container, and podman's for what it takes for systemd.
const (
	sigTERM = 15
	sigHalt = sigRTMin + 3
)

// StopsByDefault says whether engines stop containers with a signal that nobody
// asked them for.
func StopsByDefault(signal int) bool { return signal == sigTERM || signal == sigHalt }

// StopOf gives a container's way to stop. spec is the bundle's own, before
// Apply: a bundle that names a stop signal has an engine that knows it, whose
// SIGTERM is meant. Podman always names one, SIGTERM where its user named none,
// and SIGRTMIN+3 for any program that is called init: to an init that these mean
// nothing to, or something else, they are no wish of anybody's.
//
// The error is about a signal that there is not; the Stop is good all the same.
func StopOf(spec *specs.Spec, kind Kind, keepSIGTERM bool) (Stop, error) {
	own, _ := ParseSignal(kind.StopSignal())
	if text := spec.Annotations[annotation.StopSignal]; text != "" {
		named, ok := ParseSignal(text)
		switch {
		case !ok || named == 0:
			return Stop{}, fmt.Errorf("annotations[%q]: %q is no signal", annotation.StopSignal, text)
		case kind == None || !StopsByDefault(named) || named == own:
			return Stop{Signal: named}, nil
		}
	}
	if kind == None {
		return Stop{Signal: sigTERM}, nil
	}
	if text, set := spec.Annotations[annotation.KeepSIGTERM]; set {
		keep, err := ParseBool(text)
		if err != nil {
			return Stop{}, fmt.Errorf("annotations[%q]: %w", annotation.KeepSIGTERM, err)
		}
		keepSIGTERM = keep
	}
	return Stop{Signal: own, ReplaceTERM: !keepSIGTERM}, nil
}
