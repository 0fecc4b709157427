package libcontainer

import (
	"fmt"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/fault"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// fromOutside carries out the steps that the runtime does to the init process:
// with the runtime's privileges, and before the program can see them half done.
func (c *container) fromOutside() error {
	for i, s := range c.plan.Steps {
		if c.plan.Phases[i] != plan.Prepare {
			continue
		}
		var err error
		switch s.(type) {
		case plan.IntelRdt:
			err = c.joinRdt()
		default:
			err = applyOutside(c.launch.pid, s)
		}
		if err != nil {
			return stepError(c.plan, i, err)
		}
		fault.At()
	}
	return nil
}

// applyOutside sets one attribute of a process; other steps are passed over.
func applyOutside(pid int, s plan.Step) error {
	switch s := s.(type) {
	case plan.Rlimit:
		resource, ok := s.Number()
		if !ok {
			return fmt.Errorf("process.rlimits: %q is no resource limit of Linux", s.Type)
		}
		return unix.Prlimit(pid, resource, &unix.Rlimit{Cur: s.Soft, Max: s.Hard}, nil)
	case plan.OOMScore:
		return writeFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", strconv.Itoa(s.Value))
	case plan.Schedule:
		return setScheduler(pid, s)
	case plan.IOPriority:
		return setIOPriority(pid, s)
	}
	return nil
}

func setScheduler(pid int, s plan.Schedule) error {
	policy, flags := s.Numbers()
	return unix.SchedSetAttr(pid, &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: policy, Flags: flags, Nice: s.Nice, Priority: uint32(s.Priority),
		Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period,
	}, 0)
}

// setIOPriority is ioprio_set(2) for one process.
func setIOPriority(pid int, p plan.IOPriority) error {
	const whoProcess = 1
	_, _, errno := unix.RawSyscall(unix.SYS_IOPRIO_SET, whoProcess, uintptr(pid), uintptr(p.Value()))
	if errno != 0 {
		return errno
	}
	return nil
}

// setAffinity is sched_setaffinity(2) for a list of CPUs.
func setAffinity(pid int, cpus string) error {
	mask, err := spec.ParseBitmap(cpus)
	if err != nil || len(mask) == 0 {
		return err
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETAFFINITY, uintptr(pid), uintptr(8*len(mask)), uintptr(unsafe.Pointer(&mask[0])))
	if errno != 0 {
		return errno
	}
	return nil
}
