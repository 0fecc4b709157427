package libcontainer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// openSources opens what the plan wants the runtime to open: namespaces to be
// joined, and mounts that the init may not reach.
func (c *container) openSources() error {
	for i, s := range c.plan.Steps {
		var fd int
		var err error
		ours := true
		if join, ok := s.(plan.JoinNamespace); ok {
			fd, err = unix.Open(join.Path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		} else {
			fd, ours, err = c.openMount(s)
		}
		if err != nil {
			return stepError(c.plan, i, err)
		}
		if ours {
			c.launch.in.Fds[i] = c.launch.give(fd)
		}
	}
	return nil
}

// openMount opens the source of a step that mounts something; ours is false
// where there is none, or the init opens it.
func (c *container) openMount(s plan.Step) (fd int, ours bool, err error) {
	switch s := s.(type) {
	case plan.AttachRoot:
		if s.ByRuntime {
			fd, err = c.openRoot(&s)
			return fd, true, err
		}
	case plan.Mount:
		if s.ByRuntime {
			fd, err = c.openBind(&s)
			return fd, true, err
		}
	case plan.Cgroup1Mount:
		if s.ByRuntime {
			fd, err = c.openTree(s.Source, false)
			return fd, true, err
		}
	}
	return -1, false, nil
}

// openTree clones a tree of mounts. The clone gets no mounts of the host's
// later, unless the configuration shares them with it.
func (c *container) openTree(path string, recursive bool) (int, error) {
	flags := uint(unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC)
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, flags)
	if err != nil {
		return -1, err
	}
	if p, ok := plan.ParsePropagation(c.spec.Linux.RootfsPropagation); ok && p.Flag == plan.PropShared {
		return fd, nil
	}
	attr := &unix.MountAttr{Propagation: unix.MS_SLAVE}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, attr); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (c *container) openBind(m *plan.Mount) (int, error) {
	fd, err := c.openTree(m.Source, m.Bind == plan.BindBelow)
	if err != nil || m.IDMap == nil {
		return fd, err
	}
	if err := c.mapMount(fd, m.IDMap); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// mapMount maps the owners of a mount's files.
func (c *container) mapMount(mount int, m *plan.IDMap) error {
	ns, err := c.mapping(m)
	if err != nil {
		return err
	}
	defer unix.Close(ns)
	flags := uint(unix.AT_EMPTY_PATH)
	if m.Recursive {
		flags |= unix.AT_RECURSIVE
	}
	err = unix.MountSetattr(mount, "", flags, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(ns)})
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("%w: the file system of the source does not support idmapped mounts", err)
	}
	return err
}

// mapping is a user namespace by whose mappings a mount's owners are mapped: the
// one that the container joins, or one that exists for that alone.
func (c *container) mapping(m *plan.IDMap) (fd int, err error) {
	mappings := plan.MapIDs{UID: m.UID, GID: m.GID}
	if m.UID == nil && m.GID == nil {
		if joined := c.joinedUser(); joined >= 0 {
			return unix.FcntlInt(uintptr(joined), unix.F_DUPFD_CLOEXEC, 3)
		}
		mappings = *c.mappings()
	}
	if len(mappings.UID) == 0 || len(mappings.GID) == 0 {
		return -1, fmt.Errorf("an idmapped mount needs uidMappings and gidMappings, its own or the container's")
	}
	if fd, err = userNamespace(&mappings); err != nil {
		return -1, fmt.Errorf("make a user namespace with the mappings: %w", err)
	}
	return fd, nil
}

// joinedUser is our descriptor of the user namespace that the container joins,
// -1 if it joins none. What is joined is opened before what is mounted.
func (c *container) joinedUser() int {
	for i, s := range c.plan.Steps {
		if join, ok := s.(plan.JoinNamespace); ok && join.Type == specs.UserNamespace {
			return int(c.launch.files[c.launch.in.Fds[i]])
		}
	}
	return -1
}
