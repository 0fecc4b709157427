package spec

import (
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// scheduler is process.scheduler, with the rules of sched_setattr(2).
func (v *validator) scheduler(path string, s *specs.Scheduler) {
	switch s.Policy {
	case specs.SchedOther, specs.SchedBatch, specs.SchedIdle:
		v.noPriority(path, s)
		v.noDeadline(path, s)
	case specs.SchedFIFO, specs.SchedRR:
		if s.Priority < 1 || s.Priority > 99 {
			v.bad(path+".priority", strconv.Itoa(int(s.Priority))+" is not from 1 to 99, as "+string(s.Policy)+" needs")
		}
		v.noDeadline(path, s)
	case specs.SchedDeadline:
		v.noPriority(path, s)
		v.deadline(path, s)
	case specs.SchedISO:
		v.bad(path+".policy", "SCHED_ISO is reserved but not implemented by Linux")
	case "":
		v.bad(path+".policy", "missing, like SCHED_OTHER")
	default:
		v.bad(path+".policy", quote(string(s.Policy))+" is not a scheduling policy, like SCHED_OTHER")
	}
	if s.Nice < -20 || s.Nice > 19 {
		v.bad(path+".nice", strconv.Itoa(int(s.Nice))+" is not from -20 to 19")
	}
	for i, f := range s.Flags {
		if !isSchedulerFlag(f) {
			v.bad(at(path+".flags", i), quote(string(f))+" is not a scheduling flag, like SCHED_FLAG_RESET_ON_FORK")
		}
	}
}

func isSchedulerFlag(f specs.LinuxSchedulerFlag) bool {
	switch f {
	case specs.SchedFlagResetOnFork, specs.SchedFlagReclaim, specs.SchedFlagDLOverrun, specs.SchedFlagKeepPolicy,
		specs.SchedFlagKeepParams, specs.SchedFlagUtilClampMin, specs.SchedFlagUtilClampMax:
		return true
	}
	return false
}

func (v *validator) noPriority(path string, s *specs.Scheduler) {
	if s.Priority != 0 {
		v.bad(path+".priority", "only SCHED_FIFO and SCHED_RR have a priority")
	}
}

func (v *validator) noDeadline(path string, s *specs.Scheduler) {
	if s.Runtime != 0 || s.Deadline != 0 || s.Period != 0 {
		v.bad(path, "only SCHED_DEADLINE has a runtime, a deadline and a period")
	}
}

// minRuntime is the shortest runtime that the kernel takes for SCHED_DEADLINE, in ns (__checkparam_dl).
const minRuntime = 1024

// deadline is runtime <= deadline <= period, where a period of 0 stands for the deadline.
func (v *validator) deadline(path string, s *specs.Scheduler) {
	switch {
	case s.Runtime < minRuntime:
		v.bad(path+".runtime", "SCHED_DEADLINE needs at least "+strconv.Itoa(minRuntime)+" ns")
	case s.Deadline < s.Runtime:
		v.bad(path+".deadline", "must not be shorter than the runtime")
	case s.Period != 0 && s.Period < s.Deadline:
		v.bad(path+".period", "must not be shorter than the deadline")
	case s.Deadline>>63 != 0 || s.Period>>63 != 0:
		v.bad(path+".period", "must be below 2^63 ns")
	}
}

// ioPriority is process.ioPriority, see ioprio_set(2).
func (v *validator) ioPriority(path string, p *specs.LinuxIOPriority) {
	switch p.Class {
	case specs.IOPRIO_CLASS_RT, specs.IOPRIO_CLASS_BE, specs.IOPRIO_CLASS_IDLE:
	case "":
		v.bad(path+".class", "missing, like IOPRIO_CLASS_BE")
	default:
		v.bad(path+".class", quote(string(p.Class))+" is not IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE")
	}
	if p.Priority < 0 || p.Priority > 7 {
		v.bad(path+".priority", strconv.Itoa(p.Priority)+" is not from 0 to 7")
	}
}

// memoryPolicy is linux.memoryPolicy, with the rules of set_mempolicy(2).
func (v *validator) memoryPolicy(m *specs.LinuxMemoryPolicy) {
	const path = "linux.memoryPolicy"
	v.numberList(path+".nodes", m.Nodes)
	switch m.Mode {
	case specs.MpolDefault, specs.MpolLocal:
		if m.Nodes != "" {
			v.bad(path+".nodes", "must be empty with "+string(m.Mode))
		}
	case specs.MpolBind, specs.MpolInterleave, specs.MpolWeightedInterleave, specs.MpolPreferredMany:
		if m.Nodes == "" {
			v.bad(path+".nodes", "empty: "+string(m.Mode)+" needs at least one node")
		}
	case specs.MpolPreferred:
	case "":
		v.bad(path+".mode", "missing, like MPOL_BIND")
	default:
		v.bad(path+".mode", quote(string(m.Mode))+" is not a memory policy, like MPOL_BIND")
	}
	v.memoryPolicyFlags(path+".flags", m)
}

func (v *validator) memoryPolicyFlags(path string, m *specs.LinuxMemoryPolicy) {
	static, relative := false, false
	for i, f := range m.Flags {
		switch f {
		case specs.MpolFStaticNodes:
			static = true
		case specs.MpolFRelativeNodes:
			relative = true
		case specs.MpolFNumaBalancing:
			if m.Mode != specs.MpolBind && m.Mode != specs.MpolPreferredMany {
				v.bad(at(path, i), "MPOL_F_NUMA_BALANCING goes with MPOL_BIND and MPOL_PREFERRED_MANY only")
			}
		default:
			v.bad(at(path, i), quote(string(f))+" is not a flag of a memory policy, like MPOL_F_STATIC_NODES")
		}
	}
	if static && relative {
		v.bad(path, "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other")
	}
}

// numberList is a list like "0-3,7"; the empty one is fine.
func (v *validator) numberList(path, list string) {
	if _, err := ParseBitmap(list); err != nil {
		v.bad(path, err.Error())
	}
}
