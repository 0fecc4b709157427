package copyup

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Copy copies what is in the directory from into the empty directory to. Both
// may be O_PATH descriptors and stay the caller's.
//
// Kept are the owner, mode and times, extended attributes other than labels of
// security modules, symbolic links, hard links within the directory, holes,
// FIFOs, and devices where the caller may make them. Sockets are left out; a
// mount below from becomes an empty file or directory. The directory to itself
// stays as it is, as with runc.
//
// A caller who is not root cannot give files away: they become its own, without
// set-ID bits and file capabilities.
//
// The error names the file by its path below from and wraps the system call's.
func Copy(from, to int) error {
	return copyTree(from, to, os.Geteuid(), os.Getegid(), false)
}

// CopyAs is Copy into a file system of a user namespace in which root has the
// host's IDs uid and gid: the kernel lets nobody make files there that has no ID
// in the namespace, not even the host's root (EOVERFLOW). The caller needs
// CAP_SETUID, CAP_SETGID and what Copy needs.
//
// A file of a user without an ID there keeps its owner, who is nobody to the
// namespace: it is as far out of the reach of the namespace's root as it was in
// from. Where the kernel refuses that too (before 5.17), it becomes that root's
// when everybody may read it, and is an error (EACCES) when not.
func CopyAs(from, to, uid, gid int) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := become(uid, gid)
		if err == nil {
			err = copyTree(from, to, uid, gid, true)
		}
		// A thread that is not again what it was is never unlocked, and so
		// ends with the goroutine.
		if become(os.Geteuid(), os.Getegid()) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// become changes the IDs by which this thread makes files, and nothing else: the
// kernel also takes the capabilities for files away, out of the effective set
// only, and makes the process one that cannot be dumped, which would hide its
// /proc from itself in a user namespace.
func become(uid, gid int) error {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return fmt.Errorf("read whether the process is dumpable: %w", err)
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var capabilities [2]unix.CapUserData
	if err := unix.Capget(&header, &capabilities[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	// Neither call reports an error; both return what was set before.
	_, _ = unix.SetfsgidRetGid(gid)
	_, _ = unix.SetfsuidRetUid(uid)
	nowGID, _ := unix.SetfsgidRetGid(-1)
	nowUID, _ := unix.SetfsuidRetUid(-1)
	if nowGID != gid || nowUID != uid {
		return fmt.Errorf("make files as user %d, group %d: %w", uid, gid, unix.EPERM)
	}
	if err := unix.Capset(&header, &capabilities[0]); err != nil {
		return fmt.Errorf("keep capabilities: %w", err)
	}
	if dumpable != 1 { // 2 cannot be set
		return nil
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
}

const (
	permissions = 0o7777
	setID       = unix.S_ISUID | unix.S_ISGID
)

// path is a name of what fd is open on, also when that is a symbolic link or fd
// an O_PATH descriptor.
func path(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
