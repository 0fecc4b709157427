package libcontainer

import (
	"fmt"
	"strconv"
	"unsafe"

	specs "github.com/opencontainers/runtime-spec/specs-go"
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
			return runtimeStepError(c.plan, i, err)
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
			return fmt.Errorf("unknown resource")
		}
		return unix.Prlimit(pid, resource, &unix.Rlimit{Cur: s.Soft, Max: s.Hard}, nil)
	case plan.OOMScore:
		return writeFile("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", strconv.Itoa(s.Value))
	case plan.Schedule:
		return setScheduler(pid, &s.Scheduler)
	case plan.IOPriority:
		return setIOPriority(pid, &s.LinuxIOPriority)
	}
	return nil
}

func schedulerPolicy(p specs.LinuxSchedulerPolicy) uint32 {
	switch p {
	case specs.SchedFIFO:
		return unix.SCHED_FIFO
	case specs.SchedRR:
		return unix.SCHED_RR
	case specs.SchedBatch:
		return unix.SCHED_BATCH
	case specs.SchedISO:
		return 4 // SCHED_ISO, reserved by the kernel
	case specs.SchedIdle:
		return unix.SCHED_IDLE
	case specs.SchedDeadline:
		return unix.SCHED_DEADLINE
	}
	return unix.SCHED_NORMAL
}

func schedulerFlag(f specs.LinuxSchedulerFlag) uint64 {
	switch f {
	case specs.SchedFlagResetOnFork:
		return unix.SCHED_FLAG_RESET_ON_FORK
	case specs.SchedFlagReclaim:
		return unix.SCHED_FLAG_RECLAIM
	case specs.SchedFlagDLOverrun:
		return unix.SCHED_FLAG_DL_OVERRUN
	case specs.SchedFlagKeepPolicy:
		return unix.SCHED_FLAG_KEEP_POLICY
	case specs.SchedFlagKeepParams:
		return unix.SCHED_FLAG_KEEP_PARAMS
	case specs.SchedFlagUtilClampMin:
		return unix.SCHED_FLAG_UTIL_CLAMP_MIN
	case specs.SchedFlagUtilClampMax:
		return unix.SCHED_FLAG_UTIL_CLAMP_MAX
	}
	return 0
}

func setScheduler(pid int, s *specs.Scheduler) error {
	attr := &unix.SchedAttr{
		Size: unix.SizeofSchedAttr, Policy: schedulerPolicy(s.Policy), Nice: s.Nice, Priority: uint32(s.Priority),
		Runtime: s.Runtime, Deadline: s.Deadline, Period: s.Period,
	}
	for _, f := range s.Flags {
		attr.Flags |= schedulerFlag(f)
	}
	return unix.SchedSetAttr(pid, attr, 0)
}

// setIOPriority is ioprio_set(2) for one process.
func setIOPriority(pid int, p *specs.LinuxIOPriority) error {
	const whoProcess, classShift = 1, 13
	class := 0
	switch p.Class {
	case specs.IOPRIO_CLASS_RT:
		class = 1
	case specs.IOPRIO_CLASS_BE:
		class = 2
	case specs.IOPRIO_CLASS_IDLE:
		class = 3
	}
	_, _, errno := unix.RawSyscall(unix.SYS_IOPRIO_SET, whoProcess, uintptr(pid), uintptr(class<<classShift|p.Priority))
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
