package lower

import (
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

func (l *lowerer) rootStep(s plan.Step) bool {
	switch s := s.(type) {
	case plan.HostPropagation:
		l.shared = s.Flag == plan.PropShared
		l.call(unix.SYS_MOUNT, num(0), l.str("/"), num(0), num(int(s.Flag|unix.MS_REC)), num(0))
	case plan.AttachRoot:
		l.attachRoot(&s)
	case plan.EnterRoot:
		l.changeRoot(l.in.Fds[l.step])
	case plan.PivotRoot:
		l.pivot(&s)
	case plan.Chroot:
		l.call(unix.SYS_FCHDIR, l.root.Value())
		l.call(unix.SYS_CHROOT, l.str("."))
	case plan.RootAttributes:
		if s.Readonly {
			l.mountSetattr(l.root, 0, plan.AttrRDOnly, 0, 0)
		} else {
			l.propagate(l.root, s.Propagation)
		}
	case plan.MaskPath:
		l.mask(s.Path)
	case plan.ReadonlyPath:
		l.readonly(s.Path)
	case plan.Directory:
		l.mountpoint(s.Path, 0)
	default:
		return false
	}
	return true
}

// attachRoot puts the container's tree on top of /, so that no directory on the
// way to the root file system has to be open to the init; or on its path, as
// runc does, if hooks are to find it there. Paths still begin at
// the old root below it, but one of the host that is not known to have no
// symlinks must not be opened any more.
func (l *lowerer) attachRoot(s *plan.AttachRoot) {
	if s.ByRuntime {
		l.b.Set(l.root, num(l.in.Fds[l.step]))
	} else {
		l.cloneTree(s.Path, true, l.root)
	}
	l.openSources()
	if s.InPlace {
		l.mountSetattr(l.root, unix.AT_RECURSIVE, 0, 0, unix.MS_PRIVATE)
		l.call(unix.SYS_MOVE_MOUNT, l.root.Value(), l.str(""), num(unix.AT_FDCWD), l.str(s.Path), num(unix.MOVE_MOUNT_F_EMPTY_PATH))
		return
	}
	// pivot_root(2) wants neither the new root nor its parent shared, and the
	// host must not see that its mounts are let go of.
	l.mountSetattr(l.root, 0, 0, 0, unix.MS_PRIVATE)
	if l.shared {
		l.call(unix.SYS_MOUNT, num(0), l.str("/"), num(0), num(unix.MS_SLAVE|unix.MS_REC), num(0))
	}
	attached := l.b.NewLabel()
	if s.OnPath {
		// Where the init may not walk there, or joined a mount namespace without
		// it, the hooks could not either.
		top := l.b.NewLabel()
		l.call(unix.SYS_MOVE_MOUNT, l.root.Value(), l.str(""), num(unix.AT_FDCWD), l.str(s.Path),
			num(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_SYMLINKS)).On(unix.EACCES, top).On(unix.ENOENT, top)
		l.b.Goto(attached)
		l.b.Bind(top)
	}
	l.moveToTop()
	l.b.Bind(attached)
	l.onPath = s.OnPath
}

// moveToTop moves the container's tree on top of /.
func (l *lowerer) moveToTop() tape.Record {
	return l.call(unix.SYS_MOVE_MOUNT, l.root.Value(), l.str(""), num(unix.AT_FDCWD), l.str("/"), num(unix.MOVE_MOUNT_F_EMPTY_PATH))
}

func (l *lowerer) pivot(s *plan.PivotRoot) {
	l.call(unix.SYS_FCHDIR, l.root.Value())
	dot := l.str(".")
	if s.Move {
		// The tree lies on top of / already, and cannot be moved on itself.
		if l.onPath {
			l.moveToTop().Ignore(unix.ELOOP)
		}
		l.call(unix.SYS_CHROOT, dot)
		return
	}
	l.call(unix.SYS_PIVOT_ROOT, dot, dot)
	l.call(unix.SYS_UMOUNT2, dot, num(unix.MNT_DETACH))
	l.call(unix.SYS_CHDIR, l.str("/"))
}

// mask hides a path, whatever it is; nothing is done for what is not there.
func (l *lowerer) mask(path string) {
	target, mnt := l.cell(), l.cell()
	file, done, attach := l.b.NewLabel(), l.b.NewLabel(), l.b.NewLabel()
	l.openIn(l.root, path, unix.O_PATH|unix.O_DIRECTORY, inRoot).Into(target).
		On(unix.ENOENT, done).On(unix.ENOTDIR, file)
	l.emptyDirectory(mnt)
	l.b.Goto(attach)
	l.b.Bind(file)
	// ENOTDIR also tells of a file in the middle of the path.
	l.openIn(l.root, path, unix.O_PATH, inRoot).Into(target).On(unix.ENOTDIR, done)
	l.cloneTree("/dev/null", false, mnt)
	l.b.Bind(attach)
	l.moveMount(mnt, target)
	l.b.Bind(done)
}

// emptyDirectory clones the mount of an empty read-only file system, which is
// made when the first is wanted: a clone costs less than a file system.
func (l *lowerer) emptyDirectory(mnt tape.Cell) {
	if l.empty == 0 {
		l.empty = l.cell()
	}
	first, done := l.b.NewLabel(), l.b.NewLabel()
	l.call(unix.SYS_OPEN_TREE, l.empty.Value(), l.str(""),
		num(unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)).Into(mnt).On(unix.EBADF, first)
	l.b.Goto(done)
	l.b.Bind(first)
	l.fsmount(&plan.Mount{
		Type: "tmpfs", Source: "tmpfs",
		Own:  plan.Attributes{Set: plan.AttrRDOnly | plan.AttrNoSuid | plan.AttrNoDev | plan.AttrNoExec},
		Data: []plan.Option{{Key: "nr_inodes", Value: "1", HasValue: true}, {Key: "mode", Value: "755", HasValue: true}},
	}, mnt, l.b.NewLabel(), false)
	l.b.Set(l.empty, mnt.Value())
	l.b.Bind(done)
}

func (l *lowerer) readonly(path string) {
	target, mnt := l.cell(), l.cell()
	done := l.b.NewLabel()
	l.openIn(l.root, path, unix.O_PATH, inRoot).Into(target).On(unix.ENOENT, done).On(unix.ENOTDIR, done)
	l.cloneOf(target, true, mnt)
	l.mountSetattr(mnt, 0, plan.AttrRDOnly, 0, 0)
	l.moveMount(mnt, target)
	l.b.Bind(done)
}
