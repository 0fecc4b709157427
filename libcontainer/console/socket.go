package console

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// Dial connects to a socket of the caller, made by its path (--console-socket,
// --pidfd-socket). It is called before the container is made, so that a wrong
// path costs nothing. The path may be longer than a socket address can be. The
// descriptor is close-on-exec and the caller's to close.
func Dial(path string) (conn int, err error) {
	conn, err = dial(path)
	if err != nil {
		return -1, fmt.Errorf("connect to socket %q: %w", path, err)
	}
	return conn, nil
}

func dial(path string) (int, error) {
	file, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(file)
	conn, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	address := &unix.SockaddrUnix{Name: "/proc/self/fd/" + strconv.Itoa(file)}
	for {
		switch err = unix.Connect(conn, address); err {
		case nil:
			return conn, nil
		case unix.EINTR:
		default:
			_ = unix.Close(conn)
			return -1, err
		}
	}
}

// masterName is the text that goes with a master; runc's is the path by which
// it opened the master, and receivers print it at most.
const masterName = "/dev/ptmx"

// SendOver sends a terminal's master over a connection of Dial, as runc does and
// conmon, containerd and podman expect: one message, the data being a file name
// and the control data one descriptor. Both descriptors stay the caller's.
func SendOver(conn, master int) error {
	if err := sendFD(conn, masterName, master); err != nil {
		return fmt.Errorf("send console: %w", err)
	}
	return nil
}

// Process says which process of a container a pidfd is of.
type Process string

// The processes, by the names that runc sends.
const (
	Init Process = "standard"
	Exec Process = "setns"
)

// SendPidfd sends a pidfd over a connection of Dial, in the format of
// SendOver with the kind of process instead of a name (runc's --pidfd-socket).
func SendPidfd(conn int, process Process, pidfd int) error {
	if err := sendFD(conn, string(process), pidfd); err != nil {
		return fmt.Errorf("send pidfd: %w", err)
	}
	return nil
}

func sendFD(conn int, name string, fd int) error {
	for {
		// MSG_NOSIGNAL: a caller that went away is an error, not the end.
		err := unix.Sendmsg(conn, []byte(name), unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}
