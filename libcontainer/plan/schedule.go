package plan

import (
	"slices"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// OOMScore sets /proc/PID/oom_score_adj, proc(5).
type OOMScore struct {
	Value int
}

// Kind implements Step.
func (OOMScore) Kind() string { return "set-oom-score" }

func (s OOMScore) String() string { return "set oom_score_adj to " + strconv.Itoa(s.Value) }

// Schedule sets the scheduling policy, sched_setattr(2).
type Schedule struct {
	specs.Scheduler
}

// Kind implements Step.
func (Schedule) Kind() string { return "set-scheduler" }

func (s Schedule) String() string { return "set the scheduling policy " + string(s.Policy) }

// schedulerPolicies are the policies by the kernel's number, sched(7); 5 is none.
var schedulerPolicies = [...]specs.LinuxSchedulerPolicy{
	specs.SchedOther, specs.SchedFIFO, specs.SchedRR, specs.SchedBatch, specs.SchedISO, "", specs.SchedIdle, specs.SchedDeadline,
}

// schedulerFlags are the flags of sched_setattr(2), from bit 0 on.
var schedulerFlags = [...]specs.LinuxSchedulerFlag{
	specs.SchedFlagResetOnFork, specs.SchedFlagReclaim, specs.SchedFlagDLOverrun, specs.SchedFlagKeepPolicy,
	specs.SchedFlagKeepParams, specs.SchedFlagUtilClampMin, specs.SchedFlagUtilClampMax,
}

// Numbers are the policy and the flags that sched_setattr(2) takes.
func (s Schedule) Numbers() (policy uint32, flags uint64) {
	for i, p := range schedulerPolicies {
		if p == s.Policy {
			policy = uint32(i)
		}
	}
	for _, f := range s.Flags {
		if i := slices.Index(schedulerFlags[:], f); i >= 0 {
			flags |= 1 << i
		}
	}
	return policy, flags
}

// IOPriority sets the I/O priority, ioprio_set(2).
type IOPriority struct {
	specs.LinuxIOPriority
}

// Kind implements Step.
func (IOPriority) Kind() string { return "set-io-priority" }

func (s IOPriority) String() string {
	return "set the I/O priority " + string(s.Class) + " " + strconv.Itoa(s.Priority)
}

// Value is the number that ioprio_set(2) takes.
func (s IOPriority) Value() int {
	classes := [...]specs.IOPriorityClass{"", specs.IOPRIO_CLASS_RT, specs.IOPRIO_CLASS_BE, specs.IOPRIO_CLASS_IDLE}
	const classShift = 13
	return max(slices.Index(classes[:], s.Class), 0)<<classShift | s.Priority
}
