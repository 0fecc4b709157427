package spec

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestValidateProcess(t *testing.T) {
	runFindings(t, []finding{
		{"no args", func(s *specs.Spec) { s.Process.Args = nil }, []string{"process.args: empty: there is nothing to run"}},
		{"empty command", func(s *specs.Spec) { s.Process.Args = []string{""} },
			[]string{"process.args[0]: empty: executable file not found in $PATH"}},
		{"empty argument", func(s *specs.Spec) { s.Process.Args = []string{"echo", ""} }, nil},
		{"NUL in argument", func(s *specs.Spec) { s.Process.Args = []string{"echo", "a\x00b"} },
			[]string{`process.args[1]: contains a NUL byte: "a\x00b"`}},
		{"no cwd", func(s *specs.Spec) { s.Process.Cwd = "" },
			[]string{"process.cwd: empty: an absolute path is needed"}},
		{"relative cwd", func(s *specs.Spec) { s.Process.Cwd = "./x" }, []string{`process.cwd: "./x" is not an absolute path`}},
		{"environment", func(s *specs.Spec) { s.Process.Env = []string{"A=", "B", "=c", "D=\x00", "E==e"} }, []string{
			`process.env[1]: "B" has no '=': entries are NAME=VALUE`,
			`process.env[2]: "=c" has no name before the '='`,
			`process.env[3]: contains a NUL byte: "D=\x00"`}},
		{"console size", func(s *specs.Spec) { s.Process.ConsoleSize = &specs.Box{Height: 25, Width: 65536} },
			[]string{"process.consoleSize: a terminal has at most 65535 rows and columns"}},
		{"umask", func(s *specs.Spec) { s.Process.User.Umask = ptr(uint32(0o1000)) },
			[]string{"process.user.umask: 512 is not from 0 to 511 (0777 in octal)"}},
		{"greatest umask", func(s *specs.Spec) { s.Process.User.Umask = ptr(uint32(0o777)) }, nil},
		{"unknown rlimit", func(s *specs.Spec) { s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_FUN"}} },
			[]string{`process.rlimits[0].type: "RLIMIT_FUN" is not a resource of Linux, like RLIMIT_NOFILE`}},
		{"duplicate rlimit", func(s *specs.Spec) {
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CORE"}, {Type: "RLIMIT_AS"}, {Type: "RLIMIT_CORE"}}
		}, []string{`process.rlimits[2].type: "RLIMIT_CORE" is there twice, see process.rlimits[0]`}},
		{"soft above hard", func(s *specs.Spec) { s.Process.Rlimits[0].Soft = 1025 },
			[]string{"process.rlimits[0].soft: 1025 is above the hard limit, 1024"}},
		{"unlimited", func(s *specs.Spec) { s.Process.Rlimits[0].Hard = 1<<64 - 1 }, nil},
		{"apparmor", func(s *specs.Spec) { s.Process.ApparmorProfile = "\x00" },
			[]string{`process.apparmorProfile: contains a NUL byte: "\x00"`}},
		{"selinux", func(s *specs.Spec) { s.Process.SelinuxLabel = "a\nb" },
			[]string{`process.selinuxLabel: "a\nb" is not an SELinux context`}},
		{"oom low", func(s *specs.Spec) { s.Process.OOMScoreAdj = ptr(-1001) },
			[]string{"process.oomScoreAdj: -1001 is not from -1000 to 1000"}},
		{"oom high", func(s *specs.Spec) { s.Process.OOMScoreAdj = ptr(1001) },
			[]string{"process.oomScoreAdj: 1001 is not from -1000 to 1000"}},
		{"oom", func(s *specs.Spec) { s.Process.OOMScoreAdj = ptr(-1000) }, nil},
	})
}

func TestValidateScheduler(t *testing.T) {
	set := func(x specs.Scheduler) func(*specs.Spec) { return func(s *specs.Spec) { s.Process.Scheduler = &x } }
	runFindings(t, []finding{
		{"other", set(specs.Scheduler{Policy: "SCHED_OTHER", Nice: -20}), nil},
		{"fifo", set(specs.Scheduler{Policy: "SCHED_FIFO", Priority: 99, Flags: []specs.LinuxSchedulerFlag{"SCHED_FLAG_RESET_ON_FORK"}}), nil},
		{"deadline", set(specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 1024, Deadline: 1024}), nil},
		{"no policy", set(specs.Scheduler{}), []string{"process.scheduler.policy: missing, like SCHED_OTHER"}},
		{"unknown policy", set(specs.Scheduler{Policy: "SCHED_NICE"}),
			[]string{`process.scheduler.policy: "SCHED_NICE" is not a scheduling policy, like SCHED_OTHER`}},
		{"iso", set(specs.Scheduler{Policy: "SCHED_ISO"}),
			[]string{"process.scheduler.policy: SCHED_ISO is reserved but not implemented by Linux"}},
		{"nice low", set(specs.Scheduler{Policy: "SCHED_BATCH", Nice: -21}), []string{"process.scheduler.nice: -21 is not from -20 to 19"}},
		{"nice high", set(specs.Scheduler{Policy: "SCHED_BATCH", Nice: 20}), []string{"process.scheduler.nice: 20 is not from -20 to 19"}},
		{"fifo without priority", set(specs.Scheduler{Policy: "SCHED_FIFO"}),
			[]string{"process.scheduler.priority: 0 is not from 1 to 99, as SCHED_FIFO needs"}},
		{"other with priority", set(specs.Scheduler{Policy: "SCHED_IDLE", Priority: 1}),
			[]string{"process.scheduler.priority: only SCHED_FIFO and SCHED_RR have a priority"}},
		{"rr with period", set(specs.Scheduler{Policy: "SCHED_RR", Priority: 1, Period: 5}),
			[]string{"process.scheduler: only SCHED_DEADLINE has a runtime, a deadline and a period"}},
		{"short runtime", set(specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 1023, Deadline: 5000}),
			[]string{"process.scheduler.runtime: SCHED_DEADLINE needs at least 1024 ns"}},
		{"short deadline", set(specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 6000, Deadline: 5000}),
			[]string{"process.scheduler.deadline: must not be shorter than the runtime"}},
		{"short period", set(specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 2000, Deadline: 5000, Period: 4000}),
			[]string{"process.scheduler.period: must not be shorter than the deadline"}},
		{"long period", set(specs.Scheduler{Policy: "SCHED_DEADLINE", Runtime: 2000, Deadline: 5000, Period: 1 << 63}),
			[]string{"process.scheduler.period: must be below 2^63 ns"}},
		{"flag", set(specs.Scheduler{Policy: "SCHED_OTHER", Flags: []specs.LinuxSchedulerFlag{"SCHED_FLAG_RECLAIM", "X"}}),
			[]string{`process.scheduler.flags[1]: "X" is not a scheduling flag, like SCHED_FLAG_RESET_ON_FORK`}},
	})
}

