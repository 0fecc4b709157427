package tape

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Program is an assembled tape.
type Program struct {
	Image []byte // an ELF executable for this machine's architecture

	steps []int32
	tape  int // offset of the first record in Image
}

// Len is the number of records, the final exit_group included.
func (p *Program) Len() int { return len(p.steps) }

// Step returns the caller's step a record belongs to, -1 if there is no such
// record or it belongs to none.
func (p *Program) Step(record int) int {
	if record < 0 || record >= len(p.steps) {
		return -1
	}
	return int(p.steps[record])
}

// ReportSize is the size in bytes of the report of a failing call, written
// with one write(2).
const ReportSize = 16

// reportMagic begins a report ("TAPE"), to be told apart from anything else
// that reaches the same descriptor.
const reportMagic = 0x45504154

// Report says which call failed, and why.
type Report struct {
	Record int
	Errno  syscall.Errno
}

// ErrNoReport is the error of ParseReport for bytes that no tape wrote.
var ErrNoReport = errors.New("parse report: not written by a tape")

// ParseReport reads what a tape wrote to its report descriptor. The bytes come
// from a process that may be hostile by then: Record is to be looked up with
// [Program.Step], which checks it.
func ParseReport(b [ReportSize]byte) (Report, error) {
	le := binary.LittleEndian
	if le.Uint32(b[:]) != reportMagic || le.Uint32(b[12:]) != 0 {
		return Report{}, ErrNoReport
	}
	errno := le.Uint32(b[8:])
	if errno == 0 || errno > 4095 {
		return Report{}, ErrNoReport
	}
	return Report{Record: int(int32(le.Uint32(b[4:]))), Errno: syscall.Errno(errno)}, nil
}

// Memfd puts image in a sealed memory file (memfd_create(2)) with a
// close-on-exec descriptor of at least minFD, to be executed as
// /proc/self/fd/N.
//
// minFD is needed because os.StartProcess, in the child, dups ProcAttr.Files
// to 0…len(Files)-1, and low ones of them first to the numbers following the
// highest: N has to be beyond max(Files)+len(Files)+1. It should be below 64,
// as a larger descriptor table is costly to get. Pass ProcAttr.Env non-nil,
// or the caller's environment is copied into the new process.
func Memfd(image []byte, name string, minFD int) (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // MFD_EXEC is of Linux 6.3
		fd, err = unix.MemfdCreate(name, flags)
	}
	if err != nil {
		return nil, memfdError(name, err)
	}
	if fd < minFD {
		low := fd
		fd, err = unix.FcntlInt(uintptr(low), unix.F_DUPFD_CLOEXEC, minFD)
		unix.Close(low)
		if err != nil {
			return nil, fmt.Errorf("place memory file %q at descriptor %d: %w", name, minFD, err)
		}
	}
	if err := fillAndSeal(fd, image); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("write memory file %q: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

func memfdError(name string, err error) error {
	if errors.Is(err, unix.EACCES) {
		return fmt.Errorf("create memory file %q: %w (sysctl vm.memfd_noexec must not be 2)", name, err)
	}
	return fmt.Errorf("create memory file %q: %w", name, err)
}

func fillAndSeal(fd int, image []byte) error {
	for len(image) > 0 {
		n, err := unix.Write(fd, image)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		image = image[n:]
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	_, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	return err
}
