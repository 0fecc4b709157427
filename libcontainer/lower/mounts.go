package lower

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

func (l *lowerer) mountStep(s plan.Step) bool {
	switch s := s.(type) {
	case plan.Mount:
		l.mount(&s)
	case plan.Cgroup2Mount:
		l.cgroup2(&s)
	case plan.CgroupTree:
		l.tree = l.mount(&s.Mount)
	case plan.MountReadonly:
		l.setAttributes(l.filled[s.Mount], 0, plan.Attributes{Set: plan.AttrRDOnly})
	case plan.Cgroup1Mount:
		l.hierarchy(&s.Mount)
	case plan.CgroupLink:
		l.call(unix.SYS_SYMLINKAT, l.str(s.Target), l.tree.Value(), l.str(path.Base(s.Path))).Ignore(unix.EEXIST)
	default:
		return false
	}
	return true
}

// mount returns what it has mounted, unless that was there before.
func (l *lowerer) mount(m *plan.Mount) tape.Cell {
	if m.Remount {
		l.remount(m)
		return 0
	}
	mnt := l.source(m)
	switch {
	case m.Destination == "/":
		l.attach(m, mnt, l.root)
		l.propagate(l.root, plan.Propagation{Flag: unix.MS_UNBINDABLE}) // covered from now on, see cloneSource
		l.b.Set(l.root, mnt.Value())
	case m.Bind == plan.NoBind:
		l.attach(m, mnt, l.mountpoint(m.Destination, fixed(m)))
	default:
		l.attach(m, mnt, l.mountpointLike(m.Destination, mnt, fixed(m)))
	}
	return mnt
}

// source is the detached mount that goes on a mount's destination.
func (l *lowerer) source(m *plan.Mount) tape.Cell {
	if m.Bind != plan.NoBind {
		return l.bindSource(m)
	}
	return l.newFileSystem(m)
}

// hierarchy mounts a cgroup v1 hierarchy in the tree for them, which is a new
// file system: nobody else has made anything there.
func (l *lowerer) hierarchy(m *plan.Mount) {
	mnt, target, name := l.source(m), l.cell(), l.str(path.Base(m.Destination))
	l.call(unix.SYS_MKDIRAT, l.tree.Value(), name, num(0o755))
	l.call(unix.SYS_OPENAT2, l.tree.Value(), name, l.how(unix.O_PATH, noSymlinks), num(24)).Into(target)
	l.attach(m, mnt, target)
}

// attach puts a detached mount on its destination.
func (l *lowerer) attach(m *plan.Mount, mnt, target tape.Cell) {
	if m.KeepMode {
		l.copyMode(target, mnt)
	}
	if m.CopyUp {
		l.send(CopyUp, uint32(l.step), target, mnt)
	}
	l.moveMount(mnt, target)
	if m.FilledFirst {
		if l.filled == nil {
			l.filled = make(map[int]tape.Cell)
		}
		l.filled[l.step] = mnt
	}
	for _, p := range m.Propagation {
		l.propagate(mnt, p)
	}
	if m.Destination == "/proc" && m.Type == "proc" {
		l.proc = mnt
	}
}

// copyMode gives a mount's root the permissions of a directory. The kernel
// takes from the number that statx(2) left what is permissions.
func (l *lowerer) copyMode(from, mnt tape.Cell) {
	const modeOffset = 28 // of stx_mode in struct statx
	if l.stat == (tape.Buffer{}) {
		l.stat = l.b.Buffer(make([]byte, 256))
	}
	l.call(unix.SYS_STATX, from.Value(), l.str(""), num(unix.AT_EMPTY_PATH), num(unix.STATX_MODE), l.stat.Addr())
	l.call(unix.SYS_FCHMODAT, mnt.Value(), l.str("."), l.stat.Cell(modeOffset).Value())
}

func fixed(m *plan.Mount) uint64 {
	if m.Fixed {
		return unix.RESOLVE_NO_SYMLINKS
	}
	return 0
}

// newFileSystem makes a detached mount of a new instance of a file system.
func (l *lowerer) newFileSystem(m *plan.Mount) tape.Cell {
	mnt := l.cell()
	l.fsmount(m, mnt, l.b.NewLabel(), false)
	return mnt
}