func TestValidateIOAndAffinity(t *testing.T) {
	class := func(c specs.IOPriorityClass, n int) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Process.IOPriority = &specs.LinuxIOPriority{Class: c, Priority: n} }
	}
	cpus := func(initial, final string) func(*specs.Spec) {
		return func(s *specs.Spec) {
			s.Process.ExecCPUAffinity = &specs.CPUAffinity{Initial: initial, Final: final}
		}
	}
	runFindings(t, []finding{
		{"class", class("IOPRIO_CLASS_BE", 7), nil},
		{"no class", class("", 0), []string{"process.ioPriority.class: missing, like IOPRIO_CLASS_BE"}},
		{"unknown class", class("BE", 0),
			[]string{`process.ioPriority.class: "BE" is not IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE`}},
		{"priority high", class("IOPRIO_CLASS_RT", 8), []string{"process.ioPriority.priority: 8 is not from 0 to 7"}},
		{"priority low", class("IOPRIO_CLASS_RT", -1), []string{"process.ioPriority.priority: -1 is not from 0 to 7"}},
		{"affinity", cpus("0-3,7", ""), nil},
		{"affinity words", cpus("all", "0"),
			[]string{`process.execCPUAffinity.initial: "all" is not a list of numbers and ranges like "0-3,7"`}},
		{"affinity backwards", cpus("0", "3-1"),
			[]string{`process.execCPUAffinity.final: "3-1" is not a list of numbers and ranges like "0-3,7"`}},
		{"affinity comma", cpus("0,", "0"),
			[]string{`process.execCPUAffinity.initial: "0," is not a list of numbers and ranges like "0-3,7"`}},
		{"affinity high", cpus("0-8192", "8191"),
			[]string{`process.execCPUAffinity.initial: "0-8192" names more than Linux can have: the highest number is 8191`}},
		{"affinity huge", cpus("0-99999999999999999999", "0"),
			[]string{`process.execCPUAffinity.initial: "0-99999999999999999999" is not a list of numbers and ranges like "0-3,7"`}},
	})
}

