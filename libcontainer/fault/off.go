//go:build !faultinject

package fault

// At is a place between two moves of the runtime.
func At() {}

// AfterStep says what is to happen once the init has done plan step i.
func AfterStep(int) Victim { return Nobody }

// Kill ends this process as kill -9 does.
func Kill() {}

// Victim is who is killed.
type Victim int

// The victims.
const (
	Nobody Victim = iota
	Runtime
	Init
)
