package bundle

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	"github.com/gspawn/gspawn-oci/libcontainer/rlimit"
)

// ForThisHost keeps the configuration within what a runtime here can give: a bundle that asks for capabilities or limits
// beyond the caller's own is refused by runtimes.
func (s *SpecOptions) ForThisHost() {
	s.AllCapabilities = boundingSet()
	s.More = hostLimits()
}

// boundingSet are the capabilities that a container here can have at most. A bundle that asks for more is refused by
// runtimes on this machine.
func boundingSet() uint64 {
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "\nCapBnd:")
	line, _, _ := strings.Cut(rest, "\n")
	mask, err := strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	if err != nil {
		return 0
	}
	return mask
}

// hostLimits are the limits of this machine that a booted system's own must not exceed.
func hostLimits() *profile.Options {
	p := new(profile.Options)
	if raw, err := os.ReadFile("/proc/sys/fs/nr_open"); err == nil {
		p.NrOpen, _ = strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64) // 0: not known
	}
	if boundingSet()&(1<<24) == 0 { // CAP_SYS_RESOURCE
		p.HardLimits = ownHardLimits()
	}
	return p
}

// ownHardLimits are what a runtime without CAP_SYS_RESOURCE cannot exceed.
func ownHardLimits() []specs.POSIXRlimit {
	var list []specs.POSIXRlimit
	for n, kind := range rlimit.Names {
		var l syscall.Rlimit
		if syscall.Getrlimit(n, &l) == nil {
			list = append(list, specs.POSIXRlimit{Type: kind, Soft: l.Max, Hard: l.Max})
		}
	}
	return list
}
