//go:build linux && amd64

package seccomp

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// probes are system calls with arguments that do no harm if they are let through,
// and answer something else then than a filter would.
var probes = []struct {
	name string
	nr   uintptr
	args [6]uintptr
}{
	{"getpid", unix.SYS_GETPID, [6]uintptr{}},
	{"clone3 null", unix.SYS_CLONE3, [6]uintptr{}},
	{"clone SIGHAND without VM", unix.SYS_CLONE, [6]uintptr{unix.CLONE_SIGHAND}},
	{"unshare nothing", unix.SYS_UNSHARE, [6]uintptr{}},
	{"setns bad", unix.SYS_SETNS, [6]uintptr{^uintptr(0)}},
	{"mount null", unix.SYS_MOUNT, [6]uintptr{}},
	{"umount2 null", unix.SYS_UMOUNT2, [6]uintptr{}},
	{"socket inet", unix.SYS_SOCKET, [6]uintptr{unix.AF_INET, unix.SOCK_STREAM}},
	{"socket netlink route", unix.SYS_SOCKET, [6]uintptr{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}},
	{"socket netlink audit", unix.SYS_SOCKET, [6]uintptr{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT}},
	{"socket inet proto 9", unix.SYS_SOCKET, [6]uintptr{unix.AF_INET, unix.SOCK_STREAM, 9}},
	{"socket bad family", unix.SYS_SOCKET, [6]uintptr{9999, 1}},
	{"personality query", unix.SYS_PERSONALITY, [6]uintptr{0xffffffff}},
	{"personality linux32", unix.SYS_PERSONALITY, [6]uintptr{8}},
	{"personality uname26", unix.SYS_PERSONALITY, [6]uintptr{0x20000}},
	{"personality no randomize", unix.SYS_PERSONALITY, [6]uintptr{0x40000}},
	{"personality linux", unix.SYS_PERSONALITY, [6]uintptr{0}},
	{"ptrace bad", unix.SYS_PTRACE, [6]uintptr{9999, ^uintptr(0)}},
	{"bpf bad", unix.SYS_BPF, [6]uintptr{9999}},
	{"keyctl bad", unix.SYS_KEYCTL, [6]uintptr{9999}},
	{"add_key null", unix.SYS_ADD_KEY, [6]uintptr{}},
	{"perf_event_open null", unix.SYS_PERF_EVENT_OPEN, [6]uintptr{}},
	{"kexec_load bad", unix.SYS_KEXEC_LOAD, [6]uintptr{0, 9999, 0, 0xfff}},
	{"reboot bad magic", unix.SYS_REBOOT, [6]uintptr{}},
	{"swapon null", unix.SYS_SWAPON, [6]uintptr{}},
	{"init_module null", unix.SYS_INIT_MODULE, [6]uintptr{}},
	{"open_by_handle_at bad", unix.SYS_OPEN_BY_HANDLE_AT, [6]uintptr{^uintptr(0)}},
	{"userfaultfd bad", unix.SYS_USERFAULTFD, [6]uintptr{0xffff0000}},
	{"io_uring_setup null", unix.SYS_IO_URING_SETUP, [6]uintptr{}},
	{"pidfd_open bad", unix.SYS_PIDFD_OPEN, [6]uintptr{^uintptr(0)}},
	{"openat2 null", unix.SYS_OPENAT2, [6]uintptr{}},
	{"faccessat2 bad", unix.SYS_FACCESSAT2, [6]uintptr{^uintptr(0), 0, 0xffff}},
	{"landlock_create_ruleset bad", unix.SYS_LANDLOCK_CREATE_RULESET, [6]uintptr{0, 0, 0xff}},
	{"memfd_secret bad", unix.SYS_MEMFD_SECRET, [6]uintptr{0xffff}},
	{"futex_waitv null", unix.SYS_FUTEX_WAITV, [6]uintptr{}},
	{"set_mempolicy_home_node bad", unix.SYS_SET_MEMPOLICY_HOME_NODE, [6]uintptr{0, 0, 0, 1}},
	{"cachestat", unix.SYS_CACHESTAT, [6]uintptr{^uintptr(0)}},
	{"fchmodat2", unix.SYS_FCHMODAT2, [6]uintptr{^uintptr(0), 0, 0, 0xffff}},
	{"uselib null", unix.SYS_USELIB, [6]uintptr{}},
	{"_sysctl", unix.SYS__SYSCTL, [6]uintptr{}},
	{"nfsservctl", unix.SYS_NFSSERVCTL, [6]uintptr{}},
	{"x32 getpid", 1<<30 | unix.SYS_GETPID, [6]uintptr{}},
	{"unknown 9999", 9999, [6]uintptr{}},
	{"hole 400", 400, [6]uintptr{}},
}

const probeEnv = "GSPAWN_SECCOMP_PROBE"

func TestMain(m *testing.M) {
	if bpf, ok := os.LookupEnv(probeEnv); ok {
		if err := probe(bpf); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// probe makes all the calls on one thread, under the filter in the file bpf unless
// it is "", and prints the errno of each.
func probe(bpf string) error {
	runtime.LockOSThread()
	if bpf != "" {
		b, err := os.ReadFile(bpf)
		if err != nil {
			return err
		}
		if err := install(b); err != nil {
			return err
		}
	}
	out := make([]byte, 0, 8192)
	for _, p := range probes {
		r, _, errno := unix.RawSyscall6(p.nr, p.args[0], p.args[1], p.args[2], p.args[3], p.args[4], p.args[5])
		if errno == 0 && p.nr == unix.SYS_SOCKET {
			unix.RawSyscall(unix.SYS_CLOSE, r, 0, 0)
		}
		out = fmt.Appendf(out, "%s=%d\n", p.name, int(errno))
	}
	_, err := os.Stdout.Write(out)
	return err
}

func install(b []byte) error {
	prog := struct {
		n    uint16
		insn unsafe.Pointer
	}{uint16(len(b) / 8), unsafe.Pointer(&b[0])}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	runtime.KeepAlive(b)
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	return nil
}

func errnoName(s string) string {
	n, err := strconv.Atoi(s)
	if err != nil || n == 0 {
		return s
	}
	return syscall.Errno(n).Error()
}
