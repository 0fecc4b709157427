package profile

import (
	"fmt"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/syscalls"
)

// Numbers of the kernel's headers that filter rules compare with; the errnos
// are the same on x86 and arm.
const (
	errEPERM        = 1
	errEINVAL       = 22
	errENOSYS       = 38
	errEAFNOSUPPORT = 97

	afNetlink    = 16
	netlinkAudit = 9
	oDsync       = 0x1000 // a bit of O_SYNC, too
	intMax       = 1<<31 - 1
)

func architectures(arch string) ([]specs.Arch, error) {
	switch arch {
	case "amd64", "":
		return []specs.Arch{specs.ArchX86_64, specs.ArchX86, specs.ArchX32}, nil
	case "arm64":
		return []specs.Arch{specs.ArchAARCH64, specs.ArchARM}, nil
	}
	return nil, fmt.Errorf("architecture %q: no system call filter is known for it", arch)
}

// seccomp is nspawn's filter: what it allows, EPERM for the rest of what
// systemd 257 knows, ENOSYS for what is newer, so that programs fall back.
func seccomp(o *Options, bounding uint64) (*specs.LinuxSeccomp, error) {
	archs, err := architectures(o.Arch)
	if err != nil {
		return nil, err
	}
	if err := o.SystemCalls.Check(); err != nil {
		return nil, err
	}
	list, err := syscalls.Default(bounding, o.SystemCalls)
	if err != nil {
		return nil, err
	}
	var rules []specs.LinuxSyscall
	if slices.Contains(list.Allow, "socket") {
		list.Allow = without(list.Allow, "socket")
		rules = append(rules, auditRules()...)
	}
	if o.SuppressSync {
		var sync []specs.LinuxSyscall
		list.Allow, sync = suppressSync(list.Allow)
		rules = append(rules, sync...)
	}
	enosys := uint(errENOSYS)
	return &specs.LinuxSeccomp{
		DefaultAction:   specs.ActErrno,
		DefaultErrnoRet: &enosys,
		Architectures:   archs,
		Syscalls: append([]specs.LinuxSyscall{
			{Names: list.Allow, Action: specs.ActAllow},
			fails(errEPERM, nil, list.Refuse...),
		}, rules...),
	}, nil
}

// auditRules make socket(AF_NETLINK, …, NETLINK_AUDIT) fail as on a kernel
// without audit, which audit's library takes for "not there". nspawn has a
// filter of its own for it; in one filter, where an unconditional rule would
// win over it, the call is allowed in all other cases one by one.
func auditRules() []specs.LinuxSyscall {
	family := func(op specs.LinuxSeccompOperator) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: 0, Value: afNetlink, Op: op}
	}
	protocol := func(op specs.LinuxSeccompOperator) specs.LinuxSeccompArg {
		return specs.LinuxSeccompArg{Index: 2, Value: netlinkAudit, Op: op}
	}
	return []specs.LinuxSyscall{
		allows([]specs.LinuxSeccompArg{family(specs.OpNotEqual)}, "socket"),
		allows([]specs.LinuxSeccompArg{family(specs.OpEqualTo), protocol(specs.OpNotEqual)}, "socket"),
		fails(errEAFNOSUPPORT, []specs.LinuxSeccompArg{family(specs.OpEqualTo), protocol(specs.OpEqualTo)}, "socket"),
	}
}

// suppressSync is --suppress-sync=: syncing succeeds without being done, but
// with a negative descriptor, which has to fail; files are not opened for
// synchronous writing.
func suppressSync(allow []string) ([]string, []specs.LinuxSyscall) {
	fd := func(op specs.LinuxSeccompOperator) []specs.LinuxSeccompArg {
		return []specs.LinuxSeccompArg{{Index: 0, Value: intMax, Op: op}}
	}
	flags := func(index uint, want uint64) []specs.LinuxSeccompArg {
		return []specs.LinuxSeccompArg{{Index: index, Value: oDsync, ValueTwo: want, Op: specs.OpMaskedEqual}}
	}
	byFd := []string{"fdatasync", "fsync", "sync_file_range", "sync_file_range2", "syncfs"}
	rules := []specs.LinuxSyscall{
		fails(0, nil, "msync", "sync"),
		fails(0, fd(specs.OpLessEqual), byFd...),
		allows(fd(specs.OpGreaterThan), byFd...),
		fails(errEINVAL, flags(1, oDsync), "open"),
		allows(flags(1, 0), "open"),
		fails(errEINVAL, flags(2, oDsync), "openat"),
		allows(flags(2, 0), "openat"),
		fails(errENOSYS, nil, "openat2"),
	}
	return without(allow, append([]string{"msync", "sync", "open", "openat", "openat2"}, byFd...)...), rules
}

func allows(args []specs.LinuxSeccompArg, names ...string) specs.LinuxSyscall {
	return specs.LinuxSyscall{Names: names, Action: specs.ActAllow, Args: args}
}

func fails(errno uint, args []specs.LinuxSeccompArg, names ...string) specs.LinuxSyscall {
	return specs.LinuxSyscall{Names: names, Action: specs.ActErrno, ErrnoRet: &errno, Args: args}
}

func without(list []string, names ...string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return slices.Contains(names, n) })
}
