// Package rlimit knows the names of resource limits and the kernel's numbers
// for them.
//
// It holds that table and never reads or sets a limit. It imports nothing and
// compiles on any system.
package rlimit

// Names are the limits of getrlimit(2), each at the kernel's number.
var Names = [...]string{
	"RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS",
	"RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK", "RLIMIT_AS", "RLIMIT_LOCKS",
	"RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
}

// Number is the kernel's number of a limit; ok is false for an unknown one.
func Number(name string) (n int, ok bool) {
	for i := range Names {
		if Names[i] == name {
			return i, true
		}
	}
	return 0, false
}
