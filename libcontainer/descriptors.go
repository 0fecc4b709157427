package libcontainer

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Inherited counts the descriptors from 3 on, without a gap, that this process
// was started with. It has to be asked before anything is opened: whatever is
// open by then was passed by the caller, but for what the Go runtime opened on
// its way to main, and that is close-on-exec, as nothing that outlived an
// execve(2) can be.
func Inherited() int {
	n := 0
	for isPassed(3 + n) {
		n++
	}
	return n
}

func isPassed(fd int) bool {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil && flags&unix.FD_CLOEXEC == 0
}

// checkPreserved refuses to pass descriptors on that nobody gave us. Their
// numbers would by now be those of our own files, which lead to the host.
func (r *Runtime) checkPreserved(n int) error {
	for fd := 3; fd < 3+n; fd++ {
		if fd >= 3+r.Inherited || !isPassed(fd) {
			return fmt.Errorf("pass descriptor %d of --preserve-fds or $LISTEN_FDS on: it is not open", fd)
		}
	}
	return nil
}

// listenFDs is the number of descriptors that a service manager passed for
// socket activation, sd_listen_fds(3): it means them for us only if it says so.
func listenFDs() (int, error) {
	listen := os.Getenv("LISTEN_FDS")
	if listen == "" || os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.Atoi(listen)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("$LISTEN_FDS is %q and not a number of descriptors", listen)
	}
	return n, nil
}

// passDescriptors decides which descriptors the program gets, and tells it of
// those that are for socket activation.
func (c *container) passDescriptors() error {
	n, err := listenFDs()
	if err != nil {
		return err
	}
	if n > 0 {
		p := c.spec.Process
		p.Env = append(p.Env[:len(p.Env):len(p.Env)], "LISTEN_FDS="+strconv.Itoa(n), "LISTEN_PID=1")
	}
	c.preserve = n + c.opts.PreserveFDs
	return c.rt.checkPreserved(c.preserve)
}
