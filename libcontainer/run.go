package libcontainer

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// Run makes a container, runs its program, waits for it and removes the
// container. The status is the program's exit code, or 128 plus the signal
// that ended it; 0 when it was detached.
func (r *Runtime) Run(o RunOptions) (status int, err error) {
	c := &container{rt: r, opts: &o.CreateOptions, listen: -1, detach: o.Detach}
	if err := c.prepare(); err != nil {
		return 0, err
	}
	defer c.close()
	if !o.NoSubreaper && !o.Detach {
		// Orphans of the container come to us and not to the host's init.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			return 0, fmt.Errorf("become a child subreaper: %w", err)
		}
	}
	if err := c.make(); err != nil {
		c.abandon()
		return 0, err
	}
	if err := c.launch.untilRunning(); err != nil {
		c.abandon()
		return 0, err
	}
	if err := poststart(c.spec, &c.desc, c.launch.pid); err != nil {
		c.abandon()
		return 0, err
	}
	if o.Detach {
		return 0, nil
	}
	c.dir.Unlock()
	status, err = c.console.attend(c.launch, !o.NoSubreaper)
	if o.Keep {
		return status, err
	}
	if e := c.remove(); err == nil {
		err = e
	}
	return status, err
}

// remove removes a container whose program has ended, unless somebody else,
// who was quicker, has.
func (c *container) remove() error {
	if err := c.dir.Lock(); err == state.ErrNotExist {
		return nil
	} else if err != nil {
		return err
	}
	if err := destroy(c.rt, c.dir, &c.desc, c.group, !c.desc.PrivatePID); err != nil {
		return err
	}
	c.rt.poststop(c.spec, &c.desc)
	return nil
}