// fsmount makes the mount; when the kernel refuses to make the file system and
// refusable is set, it goes on at refused.
func (l *lowerer) fsmount(m *plan.Mount, mnt tape.Cell, refused tape.Label, refusable bool) {
	fs := l.cell()
	l.call(unix.SYS_FSOPEN, l.str(m.Type), num(unix.FSOPEN_CLOEXEC)).Into(fs)
	if m.Source != "" {
		l.fsString(fs, "source", m.Source)
	}
	l.fsOptions(fs, m.Super)
	if m.Own.Set&plan.AttrRDOnly != 0 {
		l.call(unix.SYS_FSCONFIG, fs.Value(), num(unix.FSCONFIG_SET_FLAG), l.str("ro"), num(0), num(0))
	}
	l.fsOptions(fs, m.Data)
	create := l.call(unix.SYS_FSCONFIG, fs.Value(), num(unix.FSCONFIG_CMD_CREATE), num(0), num(0), num(0))
	if refusable {
		create.On(unix.EPERM, refused).On(unix.EBUSY, refused)
	} else {
		l.b.Bind(refused)
	}
	l.call(unix.SYS_FSMOUNT, fs.Value(), num(unix.FSMOUNT_CLOEXEC), num(int(m.Own.Set))).Into(mnt)
	l.close(fs)
}

func (l *lowerer) fsOptions(fs tape.Cell, options []plan.Option) {
	for _, o := range options {
		if o.HasValue {
			l.fsString(fs, o.Key, o.Value)
			continue
		}
		flag := l.call(unix.SYS_FSCONFIG, fs.Value(), num(unix.FSCONFIG_SET_FLAG), l.str(o.Key), num(0), num(0))
		if o.Hint {
			flag.Ignore(unix.EINVAL)
		}
	}
}

func (l *lowerer) fsString(fs tape.Cell, key, value string) {
	l.call(unix.SYS_FSCONFIG, fs.Value(), num(unix.FSCONFIG_SET_STRING), l.str(key), l.str(value), num(0))
}

// bindSource is the clone of a bind mount's source, with its attributes.
func (l *lowerer) bindSource(m *plan.Mount) tape.Cell {
	var mnt tape.Cell
	if m.ByRuntime {
		mnt = l.b.Cell(uint64(l.in.Fds[l.step]))
	} else {
		mnt = l.cloneSource(l.sources[l.step], m.Bind == plan.BindBelow)
	}
	l.setAttributes(mnt, unix.AT_RECURSIVE, m.Below)
	l.setAttributes(mnt, 0, m.Own)
	return mnt
}

// cloneSource is the clone of what openSources opened, unless that is one. The
// container's tree lies on top of / meanwhile and is no part of a clone of what
// is there.
func (l *lowerer) cloneSource(source tape.Cell, recursive bool) tape.Cell {
	if l.shared {
		return source
	}
	mnt := l.cell()
	if recursive {
		l.propagate(l.root, plan.Propagation{Flag: unix.MS_UNBINDABLE})
	}
	l.cloneOf(source, recursive, mnt)
	if recursive {
		l.propagate(l.root, plan.Propagation{Flag: unix.MS_PRIVATE})
	}
	l.close(source)
	return mnt
}

// openSources opens what the steps after this one bind from the host, each on
// its own step's account. It comes before the container's tree covers /: after
// that a symlink on the host that climbs to / and down again, as those of
// /etc/resolv.conf and /etc/os-release do, would lead into the container's
// tree, and on from there to wherever the image says.
//
// Nothing is cloned yet, since /proc/self/mountinfo lists mounts in the order of
// their making, which is to be the configuration's. But where the host's mounts
// are shared with it, which they must not stay, only a clone that is made now is
// shared as well.
func (l *lowerer) openSources() {
	l.sources = make(map[int]tape.Cell)
	for i := l.step + 1; i < len(l.p.Steps); i++ {
		name, recursive := hostSource(l.p.Steps[i])
		if name == "" {
			continue
		}
		l.b.Step(i)
		l.sources[i] = l.cell()
		if l.shared {
			l.cloneTree(name, recursive, l.sources[i])
		} else {
			// Unlike open(2), open_tree(2) has an automount point mounted.
			l.call(unix.SYS_OPEN_TREE, num(unix.AT_FDCWD), l.str(name), num(unix.OPEN_TREE_CLOEXEC)).Into(l.sources[i])
		}
	}
	l.b.Step(l.step)
}

