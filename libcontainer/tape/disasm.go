package tape

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Disassemble writes the program as text, a line a record: for people, not
// for programs.
func (p *Program) Disassemble(w io.Writer) error {
	for i := range p.steps {
		if _, err := fmt.Fprintf(w, "%4d  step %-3d  %s\n", i, p.steps[i], p.Record(i)); err != nil {
			return err
		}
	}
	return nil
}

// Record describes a record, e.g.
//
//	openat(-100, "/etc/passwd") -> [8]; ENOENT: goto 12; any: next
//
// where [8] is the cell at byte 8 of the writable segment and &[8] its
// address. Trailing zero arguments are left out, since the record does not
// know how many there were. It is "" if there is no such record.
func (p *Program) Record(i int) string {
	if i < 0 || i >= len(p.steps) {
		return ""
	}
	rec := (*record)(unsafe.Pointer(&p.Image[p.tape+i*recordSize]))
	var s strings.Builder
	s.WriteString(callName(rec.nr))
	s.WriteByte('(')
	n := len(rec.args)
	for n > 0 && rec.args[n-1] == 0 {
		n--
	}
	for a := range n {
		if a > 0 {
			s.WriteString(", ")
		}
		s.WriteString(p.argument(rec.args[a], rec.deref>>a&1 != 0))
	}
	s.WriteByte(')')
	if rec.dst != 0 {
		fmt.Fprintf(&s, " -> [%d]", rec.dst-rwBase)
	}
	branch := func(when string, disp int16) {
		if disp == 0 {
			fmt.Fprintf(&s, "; %s: next", when)
			return
		}
		fmt.Fprintf(&s, "; %s: goto %d", when, i+1+int(disp))
	}
	if rec.zero != 0 {
		branch("zero", rec.zero)
	}
	if rec.pos != 0 {
		branch("positive", rec.pos)
	}
	for _, e := range rec.expect {
		switch e.errno {
		case 0:
		case anyErrno:
			branch("any", e.disp)
		default:
			branch(errnoName(e.errno), e.disp)
		}
	}
	return s.String()
}

// argument describes an argument by where it points.
func (p *Program) argument(v int32, deref bool) string {
	off := int(v) - textBase
	switch {
	case v >= rwBase && v < textBase && deref:
		return fmt.Sprintf("[%d]", v-rwBase)
	case v >= rwBase && v < textBase:
		return fmt.Sprintf("&[%d]", v-rwBase)
	case off < 0 || off >= p.tape:
		return strconv.Itoa(int(v))
	case deref: // a constant too wide for the record
		return fmt.Sprintf("%#x", *(*uint64)(unsafe.Pointer(&p.Image[off])))
	}
	s, _, _ := bytes.Cut(p.Image[off:p.tape], []byte{0})
	for _, c := range s {
		if c < ' ' || c > '~' {
			return fmt.Sprintf("&data[%d]", off)
		}
	}
	return strconv.Quote(string(s))
}

func errnoName(e uint16) string {
	if name := unix.ErrnoName(unix.Errno(e)); name != "" {
		return name
	}
	return strconv.Itoa(int(e))
}

// callName names the calls that a runtime makes, of those both architectures
// have; others are given by number.
func callName(nr uint16) string {
	for _, c := range callNames {
		if c.nr == nr {
			return c.name
		}
	}
	return "syscall " + strconv.Itoa(int(nr)) + " "
}

