//go:build linux && cgo

package compile

import (
	"fmt"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// filterFlag is a flag of seccomp(2) by its name in the configuration.
type filterFlag struct {
	name specs.LinuxSeccompFlag
	bits uintptr // linux/seccomp.h
}

const (
	flagNewListener = 1 << 3
	flagSpecAllow   = 1 << 2
	flagNameTSYNC   = "SECCOMP_FILTER_FLAG_TSYNC" // not in the spec, but runc knows it
)

// flagTable is sorted by name. WAIT_KILLABLE_RECV is looked for together with the
// listener it needs.
var flagTable = [...]filterFlag{
	{specs.LinuxSeccompFlagLog, 1 << 1},
	{specs.LinuxSeccompFlagSpecAllow, flagSpecAllow},
	{flagNameTSYNC, 1 << 0},
	{specs.LinuxSeccompFlagWaitKillableRecv, 1<<5 | flagNewListener},
}

// filterFlags translates linux.seccomp.flags. Absent flags mean SPEC_ALLOW, an
// empty list means none: runc's default, without which a profile slows down
// everything that runs under it.
func filterFlags(flags []specs.LinuxSeccompFlag, notify bool) (uint32, error) {
	var out uint32
	if notify {
		out |= flagNewListener
	}
	if flags == nil {
		return out | flagSpecAllow, nil
	}
	for i, name := range flags {
		f := slices.IndexFunc(flagTable[:], func(f filterFlag) bool { return f.name == name })
		if f < 0 {
			return 0, fmt.Errorf("linux.seccomp.flags[%d]: unknown flag %q", i, name)
		}
		if name == specs.LinuxSeccompFlagWaitKillableRecv && !notify {
			return 0, fmt.Errorf("linux.seccomp.flags[%d]: %s needs a rule with SCMP_ACT_NOTIFY", i, name)
		}
		// TSYNC is known and left out: the init has one thread, so there is nothing
		// to synchronise, and the kernel refuses it together with a listener.
		if name != flagNameTSYNC {
			out |= uint32(flagTable[f].bits)
		}
	}
	return out, nil
}