// hostSource is what a step binds from the host by itself, or nothing.
func hostSource(s plan.Step) (name string, recursive bool) {
	var m *plan.Mount
	switch s := s.(type) {
	case plan.Mount:
		m = &s
	case plan.CgroupTree:
		m = &s.Mount
	case plan.Cgroup1Mount:
		m = &s.Mount
	case plan.Device:
		if s.Bind && s.Type != 'p' {
			return s.Path, false
		}
	}
	if m == nil || m.Bind == plan.NoBind || m.Remount || m.ByRuntime {
		return "", false
	}
	return m.Source, m.Bind == plan.BindBelow
}

// cloneTree clones the mount of a path from there on, recursive with all below
// it.
func (l *lowerer) cloneTree(name string, recursive bool, mnt tape.Cell) {
	l.call(unix.SYS_OPEN_TREE, num(unix.AT_FDCWD), l.str(name), num(cloneFlags(recursive))).Into(mnt)
}

// cloneOf is cloneTree for a descriptor.
func (l *lowerer) cloneOf(source tape.Cell, recursive bool, mnt tape.Cell) {
	l.call(unix.SYS_OPEN_TREE, source.Value(), l.str(""), num(unix.AT_EMPTY_PATH|cloneFlags(recursive))).Into(mnt)
}

func cloneFlags(recursive bool) int {
	flags := unix.OPEN_TREE_CLONE | unix.OPEN_TREE_CLOEXEC
	if recursive {
		flags |= unix.AT_RECURSIVE
	}
	return flags
}

// setAttributes is mount_setattr(2) on the mount itself.
func (l *lowerer) setAttributes(mnt tape.Cell, flags int, a plan.Attributes) {
	if a.Set|a.Clear == 0 {
		return
	}
	clearing := a.Clear
	if a.Set&plan.AttrAtimeMask != 0 {
		clearing |= plan.AttrAtimeMask
	}
	l.mountSetattr(mnt, flags, a.Set, clearing, 0)
}

func (l *lowerer) propagate(mnt tape.Cell, p plan.Propagation) {
	flags := 0
	if p.Recursive {
		flags = unix.AT_RECURSIVE
	}
	l.mountSetattr(mnt, flags, 0, 0, p.Flag)
}

func (l *lowerer) mountSetattr(mnt tape.Cell, flags int, set, clearing, propagation uint64) {
	l.call(unix.SYS_MOUNT_SETATTR, mnt.Value(), l.str(""), num(unix.AT_EMPTY_PATH|flags),
		l.b.Bytes(words(set, clearing, propagation, 0)), num(32))
}

func (l *lowerer) moveMount(mnt, target tape.Cell) {
	l.call(unix.SYS_MOVE_MOUNT, mnt.Value(), l.str(""), target.Value(), l.str(""),
		num(unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH))
}

func (l *lowerer) close(c tape.Cell) { l.call(unix.SYS_CLOSE, c.Value()) }

// remount changes the attributes of what is mounted on the destination, and
// the parameters of its file system if there are any.
func (l *lowerer) remount(m *plan.Mount) {
	target := l.cell()
	l.openIn(l.root, m.Destination, unix.O_PATH, inRoot|fixed(m)).Into(target)
	if len(m.Super)+len(m.Data) > 0 {
		fs := l.cell()
		l.call(unix.SYS_FSPICK, target.Value(), l.str(""), num(unix.FSPICK_EMPTY_PATH|unix.FSPICK_CLOEXEC)).Into(fs)
		l.fsOptions(fs, m.Super)
		l.fsOptions(fs, m.Data)
		l.call(unix.SYS_FSCONFIG, fs.Value(), num(unix.FSCONFIG_CMD_RECONFIGURE), num(0), num(0), num(0))
		l.close(fs)
	}
	l.setAttributes(target, unix.AT_RECURSIVE, m.Below)
	l.setAttributes(target, 0, m.Own)
	for _, p := range m.Propagation {
		l.propagate(target, p)
	}
	l.close(target)
}

// cgroup2 mounts the unified hierarchy, or what stands in for it.
func (l *lowerer) cgroup2(m *plan.Cgroup2Mount) {
	mnt := l.cell()
	refused, done := l.b.NewLabel(), l.b.NewLabel()
	l.fsmount(&m.Mount, mnt, refused, true)
	l.b.Goto(done)
	l.b.Bind(refused)
	l.cloneTree(m.Fallback, true, mnt)
	l.setAttributes(mnt, 0, m.Own)
	l.b.Bind(done)
	l.attach(&m.Mount, mnt, l.mountpoint(m.Destination, fixed(&m.Mount)))
}
