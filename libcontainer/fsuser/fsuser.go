// Package fsuser makes files as another user, without becoming that user.
//
// It must never change more than the thread that it locks, but for whether the
// process is dumpable, which it puts back. It may import x/sys/unix.
package fsuser

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// As calls f on a thread that makes files as the user uid and the group gid,
// setfsuid(2), with the capabilities of the caller: what it may do to files is
// what the caller may. It needs CAP_SETUID and CAP_SETGID (EPERM). f must start no
// threads that are to be that user as well.
func As(uid, gid int, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		own, err := ofThread()
		if err != nil {
			runtime.UnlockOSThread()
			done <- err
			return
		}
		other := *own
		other.uid, other.gid = uid, gid
		if err = other.become(); err == nil {
			err = f()
		}
		// A thread that is not again what it was is never unlocked, and so
		// ends with the goroutine.
		if own.become() == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// identity is as whom a thread makes files, and what changes with that.
type identity struct {
	uid, gid     int
	capabilities [2]unix.CapUserData
	dumpable     int
}

func ofThread() (*identity, error) {
	i := &identity{uid: os.Geteuid(), gid: os.Getegid()}
	var err error
	if i.dumpable, err = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("read whether the process is dumpable: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &i.capabilities[0]); err != nil {
		return nil, fmt.Errorf("read capabilities: %w", err)
	}
	return i, nil
}

// become changes the IDs by which this thread makes files. The kernel also takes
// the capabilities for files away, out of the effective set only, and makes the
// process one that cannot be dumped, which would hide its /proc from itself in a
// user namespace.
func (i *identity) become() error {
	// Neither call reports an error; both return what was set before.
	_, _ = unix.SetfsgidRetGid(i.gid)
	_, _ = unix.SetfsuidRetUid(i.uid)
	nowGID, _ := unix.SetfsgidRetGid(-1)
	nowUID, _ := unix.SetfsuidRetUid(-1)
	if nowGID != i.gid || nowUID != i.uid {
		return fmt.Errorf("make files as user %d, group %d: %w", i.uid, i.gid, unix.EPERM)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capset(&header, &i.capabilities[0]); err != nil {
		return fmt.Errorf("keep capabilities: %w", err)
	}
	if i.dumpable != 1 { // 2 cannot be set
		return nil
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
}
