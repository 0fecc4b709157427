package notify

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// maxDatagram is systemd's NOTIFY_BUFFER_MAX.
const maxDatagram = 4096

// Proxy reads what a container says.
type Proxy struct {
	socket *os.File
	leader int32
}

// NewProxy takes the socket, which has SO_PASSCRED set and does not block, and the PID of the container's PID 1 as
// this process sees it.
func NewProxy(socket *os.File, leader int) *Proxy { return &Proxy{socket, int32(leader)} }

// Next waits for a message of the container's PID 1; those of other processes,
// and those that are longer than systemd takes, are dropped. Closing the socket
// ends it with os.ErrClosed.
func (p *Proxy) Next() (Message, error) {
	raw, err := p.socket.SyscallConn()
	if err != nil {
		return Message{}, err
	}
	buffer, control := make([]byte, maxDatagram), make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(253*4))
	for {
		var n, oob, flags int
		var failed error
		err := raw.Read(func(fd uintptr) bool {
			n, oob, flags, _, failed = unix.Recvmsg(int(fd), buffer, control, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
			return failed != unix.EAGAIN && failed != unix.EINTR
		})
		if err != nil { // only closing ends the wait
			return Message{}, fmt.Errorf("read a notification: %w", os.ErrClosed)
		}
		if failed != nil {
			return Message{}, fmt.Errorf("read a notification: %w", failed)
		}
		sender, err := senderOf(control[:oob])
		if err != nil || sender != p.leader || flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
			continue
		}
		return Parse(string(buffer[:n])), nil
	}
}

// senderOf gives the PID that the kernel vouches for, and closes descriptors
// that came with a message: nothing of a container's stays open here.
func senderOf(control []byte) (int32, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, err
	}
	sender, found := int32(0), false
	for i := range messages {
		switch m := &messages[i]; m.Header.Type {
		case unix.SCM_RIGHTS:
			fds, err := unix.ParseUnixRights(m)
			if err != nil {
				return 0, err
			}
			for _, fd := range fds {
				unix.Close(fd)
			}
		case unix.SCM_CREDENTIALS:
			cred, err := unix.ParseUnixCredentials(m)
			if err != nil {
				return 0, err
			}
			sender, found = cred.Pid, true
		}
	}
	if !found {
		return 0, errors.New("no credentials")
	}
	return sender, nil
}

// Send sends a message to the service manager at an address as of
// $NOTIFY_SOCKET: a path, or @ and an abstract name. Without an address nothing
// is sent.
func Send(address, message string) error {
	if address == "" || message == "" {
		return nil
	}
	if address[0] != '/' && address[0] != '@' {
		return fmt.Errorf("notify the service manager: NOTIFY_SOCKET %q is not a socket's address", address)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("notify the service manager: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, []byte(message), unix.MSG_NOSIGNAL, &unix.SockaddrUnix{Name: address}); err != nil {
		return fmt.Errorf("notify the service manager at %q: %w", address, err)
	}
	return nil
}
