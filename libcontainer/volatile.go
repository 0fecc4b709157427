package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// openRoot clones the root file system's tree of mounts for the init, mapped
// or replaced as the bundle asks.
func (c *container) openRoot(s *plan.AttachRoot) (int, error) {
	tree, err := c.openTree(s.Path, s.Volatile != plan.VolatileOverlay)
	if err != nil {
		return -1, err
	}
	if s.Mapped {
		if err := c.mapMount(tree, &plan.IDMap{}); err != nil {
			unix.Close(tree)
			return -1, fmt.Errorf("map the owners of %q: %w; a copy needs no mapping (import --copy)", s.Path, err)
		}
	}
	if s.Volatile == "" {
		return tree, nil
	}
	defer unix.Close(tree)
	return c.volatileRoot(s, tree)
}

// volatileRoot makes the root of systemd-nspawn's --volatile=yes or overlay
// from the tree. It is put together in a mount namespace of its own: an overlay
// takes layers that are mounted somewhere, and nothing of it is to be seen on
// the host.
func (c *container) volatileRoot(s *plan.AttachRoot, tree int) (int, error) {
	type result struct {
		fd  int
		err error
	}
	done := make(chan result)
	// The main thread never ends, so it must not be the one.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	go func() {
		// Never unlocked: the thread, which is in the other namespace, ends
		// with the goroutine.
		runtime.LockOSThread()
		fd, err := c.assemble(s, tree)
		done <- result{fd, err}
	}()
	r := <-done
	return r.fd, r.err
}

func (c *container) assemble(s *plan.AttachRoot, tree int) (int, error) {
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return -1, fmt.Errorf("make a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return -1, fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", s.Path, "tmpfs", unix.MS_STRICTATIME, "mode=0755,size=25%,nr_inodes=1m"); err != nil {
		return -1, fmt.Errorf("mount a tmpfs: %w", err)
	}
	// From here on all names are relative: those of options may have no
	// colons and commas, which the tree's may.
	if err := unix.Chdir(s.Path); err != nil {
		return -1, err
	}
	root := ownID(c.mappings())
	var err error
	if s.Volatile == plan.VolatileOverlay {
		err = overlayRoot(tree, root)
	} else {
		err = usrRoot(tree, root)
	}
	if err != nil {
		return -1, err
	}
	from := "."
	if s.Volatile == plan.VolatileOverlay {
		from = "root"
	}
	return c.openTree(from, true)
}

// ownID gives the host's ids of the container's root.
func ownID(m *plan.MapIDs) (id [2]int) {
	if m == nil {
		return id
	}
	for _, r := range m.UID {
		if r.ContainerID == 0 {
			id[0] = int(r.HostID)
		}
	}
	for _, r := range m.GID {
		if r.ContainerID == 0 {
			id[1] = int(r.HostID)
		}
	}
	return id
}

// overlayRoot makes "root", the tree under an overlay. The upper directory is
// the root of what is seen, so it is the tree's own in mode and owner.
func overlayRoot(tree int, root [2]int) error {
	for _, name := range []string{"lower", "upper", "work", "root"} {
		if err := unix.Mkdir(name, 0o755); err != nil {
			return fmt.Errorf("make a directory in a tmpfs: %w", err)
		}
	}
	if err := moveTo(tree, "lower"); err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Stat("lower", &st); err != nil {
		return err
	}
	if st.Uid == 0 && st.Gid == 0 {
		st.Uid, st.Gid = uint32(root[0]), uint32(root[1])
	}
	if err := errors.Join(unix.Chown("upper", int(st.Uid), int(st.Gid)), unix.Chmod("upper", st.Mode&0o7777)); err != nil {
		return fmt.Errorf("give the overlay's root the tree's owner: %w", err)
	}
	if err := unix.Mount("overlay", "root", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work"); err != nil {
		return fmt.Errorf("mount the overlay: %w", err)
	}
	return nil
}

// usrRoot fills the empty root with the tree's /usr and with what
// systemd-nspawn makes in a root that is empty.
func usrRoot(tree int, root [2]int) error {
	var st unix.Stat_t
	if err := unix.Fstatat(tree, "bin", &st, unix.AT_SYMLINK_NOFOLLOW); err == nil && st.Mode&unix.S_IFMT != unix.S_IFLNK {
		return errors.New("/bin of the tree is no symlink into /usr: a root that keeps /usr alone would have no programs; overlay would do")
	}
	// Part of a mount can be cloned only while that is mounted.
	if err := errors.Join(unix.Mkdir("tree", 0o700), moveTo(tree, "tree")); err != nil {
		return err
	}
	usr, err := unix.OpenTree(unix.AT_FDCWD, "tree/usr", unix.AT_RECURSIVE|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return fmt.Errorf("/usr of the tree: %w", err)
	}
	defer unix.Close(usr)
	if err := errors.Join(unix.Unmount("tree", unix.MNT_DETACH), unix.Rmdir("tree")); err != nil {
		return fmt.Errorf("let go of the rest of the tree: %w", err)
	}
	if err := unix.MountSetattr(usr, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return fmt.Errorf("make /usr read-only: %w", err)
	}
	for _, d := range []struct {
		name string
		mode uint32
	}{{"root", 0o750}, {"usr", 0o755}, {"var", 0o755}, {"etc", 0o755}, {"proc", 0o555}, {"sys", 0o555}, {"dev", 0o555}, {"run", 0o555}} {
		if err := errors.Join(unix.Mkdir(d.name, d.mode), unix.Chmod(d.name, d.mode), unix.Chown(d.name, root[0], root[1])); err != nil {
			return fmt.Errorf("make /%s: %w", d.name, err)
		}
	}
	if err := moveTo(usr, "usr"); err != nil {
		return err
	}
	for _, name := range []string{"bin", "lib", "sbin", "lib64"} {
		target := "usr/" + name
		if _, err := os.Lstat(target); err != nil {
			if name != "lib64" || !hasLoader("usr/lib") {
				continue
			}
			target = "usr/lib"
		}
		if err := errors.Join(os.Symlink(target, name), os.Lchown(name, root[0], root[1])); err != nil {
			return err
		}
	}
	return unix.Chown(".", root[0], root[1])
}

// hasLoader says whether a directory has x86-64's dynamic loader, which
// programs name by /lib64.
func hasLoader(dir string) bool {
	_, err := os.Lstat(dir + "/ld-linux-x86-64.so.2")
	return err == nil
}

func moveTo(mount int, name string) error {
	if err := unix.MoveMount(mount, "", unix.AT_FDCWD, name, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return fmt.Errorf("attach the tree to a tmpfs: %w", err)
	}
	return nil
}
