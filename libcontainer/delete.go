package libcontainer

import (
	"errors"
	"fmt"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// Delete removes a container that has stopped, or is created and was never
// started; with force also one that runs, and what a killed runtime left
// behind. With force a container that does not exist is no error.
func (r *Runtime) Delete(id string, force bool) error {
	dir, err := state.Open(r.Root, id)
	if err == nil {
		defer dir.Close()
		err = lockForDelete(dir, force)
	}
	if errors.Is(err, state.ErrNotExist) && force {
		return nil
	}
	if err != nil {
		return err
	}
	v := &view{dir: dir, locked: true}
	switch err := v.read(); {
	case err == nil:
		return v.delete(r, force)
	case errors.Is(err, state.ErrNotExist): // killed before it made anything else
		if e := dir.Remove(); force || e != nil {
			return e
		}
		return err
	case errors.Is(err, state.ErrDamaged) && force:
		return v.deleteDamaged(r)
	default:
		return err
	}
}

// lockForDelete locks the container's directory. With force whoever works on the
// container is not waited for: without its init that comes to nothing.
func lockForDelete(dir *state.Dir, force bool) error {
	if dir.TryLock() {
		return dir.CheckThere()
	}
	v := &view{dir: dir}
	if force && v.read() == nil && v.init.PID != 0 {
		if err := v.killInit(); err != nil {
			return err
		}
	}
	return dir.Lock()
}

func (v *view) delete(r *Runtime, force bool) error {
	if err := v.mayDelete(force); err != nil {
		return err
	}
	if v.init.PID == 0 && !v.emptied() {
		if !force {
			return fmt.Errorf("cannot delete container %s: it is not recorded which process is its init, and there are processes in its control group: use --force", v.ID)
		}
		// Without the file it was killed before it had a process, and the cgroup
		// that it was to have is another's.
		if !v.dir.HasProcess() {
			r.warn("container " + v.ID + ": its control group is in use by another, and is left where it is")
			return v.dir.Remove()
		}
	}
	group := v.group
	if v.ended() {
		if !v.emptied() {
			// Its processes ended with its init: these are another's, who
			// was given the same cgroup since.
			r.warn("container " + v.ID + ": its control group is in use by another, and is left where it is")
			group = nil
		}
	} else if err := v.killAll(); err != nil {
		return err
	}
	return v.removeWhole(r, group)
}

// ended tells whether the container has stopped with all of its processes: its
// init is gone, and was the first of a PID namespace.
func (v *view) ended() bool {
	return v.status == specs.StateStopped && v.PrivatePID && v.init.PID != 0
}

// removeWhole removes what a container without processes leaves, and runs its
// hooks for that.
func (v *view) removeWhole(r *Runtime, group *cgroup.Group) error {
	raw, configErr := v.dir.Config()
	if err := destroy(v.dir, v.Container, group, false); err != nil {
		return err
	}
	if configErr == nil {
		// It was good once; without it there are no hooks to run.
		if cfg, err := spec.Decode(raw); err == nil {
			r.poststop(cfg.Spec, v.Container)
		}
	}
	return nil
}

// deleteDamaged removes what is known of a container that cannot be described.
func (v *view) deleteDamaged(r *Runtime) (err error) {
	if v.init, err = v.dir.Process(); err != nil {
		return err
	}
	if v.init.Alive() {
		if err := v.killInit(); err != nil {
			return err
		}
	}
	r.warn("container " + v.dir.ID + ": " + state.ErrDamaged.Error() + ": its control group, if it has one, is left where it is")
	return v.dir.Remove()
}

func (v *view) mayDelete(force bool) error {
	if force || v.status == specs.StateStopped || v.status == specs.StateCreated {
		return nil
	}
	return fmt.Errorf("cannot delete container %s that is not stopped: %s", v.ID, v.status)
}

// emptied waits for the cgroup of a container without a recorded process to be
// empty: an init whose runtime was killed ends by itself.
func (v *view) emptied() bool {
	for range 50 {
		pids, err := v.group.Pids(true)
		if err != nil || len(pids) == 0 {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// killAll kills the init, and what else is in the cgroup, and waits until the
// init is gone.
func (v *view) killAll() error {
	if v.status != specs.StateStopped {
		if err := v.killInit(); err != nil {
			return err
		}
	}
	// Without a PID namespace of its own, and after a killed create, there are
	// others, and there may be some that joined the cgroup alone.
	if v.group.Exists() {
		if err := v.group.Kill(); err != nil {
			return err
		}
		if v.status == statusPaused {
			return v.group.Thaw()
		}
	}
	return nil
}

// killTimeout is how long a killed init may take to be gone.
const killTimeout = 10 * time.Second

func (v *view) killInit() error {
	fd, err := v.init.Open()
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("kill process %s: %w", v.init, err)
	}
	defer unix.Close(fd)
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && err != unix.ESRCH {
		return fmt.Errorf("kill process %s: %w", v.init, err)
	}
	if v.status == statusPaused {
		// v1's freezer keeps even the killed.
		if err := v.group.Thaw(); err != nil {
			return err
		}
	}
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for deadline := time.Now().Add(killTimeout); ; {
		left := time.Until(deadline)
		if n, err := unix.Poll(poll, int(max(left.Milliseconds(), 0))); n > 0 || err != nil && err != unix.EINTR {
			return nil
		}
		if left <= 0 {
			return fmt.Errorf("kill process %s: it is still there after %v (is it stuck in the kernel?)", v.init, killTimeout)
		}
	}
}

// destroy removes what a container leaves: its control group, where others may
// still live if it has no PID namespace of its own (nil if it is not the
// container's any more), its resctrl group, last its directory. A container that
// cannot be removed whole keeps its directory, so that delete can be tried again.
func destroy(dir *state.Dir, c *state.Container, g *cgroup.Group, others bool) error {
	var err error
	if others && g.Exists() {
		err = g.Kill()
	}
	if g != nil {
		err = errors.Join(err, g.Destroy())
	}
	err = errors.Join(err, unmountInPlace(c))
	if group := resctrlOf(c); group != nil {
		err = errors.Join(err, group.Destroy())
	}
	if err != nil {
		return fmt.Errorf("remove container %s: %w", c.ID, err)
	}
	return dir.Remove()
}

// unmountInPlace takes away what a container without a mount namespace mounted
// on its root file system. What was mounted there before stays.
func unmountInPlace(c *state.Container) error {
	if c.RootMount == 0 {
		return nil
	}
	for mountID(c.Rootfs) != c.RootMount {
		err := unix.Unmount(c.Rootfs, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
		if err == unix.EINVAL || err == unix.ENOENT {
			return nil // the caller has taken it away, with what it was mounted on
		}
		if err != nil {
			return fmt.Errorf("unmount the root file system %q: %w", c.Rootfs, err)
		}
	}
	return nil
}

// mountID is the ID of the mount that a path is on, statx(2); 0 if there is
// no telling.
func mountID(path string) uint64 {
	var st unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_MNT_ID, &st) != nil {
		return 0
	}
	return st.Mnt_id
}
