package copyup

import (
	"os"
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
// in the namespace, not even the host's root (EOVERFLOW). The caller's thread
// makes files as that user (fsuser.As).
//
// A file of a user without an ID there keeps its owner, who is nobody to the
// namespace: it is as far out of the reach of the namespace's root as it was in
// from. Where the kernel refuses that too (before 5.17), it becomes that root's
// when everybody may read it, and is an error (EACCES) when not.
func CopyAs(from, to, uid, gid int) error { return copyTree(from, to, uid, gid, true) }

const (
	permissions = 0o7777
	setID       = unix.S_ISUID | unix.S_ISGID
)

// path is a name of what fd is open on, also when that is a symbolic link or fd
// an O_PATH descriptor.
func path(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
