package lower

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// limitStep lowers what the process does to itself where the runtime does not
// do it from outside.
func (l *lowerer) limitStep(s plan.Step) bool {
	switch s := s.(type) {
	case plan.Rlimit:
		number, ok := s.Number()
		if !ok {
			l.err = fmt.Errorf("process.rlimits: %q is no resource limit of Linux", s.Type)
			return true
		}
		l.restoreFiles()
		l.call(unix.SYS_PRLIMIT64, num(0), num(number), l.b.Bytes(words(s.Soft, s.Hard)), num(0))
	case plan.Schedule:
		policy, flags := s.Numbers()
		attr := words( // struct sched_attr
			unix.SizeofSchedAttr|uint64(policy)<<32, flags, uint64(uint32(s.Nice))|uint64(uint32(s.Priority))<<32,
			s.Runtime, s.Deadline, s.Period, 0)
		l.call(unix.SYS_SCHED_SETATTR, num(0), l.b.Bytes(attr), num(0))
	case plan.IOPriority:
		const whoProcess = 1
		l.call(unix.SYS_IOPRIO_SET, num(whoProcess), num(0), num(s.Value()))
	default:
		return false
	}
	return true
}
