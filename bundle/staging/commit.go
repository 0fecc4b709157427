package staging

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/layer"
)

// pending is an attribute of a directory in place whose commit is not complete: of several directories that belong together, one
// is renamed first. Its value is the name that the directory had before, under which lies what it replaced. Only root can set it, so
// that no archive unpacked by others has it.
const pending = "trusted.gspawn-import"

// Commit moves the directory into place, for good.
func (d *Dir) Commit(sync bool) error {
	if err := d.place(sync); err != nil {
		return err
	}
	return d.settle(sync)
}

// CommitBoth moves two directories into place, or none: first the one, which may be on another file system. A kill between the two
// renames is made undone by the next New for the same destination.
func CommitBoth(first, second *Dir, sync bool) error {
	// Where the file system knows no attributes, or we are not root, only a kill at that very moment needs it.
	marked := unix.Fsetxattr(first.FD, pending, []byte(first.tmp), 0) == nil
	if err := first.place(sync); err != nil {
		return err
	}
	if err := second.place(sync); err != nil {
		return errors.Join(err, first.undo())
	}
	if marked {
		if err := unix.Fremovexattr(first.FD, pending); err != nil {
			return errors.Join(fmt.Errorf("remove attribute of %q: %w", first.Path, err), second.undo(), first.undo())
		}
		if sync {
			_ = unix.Fsync(first.FD) // at worst a power cut shows a mark, and the second destination keeps New from looking at it
		}
	}
	return errors.Join(first.settle(sync), second.settle(sync))
}

// place syncs the directory's file system, unless told not to, and gives it its name. What it replaced is at the temporary one.
func (d *Dir) place(sync bool) error {
	if sync {
		if err := unix.Syncfs(d.FD); err != nil {
			return fmt.Errorf("sync %q: %w", d.Path, err)
		}
	}
	if d.old {
		d.replaced, _ = lock(d.parent, d.name) // so that nobody takes it for a leftover before it is settled
	}
	err := unix.Renameat2(d.parent, d.tmp, d.parent, d.name, d.how())
	if errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("destination %q: it was made by somebody else meanwhile", d.Path)
	}
	if err != nil {
		return fmt.Errorf("rename into %q: %w", d.Path, err)
	}
	return nil
}

func (d *Dir) how() uint {
	if d.old {
		return unix.RENAME_EXCHANGE
	}
	return unix.RENAME_NOREPLACE
}

// undo is the opposite of place; Close then removes the directory.
func (d *Dir) undo() error {
	if err := unix.Renameat2(d.parent, d.name, d.parent, d.tmp, d.how()); err != nil {
		return fmt.Errorf("take back %q: %w", d.Path, err)
	}
	return nil
}

// settle ends what place has begun.
func (d *Dir) settle(sync bool) error {
	if d.old {
		_ = layer.RemoveAt(d.parent, d.tmp, d.parent) // the new one is in place; the next import tries again
	}
	var err error
	if sync {
		err = unix.Fsync(d.parent)
	}
	d.tmp = ""
	d.Close()
	if err != nil {
		return fmt.Errorf("sync directory of %q: %w", d.Path, err)
	}
	return nil
}

// recoverAt takes back what a killed CommitBoth has put at the destination: what was there returns, and the rest is a leftover like
// any other.
func recoverAt(parent int, name string) {
	fd, err := unix.Openat(parent, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	value := make([]byte, unix.PathMax)
	n, err := unix.Fgetxattr(fd, pending, value)
	unix.Close(fd)
	if err != nil {
		return // nearly always: there is none
	}
	tmp := string(value[:n])
	if !strings.HasPrefix(tmp, "."+name+marker) || strings.Contains(tmp, "/") {
		return
	}
	if fd, err = lock(parent, name); err != nil {
		return // a living import's
	}
	defer unix.Close(fd)
	if unix.Renameat2(parent, name, parent, tmp, unix.RENAME_EXCHANGE) != nil {
		_ = unix.Renameat2(parent, name, parent, tmp, unix.RENAME_NOREPLACE) // if not, it is in the way, and New says so
	}
}
