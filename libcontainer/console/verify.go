package console

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// The device number of the pseudoterminal multiplexer: TTYAUX_MAJOR and 2
// (Documentation/admin-guide/devices.txt).
const (
	ptmxMajor = 5
	ptmxMinor = 2
)

// ErrNotMaster is the error of Verify for what is no pseudoterminal's master.
var ErrNotMaster = errors.New("not a pseudoterminal master")

// Verify checks that fd, which came out of a container, is the master of a
// pseudoterminal: that the container had a file of its own where it opened
// /dev/ptmx must not make the runtime or its caller read and write that file
// (CVE-2025-52565). The device number alone decides which driver serves an open
// device, and the driver then says that it is a master.
func Verify(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("check console: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != unix.Mkdev(ptmxMajor, ptmxMinor) {
		return fmt.Errorf("check console: %w", ErrNotMaster)
	}
	if _, err := unix.IoctlGetInt(fd, unix.TIOCGPTN); err != nil {
		return fmt.Errorf("check console: %w: %w", ErrNotMaster, err)
	}
	return nil
}
