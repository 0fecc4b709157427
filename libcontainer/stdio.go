package libcontainer

import (
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// ownStdio is which of stdio is given to the container's user, who may want to
// open it again as /dev/stdout: what an engine made for it, and not the host's
// devices. A caller who stays keeps his files and his terminal.
func ownStdio(p *plan.Plan, terminal, stays bool) uint8 {
	if terminal {
		return 0b111
	}
	var mask uint8
	for _, s := range p.Steps {
		if u, ok := s.(plan.SetUser); ok && !u.ChownStdio {
			return 0
		}
	}
	for fd := range 3 {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) == nil && !hostDevice(&st) && (!stays || madeFor(&st)) {
			mask |= 1 << fd
		}
	}
	return mask
}

// madeFor tells pipes and sockets from what was there before.
func madeFor(st *unix.Stat_t) bool {
	kind := st.Mode & unix.S_IFMT
	return kind == unix.S_IFIFO || kind == unix.S_IFSOCK
}

// hostDevice tells /dev/null and its like from a terminal of the caller's.
func hostDevice(st *unix.Stat_t) bool {
	if st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return false
	}
	major := unix.Major(st.Rdev)
	return major < 136 || major > 143 // unix98 pty slaves
}
