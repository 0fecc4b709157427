package rlimit

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestNumber(t *testing.T) {
	for name, want := range map[string]int{
		"RLIMIT_CPU": unix.RLIMIT_CPU, "RLIMIT_FSIZE": unix.RLIMIT_FSIZE, "RLIMIT_DATA": unix.RLIMIT_DATA, "RLIMIT_STACK": unix.RLIMIT_STACK,
		"RLIMIT_CORE": unix.RLIMIT_CORE, "RLIMIT_RSS": unix.RLIMIT_RSS, "RLIMIT_NPROC": unix.RLIMIT_NPROC, "RLIMIT_NOFILE": unix.RLIMIT_NOFILE,
		"RLIMIT_MEMLOCK": unix.RLIMIT_MEMLOCK, "RLIMIT_AS": unix.RLIMIT_AS, "RLIMIT_LOCKS": unix.RLIMIT_LOCKS,
		"RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING, "RLIMIT_MSGQUEUE": unix.RLIMIT_MSGQUEUE, "RLIMIT_NICE": unix.RLIMIT_NICE,
		"RLIMIT_RTPRIO": unix.RLIMIT_RTPRIO, "RLIMIT_RTTIME": unix.RLIMIT_RTTIME,
	} {
		if n, ok := Number(name); !ok || n != want {
			t.Errorf("Number(%q) = %d, %v; want %d", name, n, ok, want)
		}
	}
	for _, name := range []string{"", "NOFILE", "RLIMIT_nofile", "RLIMIT_NLIMITS"} {
		if n, ok := Number(name); ok {
			t.Errorf("Number(%q) = %d, want none", name, n)
		}
	}
}