var callNames = [...]struct {
	nr   uint16
	name string
}{
	{nrMove, "move"},
	{unix.SYS_ACCEPT4, "accept4"},
	{unix.SYS_BIND, "bind"},
	{unix.SYS_CAPSET, "capset"},
	{unix.SYS_CHDIR, "chdir"},
	{unix.SYS_CHROOT, "chroot"},
	{unix.SYS_CLONE, "clone"},
	{unix.SYS_CLONE3, "clone3"},
	{unix.SYS_CLOSE, "close"},
	{unix.SYS_CLOSE_RANGE, "close_range"},
	{unix.SYS_CONNECT, "connect"},
	{unix.SYS_DUP, "dup"},
	{unix.SYS_DUP3, "dup3"},
	{unix.SYS_EXECVE, "execve"},
	{unix.SYS_EXECVEAT, "execveat"},
	{unix.SYS_EXIT_GROUP, "exit_group"},
	{unix.SYS_FCHDIR, "fchdir"},
	{unix.SYS_FCHMOD, "fchmod"},
	{unix.SYS_FCHMODAT, "fchmodat"},
	{unix.SYS_FCHOWN, "fchown"},
	{unix.SYS_FCHOWNAT, "fchownat"},
	{unix.SYS_FCNTL, "fcntl"},
	{unix.SYS_FSCONFIG, "fsconfig"},
	{unix.SYS_FSMOUNT, "fsmount"},
	{unix.SYS_FSOPEN, "fsopen"},
	{unix.SYS_FSTATFS, "fstatfs"},
	{unix.SYS_FTRUNCATE, "ftruncate"},
	{unix.SYS_GETPID, "getpid"},
	{unix.SYS_IOCTL, "ioctl"},
	{unix.SYS_KEYCTL, "keyctl"},
	{unix.SYS_KILL, "kill"},
	{unix.SYS_LINKAT, "linkat"},
	{unix.SYS_LISTEN, "listen"},
	{unix.SYS_LSEEK, "lseek"},
	{unix.SYS_MEMFD_CREATE, "memfd_create"},
	{unix.SYS_MKDIRAT, "mkdirat"},
	{unix.SYS_MKNODAT, "mknodat"},
	{unix.SYS_MMAP, "mmap"},
	{unix.SYS_MOUNT, "mount"},
	{unix.SYS_MOUNT_SETATTR, "mount_setattr"},
	{unix.SYS_MOVE_MOUNT, "move_mount"},
	{unix.SYS_OPENAT, "openat"},
	{unix.SYS_OPENAT2, "openat2"},
	{unix.SYS_OPEN_TREE, "open_tree"},
	{unix.SYS_PERSONALITY, "personality"},
	{unix.SYS_PIDFD_OPEN, "pidfd_open"},
	{unix.SYS_PIPE2, "pipe2"},
	{unix.SYS_PIVOT_ROOT, "pivot_root"},
	{unix.SYS_PPOLL, "ppoll"},
	{unix.SYS_PRCTL, "prctl"},
	{unix.SYS_PRLIMIT64, "prlimit64"},
	{unix.SYS_PWRITE64, "pwrite64"},
	{unix.SYS_READ, "read"},
	{unix.SYS_READLINKAT, "readlinkat"},
	{unix.SYS_RECVMSG, "recvmsg"},
	{unix.SYS_RENAMEAT2, "renameat2"},
	{unix.SYS_RT_SIGACTION, "rt_sigaction"},
	{unix.SYS_RT_SIGPROCMASK, "rt_sigprocmask"},
	{unix.SYS_SECCOMP, "seccomp"},
	{unix.SYS_SENDMSG, "sendmsg"},
	{unix.SYS_SENDTO, "sendto"},
	{unix.SYS_SETDOMAINNAME, "setdomainname"},
	{unix.SYS_SETGID, "setgid"},
	{unix.SYS_SETGROUPS, "setgroups"},
	{unix.SYS_SETHOSTNAME, "sethostname"},
	{unix.SYS_SETNS, "setns"},
	{unix.SYS_SETRESGID, "setresgid"},
	{unix.SYS_SETRESUID, "setresuid"},
	{unix.SYS_SETSID, "setsid"},
	{unix.SYS_SETUID, "setuid"},
	{unix.SYS_SOCKET, "socket"},
	{unix.SYS_SYMLINKAT, "symlinkat"},
	{unix.SYS_UMASK, "umask"},
	{unix.SYS_UMOUNT2, "umount2"},
	{unix.SYS_UNLINKAT, "unlinkat"},
	{unix.SYS_UNSHARE, "unshare"},
	{unix.SYS_WAIT4, "wait4"},
	{unix.SYS_WAITID, "waitid"},
	{unix.SYS_WRITE, "write"},
	{unix.SYS_WRITEV, "writev"},
}
