package libcontainer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/lockfile"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/treelock"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// lockTree keeps others off the tree of a system for as long as this command lives; systemd-nspawn and machinectl look at
// the same locks. A container that is made for others to start leaves no process of ours that could go on holding one, and
// a descriptor may not be left in the container: of those the state directory tells, to commands that use the same one.
func (c *container) lockTree() (unlock func(), err error) {
	unlock = func() {}
	if c.boot == nil {
		return unlock, nil
	}
	lock, err := treelock.Take(treelock.Dir(), c.desc.Rootfs, c.spec.Root.Readonly)
	switch {
	case err == nil:
		unlock = func() { _ = lock.Close() }
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		// A user's, who cannot write to the host's /run.
	default:
		return nil, err
	}
	if err := c.checkTreeFree(); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// checkTreeFree is an error where a system of the same state directory has the tree, and one of the two writes to it. What
// cannot be read has no say.
func (c *container) checkTreeFree() error {
	ids, err := state.List(c.rt.Root)
	if err != nil || len(ids) == 0 {
		return nil //nolint:nilerr // whoever makes the container's directory reports it
	}
	tree, err := os.Stat(c.desc.Rootfs)
	if err != nil {
		return fmt.Errorf("look whether a system runs on the tree: %w", err)
	}
	for _, id := range ids {
		if id != c.opts.ID && c.rt.systemOn(id, tree, c.spec.Root.Readonly) {
			return fmt.Errorf("tree %q: %w: the system of container %q runs on it", c.desc.Rootfs, lockfile.ErrBusy, id)
		}
	}
	return nil
}

// systemOn says whether a container is a system that is alive on a tree, and not for reading as we are.
func (r *Runtime) systemOn(id string, tree os.FileInfo, readOnly bool) bool {
	dir, err := state.Open(r.Root, id)
	if err != nil {
		return false
	}
	defer dir.Close()
	desc, err := dir.Container()
	if err != nil || desc.StopSignal == 0 {
		return false
	}
	theirs, err := os.Stat(desc.Rootfs)
	if err != nil || !os.SameFile(tree, theirs) {
		return false
	}
	if init, err := dir.Process(); err != nil || init.PID == 0 || !init.Alive() {
		return false
	}
	if !readOnly {
		return true
	}
	raw, err := dir.Config()
	if err != nil {
		return false
	}
	cfg, err := spec.Decode(raw)
	return err == nil && cfg.Spec.Root != nil && !cfg.Spec.Root.Readonly
}
