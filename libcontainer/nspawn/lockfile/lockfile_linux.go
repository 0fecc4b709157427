// Package lockfile takes the locks that systemd's container tools take: an open
// file description lock on a file that exists only while it is held.
//
// It is for locks that are shared with systemd; it imports the standard library
// and x/sys/unix, and waits for nothing.
package lockfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrBusy is returned for a lock that somebody else holds.
var ErrBusy = errors.New("currently busy")

// Lock is held until it is closed, or until the last process that has its
// descriptor ends.
type Lock struct {
	file   *os.File
	shared bool
}

// Take takes a lock by the name of its file, which is made, mode 0600, when it
// is not there. A shared lock goes with other shared ones.
func Take(name string, shared bool) (*Lock, error) {
	kind := int16(unix.F_WRLCK)
	if shared {
		kind = unix.F_RDLCK
	}
	for {
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind}); err != nil {
			file.Close()
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
				err = ErrBusy
			}
			return nil, fmt.Errorf("lock %q: %w", name, err)
		}
		// The holder before may have removed the file that was opened.
		same, err := sameFile(file, name)
		if err != nil {
			file.Close()
			return nil, err
		}
		if same {
			return &Lock{file, shared}, nil
		}
		file.Close()
	}
}

func sameFile(file *os.File, name string) (bool, error) {
	open, err := file.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(open, named), nil
}

// Close gives the lock back and removes its file, unless others share it.
func (l *Lock) Close() error {
	if l.shared {
		// Only who can have it alone may remove it.
		err := unix.FcntlFlock(l.file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		if err != nil {
			return l.file.Close()
		}
	}
	err := os.Remove(l.file.Name())
	return errors.Join(err, l.file.Close())
}
