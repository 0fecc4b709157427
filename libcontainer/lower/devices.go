package lower

import (
	"encoding/binary"
	"path"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

func (l *lowerer) deviceStep(s plan.Step) bool {
	switch s := s.(type) {
	case plan.Loopback:
		l.loopback()
	case plan.Device:
		l.device(&s)
	case plan.Symlink:
		l.symlink(&s)
	case plan.Sysctl:
		l.sysctl(&s)
	case plan.Console:
		l.console(&s)
	default:
		return false
	}
	return true
}

// loopback is ioctl(SIOCSIFFLAGS). Any socket will do that is made in the
// network namespace.
func (l *lowerer) loopback() {
	request := make([]byte, 40) // struct ifreq
	copy(request, "lo")
	binary.NativeEndian.PutUint16(request[unix.IFNAMSIZ:], unix.IFF_UP)
	socket := l.cell()
	l.call(unix.SYS_SOCKET, num(unix.AF_UNIX), num(unix.SOCK_DGRAM|unix.SOCK_CLOEXEC), num(0)).Into(socket)
	l.call(unix.SYS_IOCTL, socket.Value(), num(unix.SIOCSIFFLAGS), l.b.Bytes(request))
	l.close(socket)
}

// directory is mountpoint for a directory that many steps need: nothing is
// mounted any more, so that one look at it is enough.
func (l *lowerer) directory(dir string) tape.Cell {
	if c, ok := l.dirs[dir]; ok {
		return c
	}
	if l.dirs == nil {
		l.dirs = make(map[string]tape.Cell)
	}
	c := l.mountpoint(dir, 0)
	l.dirs[dir] = c
	return c
}

func (l *lowerer) device(d *plan.Device) {
	dir, name := l.directory(path.Dir(d.Path)), l.str(path.Base(d.Path))
	bind, done := l.b.NewLabel(), l.b.NewLabel()
	if !d.Bind {
		node := l.call(unix.SYS_MKNODAT, dir.Value(), name, num(int(fileType(d.Type)|d.Mode)), num(deviceNumber(d.Major, d.Minor))).
			On(unix.EEXIST, done)
		if d.Type != 'p' {
			node.On(unix.EPERM, bind)
		}
		if d.UID|d.GID != 0 {
			l.call(unix.SYS_FCHOWNAT, dir.Value(), name, num(int(d.UID)), num(int(d.GID)), num(unix.AT_SYMLINK_NOFOLLOW))
		}
		l.b.Goto(done)
	}
	l.b.Bind(bind)
	if d.Type != 'p' {
		l.bindFile(l.hostDevice(d), dir, name)
	}
	l.b.Bind(done)
}

// hostDevice is a clone of the host's node. Where that is not known to be
// needed, it is opened only now, and no symlink is followed.
func (l *lowerer) hostDevice(d *plan.Device) tape.Cell {
	if source, opened := l.sources[l.step]; opened {
		return l.cloneSource(source, false)
	}
	node, mnt := l.cell(), l.cell()
	l.call(unix.SYS_OPENAT2, num(unix.AT_FDCWD), l.str(d.Path), l.how(unix.O_PATH, unix.RESOLVE_NO_SYMLINKS), num(24)).Into(node)
	l.cloneOf(node, false, mnt)
	l.close(node)
	return mnt
}

// bindFile mounts mnt on a file of dir, which is made if there is none; a
// symlink that stands there is refused.
func (l *lowerer) bindFile(mnt, dir tape.Cell, name tape.Arg) {
	target := l.cell()
	l.call(unix.SYS_MKNODAT, dir.Value(), name, num(unix.S_IFREG|0o666), num(0)).Ignore(unix.EEXIST)
	l.call(unix.SYS_OPENAT2, dir.Value(), name, l.how(unix.O_PATH, noSymlinks), num(24)).Into(target)
	l.moveMount(mnt, target)
	l.close(target)
}

func fileType(t byte) uint32 {
	switch t {
	case 'b':
		return unix.S_IFBLK
	case 'p':
		return unix.S_IFIFO
	}
	return unix.S_IFCHR
}

// deviceNumber is the 32-bit form that mknod(2) takes.
func deviceNumber(major, minor int64) int {
	return int(minor&0xff | major<<8 | (minor&^0xff)<<12)
}

func (l *lowerer) symlink(s *plan.Symlink) {
	done := l.b.NewLabel()
	if s.If != "" {
		l.call(unix.SYS_FACCESSAT, num(unix.AT_FDCWD), l.str(s.If), num(unix.F_OK)).OnAny(done)
	}
	dir, name := l.directory(path.Dir(s.Path)), l.str(path.Base(s.Path))
	if s.Replace {
		l.call(unix.SYS_UNLINKAT, dir.Value(), name, num(0)).IgnoreAny()
	}
	l.call(unix.SYS_SYMLINKAT, l.str(s.Target), dir.Value(), name).Ignore(unix.EEXIST)
	l.b.Bind(done)
}

// sysctl writes to the procfs that the container mounts, which nothing can
// have been mounted over yet, or else to the host's.
func (l *lowerer) sysctl(s *plan.Sysctl) {
	file := l.cell()
	if l.proc != 0 {
		l.openIn(l.proc, "sys/"+s.Path(), unix.O_WRONLY, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_XDEV).Into(file)
	} else {
		l.call(unix.SYS_OPENAT, num(unix.AT_FDCWD), l.str("/proc/sys/"+s.Path()), num(unix.O_WRONLY|unix.O_CLOEXEC)).Into(file)
	}
	l.call(unix.SYS_WRITE, file.Value(), l.str(s.Value), num(len(s.Value)))
	l.close(file)
}

// console makes a terminal of the container's devpts. The other end is opened
// by ioctl and not by name, as the name may have been tampered with.
func (l *lowerer) console(s *plan.Console) {
	master, slave := l.cell(), l.cell()
	if s.Bind {
		l.openIn(l.root, "dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY, noSymlinks).Into(master)
	} else {
		l.call(unix.SYS_OPENAT2, num(unix.AT_FDCWD), l.str("/dev/pts/ptmx"),
			l.how(unix.O_RDWR|unix.O_NOCTTY, unix.RESOLVE_NO_SYMLINKS), num(24)).Into(master)
	}
	unlocked := l.b.Cell(0)
	l.call(unix.SYS_IOCTL, master.Value(), num(unix.TIOCSPTLCK), unlocked.Addr())
	l.call(unix.SYS_IOCTL, master.Value(), num(unix.TIOCGPTPEER), num(unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)).Into(slave)
	if s.Width != 0 || s.Height != 0 {
		size := words(uint64(s.Height) | uint64(s.Width)<<16)
		l.call(unix.SYS_IOCTL, master.Value(), num(unix.TIOCSWINSZ), l.b.Bytes(size))
	}
	if s.Bind {
		mnt := l.cell()
		l.call(unix.SYS_OPEN_TREE, slave.Value(), l.str(""),
			num(unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)).Into(mnt)
		l.bindFile(mnt, l.directory("/dev"), l.str("console"))
		l.close(mnt)
	}
	l.send(Console, 0, master)
	l.close(master)
	l.call(unix.SYS_IOCTL, slave.Value(), num(unix.TIOCSCTTY), num(0))
	for fd := range 3 {
		l.call(unix.SYS_DUP3, slave.Value(), num(fd), num(0))
	}
	l.close(slave)
}
