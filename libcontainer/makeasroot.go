package libcontainer

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// makeAsRoot makes a directory, or an empty file, as the root of the container's
// user namespace, who may do more there than his ID alone, and less than the
// runtime: a process of its own is that.
func (c *container) makeAsRoot(dir int, name string, directory bool) error {
	pidfd, err := unix.PidfdOpen(c.launch.pid, 0)
	if err != nil {
		return fmt.Errorf("find the init process: %w", err)
	}
	defer unix.Close(pidfd)
	const user, in, report = 0, 1, 2
	program, err := lower.MakeProgram(user, in, name, directory)
	if err != nil {
		return err
	}
	hear, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hear.Close()
	defer tell.Close()
	files := []uintptr{user: uintptr(pidfd), in: uintptr(dir), report: tell.Fd()}
	child, err := startTape(program, files, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL})
	if err != nil {
		return err
	}
	status := reap(child)
	if status == 0 {
		return nil
	}
	tell.Close()
	var text [tape.ReportSize]byte
	if n, err := hear.Read(text[:]); err == nil && n == len(text) {
		if failed, err := tape.ParseReport(text); err == nil {
			return failed.Errno
		}
	}
	return fmt.Errorf("the process for it ended: %s", statusText(status))
}
