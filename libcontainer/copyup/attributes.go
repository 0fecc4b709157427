package copyup

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

// own gives a copy the owner of the original; fd may be an O_PATH descriptor.
// kept is false when it cannot have that owner: then the copy is refused unless
// the original gives everybody the permissions needed to read it.
func (t *tree) own(fd int, st *unix.Stat_t, needed uint32) (kept bool, err error) {
	if st.Uid == t.uid && st.Gid == t.gid {
		// In a set-group-ID directory a new file has another group, so
		// the kernel is told even then; it allows that to the owner.
		if err := unix.Fchownat(fd, "", -1, int(st.Gid), unix.AT_EMPTY_PATH); err != nil {
			return false, err
		}
		return true, nil
	}
	switch err := unix.Fchownat(fd, "", int(st.Uid), int(st.Gid), unix.AT_EMPTY_PATH); err {
	case nil:
		return true, nil
	case unix.EPERM, unix.EOVERFLOW, unix.EINVAL:
		// Not root, or no such user in the user namespace.
	default:
		return false, err
	}
	if t.foreign && st.Mode&needed != needed {
		return false, unix.EACCES
	}
	return false, nil
}

// attributes gives a copy the extended attributes, mode and times of the
// original, in this order, since each can change what comes before it and all
// are changed by a new owner.
func attributes(fd, made int, st *unix.Stat_t, kept bool) error {
	complete, err := xattrs(fd, made, kept)
	if err != nil {
		return err
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFLNK {
		mode := st.Mode & permissions
		if !kept {
			mode &^= setID
		}
		if !complete {
			// The group's permissions were the mask of an access list.
			mode &^= 0o070
		}
		if err := unix.Chmod(path(made), mode); err != nil {
			return err
		}
	}
	times := [2]unix.Timespec{st.Atim, st.Mtim}
	return unix.UtimesNanoAt(made, "", times[:], unix.AT_EMPTY_PATH)
}

const (
	accessList     = "system.posix_acl_access"
	defaultList    = "system.posix_acl_default"
	fileCapability = "security.capability"
)

// wanted reports whether an extended attribute goes with a copy. The labels of
// security modules belong to the place, and are set by the mount.
func wanted(name string, kept bool) bool {
	switch name {
	case accessList, defaultList:
		return true
	case fileCapability:
		return kept
	}
	return strings.HasPrefix(name, "user.") || strings.HasPrefix(name, "trusted.")
}

// xattrs copies the extended attributes that the target's file system takes.
// complete is false when the access list is not among them.
func xattrs(fd, made int, kept bool) (complete bool, err error) {
	from := path(fd)
	var room [1024]byte
	names, err := attribute(room[:], func(b []byte) (int, error) { return unix.Listxattr(from, b) })
	if errors.Is(err, unix.EOPNOTSUPP) || len(names) == 0 && err == nil {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	complete = true
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		if !wanted(name, kept) {
			continue
		}
		value, err := attribute(make([]byte, 256), func(b []byte) (int, error) { return unix.Getxattr(from, name, b) })
		if err == nil {
			err = unix.Setxattr(path(made), name, value, 0)
		}
		if err != nil {
			if !refused(err) {
				return false, err
			}
			complete = complete && name != accessList
		}
	}
	return complete, nil
}

// refused tells the errors of an attribute that the target's file system does
// not take, or that is gone meanwhile.
func refused(err error) bool {
	errno, _ := errors.AsType[unix.Errno](err)
	switch errno {
	case unix.ENODATA, unix.EOPNOTSUPP, unix.EPERM, unix.EINVAL, unix.EOVERFLOW:
		return true
	}
	return false
}

// attribute reads what read gives, by a larger buffer if b is too small.
func attribute(b []byte, read func([]byte) (int, error)) ([]byte, error) {
	for {
		n, err := read(b)
		if err == nil {
			return b[:n], nil
		}
		if !errors.Is(err, unix.ERANGE) || len(b) >= 1<<16 {
			return nil, err
		}
		b = make([]byte, 1<<16)
	}
}
