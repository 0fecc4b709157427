//go:build linux && cgo

package compile

import libseccomp "github.com/seccomp/libseccomp-golang"

// On the older 32-bit architectures many calls are one, socketcall(2) or ipc(2),
// told apart by its first argument, and libseccomp turns a rule for one of them
// into a rule for both forms. What it makes of such a rule depends on the rules
// there are for its kin already, so a family must not be split over two filters.
var families = [...][]string{
	{
		"socketcall", "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
		"recv", "recvfrom", "recvmmsg", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
		"socket", "socketpair",
	},
	{
		"ipc", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop", "semtimedop", "shmat", "shmctl",
		"shmdt", "shmget",
	},
}

// growFamilies adds to a set of calls all kin of those in it.
func growFamilies(set map[libseccomp.ScmpSyscall]bool) {
	for _, names := range families {
		numbers := make([]libseccomp.ScmpSyscall, 0, len(names))
		in := false
		for _, name := range names {
			if nr, err := libseccomp.GetSyscallFromName(name); err == nil {
				numbers = append(numbers, nr)
				in = in || set[nr]
			}
		}
		if !in {
			continue
		}
		for _, nr := range numbers {
			set[nr] = true
		}
	}
}

// subcalls returns the kin of a multiplexing call, nil for any other. They get
// the rules in its stead, which one for the whole would overrule.
func subcalls(name string) []string {
	for _, names := range families {
		if names[0] == name {
			return names[1:]
		}
	}
	return nil
}
