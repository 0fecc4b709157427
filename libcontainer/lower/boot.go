package lower

import (
	"encoding/binary"
	"fmt"
	"path"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// bootStep lowers a step of boot mode that config.json has no words for.
func (l *lowerer) bootStep(s plan.Step) bool {
	adaptation, ok := s.(plan.Adaptation)
	if !ok {
		return false
	}
	switch s := adaptation.Change.(type) {
	case nspawn.Dir:
		l.bootDir(&s)
	case nspawn.File:
		l.bootFile(&s)
	case nspawn.Node:
		l.bootNode(&s)
	case nspawn.Seal:
		l.seal(&s)
	case nspawn.Bind:
		l.bootBind(&s)
	case nspawn.KeepWritable:
		l.keepWritable(s.Path)
	case nspawn.ShareMounts:
		l.mountSetattr(l.root, unix.AT_RECURSIVE, 0, 0, plan.PropShared)
	case nspawn.NotifySocket:
		l.notifySocket(&s)
	case nspawn.Note:
		// It is for the reader.
	default:
		l.err = fmt.Errorf("boot mode has no system call for %s", s.Kind())
	}
	return true
}

// place is the directory of a path, and its name in it.
func (l *lowerer) place(p string) (tape.Cell, tape.Arg) {
	return l.directory(path.Dir(p)), l.str(path.Base(p))
}

// bootDir makes a directory; one that is there is given the mode.
func (l *lowerer) bootDir(s *nspawn.Dir) {
	dir, name := l.place(s.Path)
	l.call(unix.SYS_MKDIRAT, dir.Value(), name, num(int(s.Mode))).Ignore(unix.EEXIST)
	l.call(unix.SYS_FCHMODAT, dir.Value(), name, num(int(s.Mode)))
}

// bootFile writes a new file: nothing that stands there is written to.
func (l *lowerer) bootFile(s *nspawn.File) {
	dir, name := l.place(s.Path)
	file := l.cell()
	flags := unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	l.call(unix.SYS_OPENAT, dir.Value(), name, num(flags), num(int(s.Mode))).Into(file)
	if len(s.Content) > 0 {
		l.call(unix.SYS_WRITE, file.Value(), l.b.Bytes(s.Content), num(len(s.Content)))
	}
	l.close(file)
}

func (l *lowerer) bootNode(s *nspawn.Node) {
	dir, name := l.place(s.Path)
	kind := fileType(s.Type)
	if s.Type == 's' {
		kind = unix.S_IFSOCK
	}
	done := l.b.NewLabel()
	node := l.call(unix.SYS_MKNODAT, dir.Value(), name, num(int(kind|s.Mode)), num(0))
	if s.Optional {
		node.OnAny(done)
	}
	if s.Hold {
		fifo := l.cell()
		l.call(unix.SYS_OPENAT, dir.Value(), name, num(unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC)).Into(fifo)
		l.send(Hold, 0, fifo)
		l.close(fifo)
	}
	l.b.Bind(done)
}

// seal closes a mount that is filled now.
func (l *lowerer) seal(s *nspawn.Seal) {
	mnt := l.cell()
	l.openIn(l.root, s.Path, unix.O_PATH|unix.O_DIRECTORY, inRoot).Into(mnt)
	if s.Super {
		fs := l.cell()
		l.call(unix.SYS_FSPICK, mnt.Value(), l.str(""), num(unix.FSPICK_EMPTY_PATH|unix.FSPICK_CLOEXEC)).Into(fs)
		l.call(unix.SYS_FSCONFIG, fs.Value(), num(unix.FSCONFIG_SET_FLAG), l.str("ro"), num(0), num(0))
		l.call(unix.SYS_FSCONFIG, fs.Value(), num(unix.FSCONFIG_CMD_RECONFIGURE), num(0), num(0), num(0))
		l.close(fs)
	}
	l.mountSetattr(mnt, 0, sealed, 0, 0)
	l.close(mnt)
}

const sealed = plan.AttrRDOnly | plan.AttrNoSuid | plan.AttrNoDev | plan.AttrNoExec

func (l *lowerer) bootBind(s *nspawn.Bind) {
	source, mnt, target := l.cell(), l.cell(), l.cell()
	done := l.b.NewLabel()
	open := l.openIn(l.root, s.Target, unix.O_PATH, inRoot).Into(target)
	if s.Optional {
		open.On(unix.ENOENT, done)
	}
	l.openIn(l.root, s.Source, unix.O_PATH, inRoot).Into(source)
	l.cloneOf(source, true, mnt)
	attributes := uint64(0)
	if s.Readonly {
		attributes = sealed
	}
	// The source may lie on a mount that is sealed already.
	l.mountSetattr(mnt, 0, attributes, plan.AttrRDOnly&^attributes, 0)
	l.moveMount(mnt, target)
	l.b.Bind(done)
}

// keepWritable makes a path a mount of its own: when what is above becomes
// read-only, mounts below do not.
func (l *lowerer) keepWritable(p string) {
	target, mnt := l.cell(), l.cell()
	done := l.b.NewLabel()
	l.openIn(l.root, p, unix.O_PATH, inRoot).Into(target).On(unix.ENOENT, done)
	l.cloneOf(target, true, mnt)
	l.moveMount(mnt, target)
	l.b.Bind(done)
}

// notifySocket binds the socket on which PID 1 says that it is ready, and
// hands it to the runtime. The address is a name in the working directory,
// since an address has no room for any path.
func (l *lowerer) notifySocket(s *nspawn.NotifySocket) {
	dir, name := l.place(s.Path)
	socket := l.cell()
	on := l.b.Bytes([]byte{1, 0, 0, 0})
	address := append(binary.LittleEndian.AppendUint16(nil, unix.AF_UNIX), path.Base(s.Path)+"\x00"...)
	l.call(unix.SYS_SOCKET, num(unix.AF_UNIX), num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), num(0)).Into(socket)
	l.call(unix.SYS_SETSOCKOPT, socket.Value(), num(unix.SOL_SOCKET), num(unix.SO_PASSCRED), on, num(4))
	l.call(unix.SYS_FCHDIR, dir.Value())
	l.call(unix.SYS_BIND, socket.Value(), l.b.Bytes(address), num(len(address)))
	l.call(unix.SYS_FCHMODAT, dir.Value(), name, num(int(s.Mode)))
	l.send(Notify, 0, socket)
	l.close(socket)
}
