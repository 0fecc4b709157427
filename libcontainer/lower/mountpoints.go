package lower

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// Target is a path of the container on which something is mounted, or in which
// something is made. The init asks for it (MakeTarget) by its index in
// [Init.Targets].
type Target struct {
	Step int // of the plan
	Path string
}

// target is what the making of a mount point needs.
type target struct {
	path    string
	resolve uint64
	opened  tape.Cell
	// dangling is where it goes on when a symlink leads to what is not there,
	// if there may be symlinks. That takes more than the init can do.
	dangling tape.Label
}

const noLabel = -1

func (l *lowerer) newTarget(path string, resolve uint64) *target {
	t := &target{path, resolve, l.cell(), noLabel}
	if resolve&unix.RESOLVE_NO_SYMLINKS == 0 {
		t.dangling = l.b.NewLabel()
	}
	return t
}

// mountpoint opens a directory of the root file system, and makes it and what
// is missing above it. A symlink leads to where it would lead inside of the
// container.
func (l *lowerer) mountpoint(dest string, resolve uint64) tape.Cell {
	t := l.newTarget(dest, resolve)
	done, missing := l.b.NewLabel(), l.b.NewLabel()
	l.openTarget(t).On(unix.ENOENT, missing).IfPositive(done)
	l.b.Bind(missing)
	l.create(t, true, l.parents(t))
	l.makeDangling(t, done, l.root)
	l.b.Bind(done)
	return t.opened
}

// mountpointLike is mountpoint for what is mounted there: a directory for a
// directory, a file for anything else.
func (l *lowerer) mountpointLike(dest string, mnt tape.Cell, resolve uint64) tape.Cell {
	t := l.newTarget(dest, resolve)
	done, missing, file, directory := l.b.NewLabel(), l.b.NewLabel(), l.b.NewLabel(), l.b.NewLabel()
	l.openTarget(t).On(unix.ENOENT, missing).IfPositive(done)
	l.b.Bind(missing)
	parent := l.parents(t)
	probe := l.cell()
	l.call(unix.SYS_OPENAT, mnt.Value(), l.str("."), num(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC)).
		Into(probe).On(unix.ENOTDIR, file).On(unix.EACCES, directory) // one that it may not enter
	l.close(probe)
	l.b.Bind(directory)
	l.create(t, true, parent)
	l.b.Goto(done)
	l.b.Bind(file)
	l.create(t, false, parent)
	l.makeDangling(t, done, l.root, mnt)
	l.b.Bind(done)
	return t.opened
}

func (l *lowerer) openTarget(t *target) tape.Record {
	return l.openIn(l.root, t.path, unix.O_PATH, inRoot|t.resolve).Into(t.opened)
}

// makeDangling is where a dangling symlink leads to: the runtime makes the target,
// like the mount if one comes with the root. Others go on when it is done.
func (l *lowerer) makeDangling(t *target, done tape.Label, root ...tape.Cell) {
	if t.dangling == noLabel {
		return
	}
	l.b.Goto(done)
	l.b.Bind(t.dangling)
	l.targets = append(l.targets, Target{l.step, t.path})
	l.shownToBlind(func() { l.send(MakeTarget, uint32(len(l.targets)-1), root...) })
	l.openTarget(t)
}

// parents makes the directories above the target that are missing and returns
// the last of them.
func (l *lowerer) parents(t *target) tape.Cell {
	parent := l.root
	rel := relative(t.path)
	for i := 0; i < len(rel); i++ {
		if rel[i] != '/' {
			continue
		}
		dir := &target{rel[:i], t.resolve, l.cell(), t.dangling}
		next, missing := l.b.NewLabel(), l.b.NewLabel()
		l.openIn(l.root, dir.path, unix.O_PATH|unix.O_DIRECTORY, inRoot|t.resolve).Into(dir.opened).
			On(unix.ENOENT, missing).IfPositive(next)
		l.b.Bind(missing)
		l.create(dir, true, parent)
		l.b.Bind(next)
		parent = dir.opened
	}
	return parent
}

// create makes one directory or empty file in parent and opens it. If it is not
// there even then, its name is that of a dangling symlink.
func (l *lowerer) create(t *target, dir bool, parent tape.Cell) {
	rel := relative(t.path)
	base := l.str(rel[strings.LastIndexByte(rel, '/')+1:])
	if dir {
		l.call(unix.SYS_MKDIRAT, parent.Value(), base, num(0o755)).Ignore(unix.EEXIST)
	} else {
		l.call(unix.SYS_MKNODAT, parent.Value(), base, num(unix.S_IFREG|0o644), num(0)).Ignore(unix.EEXIST)
	}
	opened := l.openTarget(t)
	if t.dangling != noLabel {
		opened.On(unix.ENOENT, t.dangling)
	}
}
