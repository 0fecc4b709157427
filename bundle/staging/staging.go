// Package staging makes a directory appear complete or not at all: it is built beside its destination, synced and
// renamed into place. What a killed process leaves behind is recognised by a lock that nobody holds any more, and
// removed by the next one.
//
// It must never remove anything that does not carry its own name, and never replace what it was not told to. It may
// import the standard library, golang.org/x/sys/unix and bundle/layer (for safe removal).
package staging

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/layer"
)

// marker is in the name of every directory under construction: .NAME.gspawn-import-RANDOM.
const marker = ".gspawn-import-"

// Dir is a directory under construction.
type Dir struct {
	Path string // where it will be: absolute
	FD   int    // the directory under construction; owned

	parent int
	name   string
	tmp    string
	old    bool // the destination exists and is replaced

	replaced int // what was there, once it is not any more: locked; or -1
}

// Replaceable says whether what is at the destination may be replaced with force; it gets a descriptor of it.
type Replaceable func(fd int) error

// New begins a directory for a destination that must not exist, or that may be replaced when force is not nil. Leftovers of
// earlier runs beside it are removed.
func New(dest string, force Replaceable) (*Dir, error) {
	abs, err := filepath.Abs(dest)
	if err != nil {
		return nil, fmt.Errorf("destination %q: %w", dest, err)
	}
	name := filepath.Base(abs)
	if name == "/" || len(name) > 200 {
		return nil, fmt.Errorf("destination %q: not a name for a new directory", dest)
	}
	parent, err := unix.Open(filepath.Dir(abs), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("destination %q: open its parent directory: %w", dest, err)
	}
	d := &Dir{Path: abs, FD: -1, replaced: -1, parent: parent, name: name}
	recoverAt(parent, name)
	if err := d.checkDestination(force); err != nil {
		unix.Close(parent)
		return nil, err
	}
	d.clean()
	if err := d.begin(); err != nil {
		unix.Close(parent)
		return nil, fmt.Errorf("destination %q: %w", dest, err)
	}
	return d, nil
}

func (d *Dir) checkDestination(force Replaceable) error {
	fd, err := unix.Openat(d.parent, d.name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("destination %q: %w", d.Path, err)
	}
	defer unix.Close(fd)
	if force == nil {
		return fmt.Errorf("destination %q: it exists; use --force to replace it", d.Path)
	}
	if err := force(fd); err != nil {
		return fmt.Errorf("destination %q: %w", d.Path, err)
	}
	d.old = true
	return nil
}

// clean removes what killed runs have left beside the destination: directories with our marker whose lock is free.
func (d *Dir) clean() {
	fd, err := unix.Openat(d.parent, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	f := os.NewFile(uintptr(fd), d.Path)
	names, _ := f.Readdirnames(-1) // whatever could not be listed is left for another time
	f.Close()
	for _, n := range names {
		end := strings.LastIndex(n, marker)
		if end < 1 || n[0] != '.' {
			continue
		}
		recoverAt(d.parent, n[1:end])
		if fd, err := lock(d.parent, n); err == nil {
			_ = layer.RemoveAt(d.parent, n, d.parent) // an error here must not stop a new import
			unix.Close(fd)
		}
	}
}

// lock opens a directory and takes its lock; the lock goes with the descriptor.
func lock(parent int, name string) (int, error) {
	fd, err := unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// begin makes the temporary directory and locks it. Another run's clean may take it away between the two; then again.
func (d *Dir) begin() error {
	for range 20 {
		d.tmp = "." + d.name + marker + strings.ToLower(rand.Text()[:10])
		if err := unix.Mkdirat(d.parent, d.tmp, 0o700); err != nil {
			return fmt.Errorf("make temporary directory: %w", err)
		}
		fd, err := lock(d.parent, d.tmp)
		if err != nil {
			continue
		}
		var a, b unix.Stat_t
		if unix.Fstat(fd, &a) == nil && unix.Fstatat(d.parent, d.tmp, &b, unix.AT_SYMLINK_NOFOLLOW) == nil && a.Ino == b.Ino {
			d.FD = fd
			return d.plain()
		}
		unix.Close(fd)
	}
	return errors.New("make temporary directory: it disappears again and again")
}

// plain takes from the new directory what it may have inherited and would hand down: the group and a default ACL.
func (d *Dir) plain() error {
	for _, name := range []string{"system.posix_acl_default", "system.posix_acl_access"} {
		_ = unix.Fremovexattr(d.FD, name) // most have none
	}
	if err := unix.Fchmod(d.FD, 0o700); err != nil {
		return fmt.Errorf("set mode of temporary directory: %w", err)
	}
	return nil
}

// Close removes the directory unless it was committed. It may be called again.
func (d *Dir) Close() {
	if d.FD < 0 {
		return
	}
	if d.tmp != "" {
		_ = layer.RemoveAt(d.parent, d.tmp, d.parent) // what stays is removed by the next import
	}
	if d.replaced >= 0 {
		unix.Close(d.replaced)
	}
	unix.Close(d.FD)
	unix.Close(d.parent)
	d.FD = -1
}

// Mkdir makes a directory in it and opens it for reading.
func (d *Dir) Mkdir(name string, mode uint32) (int, error) {
	if err := unix.Mkdirat(d.FD, name, mode); err != nil {
		return -1, fmt.Errorf("make directory %q: %w", name, err)
	}
	return unix.Openat(d.FD, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}

// Create makes a file in it.
func (d *Dir) Create(name string, mode uint32) (*os.File, error) {
	fd, err := unix.Openat(d.FD, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, mode)
	if err != nil {
		return nil, fmt.Errorf("create %q: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// TempFile opens a file without a name on the same file system, for spooling.
func (d *Dir) TempFile() (*os.File, error) {
	fd, err := unix.Openat(d.FD, ".", unix.O_RDWR|unix.O_TMPFILE|unix.O_CLOEXEC, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		fd, err = unix.Openat(d.FD, "spool", unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o600)
		if err == nil {
			err = unix.Unlinkat(d.FD, "spool", 0)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open spool file: %w", err)
	}
	return os.NewFile(uintptr(fd), "spool"), nil
}