func TestValidateMemoryPolicy(t *testing.T) {
	set := func(m specs.LinuxMemoryPolicy) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Linux.MemoryPolicy = &m }
	}
	flags := func(f ...specs.MemoryPolicyFlagType) []specs.MemoryPolicyFlagType { return f }
	runFindings(t, []finding{
		{"bind", set(specs.LinuxMemoryPolicy{Mode: "MPOL_BIND", Nodes: "0-1", Flags: flags("MPOL_F_STATIC_NODES", "MPOL_F_NUMA_BALANCING")}), nil},
		{"preferred without nodes", set(specs.LinuxMemoryPolicy{Mode: "MPOL_PREFERRED"}), nil},
		{"no mode", set(specs.LinuxMemoryPolicy{}), []string{"linux.memoryPolicy.mode: missing, like MPOL_BIND"}},
		{"unknown mode", set(specs.LinuxMemoryPolicy{Mode: "BIND"}),
			[]string{`linux.memoryPolicy.mode: "BIND" is not a memory policy, like MPOL_BIND`}},
		{"default with nodes", set(specs.LinuxMemoryPolicy{Mode: "MPOL_DEFAULT", Nodes: "0"}),
			[]string{"linux.memoryPolicy.nodes: must be empty with MPOL_DEFAULT"}},
		{"interleave without nodes", set(specs.LinuxMemoryPolicy{Mode: "MPOL_INTERLEAVE"}),
			[]string{"linux.memoryPolicy.nodes: empty: MPOL_INTERLEAVE needs at least one node"}},
		{"nodes", set(specs.LinuxMemoryPolicy{Mode: "MPOL_BIND", Nodes: "a"}),
			[]string{`linux.memoryPolicy.nodes: "a" is not a list of numbers and ranges like "0-3,7"`}},
		{"flag", set(specs.LinuxMemoryPolicy{Mode: "MPOL_BIND", Nodes: "0", Flags: flags("X")}),
			[]string{`linux.memoryPolicy.flags[0]: "X" is not a flag of a memory policy, like MPOL_F_STATIC_NODES`}},
		{"balancing", set(specs.LinuxMemoryPolicy{Mode: "MPOL_LOCAL", Flags: flags("MPOL_F_NUMA_BALANCING")}),
			[]string{"linux.memoryPolicy.flags[0]: MPOL_F_NUMA_BALANCING goes with MPOL_BIND and MPOL_PREFERRED_MANY only"}},
		{"both flags", set(specs.LinuxMemoryPolicy{Mode: "MPOL_BIND", Nodes: "0", Flags: flags("MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES")}),
			[]string{"linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other"}},
	})
}
