package libcontainer

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/relay"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// Run makes a container, runs its program, waits for it and removes the
// container. The status is the program's exit code, or 128 plus the signal
// that ended it; 0 when it was detached.
//
// A booted system that reboots is made anew, unless KeepUnit says who does it.
func (r *Runtime) Run(o RunOptions) (status int, err error) {
	var in inbox
	for {
		status, again, err := r.run(&o, &in)
		if !again || in.stop() { // who wanted it stopped does not want it back
			return status, err
		}
	}
}

// run runs a container once; again is what a reboot asks for.
func (r *Runtime) run(o *RunOptions, in *inbox) (status int, again bool, err error) {
	c := &container{rt: r, opts: &o.CreateOptions, detach: o.Detach, run: o}
	if err := c.prepare(); err != nil {
		return 0, false, err
	}
	defer c.close()
	unlock, err := c.lockTree()
	if err != nil {
		return 0, false, err
	}
	defer unlock()
	if !o.Detach {
		if err := relay.Hold(); err != nil {
			return 0, false, err
		}
		if c.reapsOrphans() {
			// Orphans of the container come to us and not to the host's init.
			if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
				return 0, false, fmt.Errorf("become a child subreaper: %w", err)
			}
		}
	}
	if err := c.make(); err != nil {
		c.abandon()
		return 0, false, err
	}
	if err := c.launch.untilRunning(); err != nil {
		c.abandon()
		return 0, false, err
	}
	c.keepDevices()
	c.dir.Unlock() // hooks may want to do something to the container
	if err := poststart(c.spec, &c.desc, c.launch.pid); err != nil {
		c.launch.kill()
		// Unless a hook has deleted it.
		if c.dir.Lock() == nil {
			c.abandon()
		}
		return 0, false, err
	}
	if o.Detach {
		return 0, false, nil
	}
	c.greet()
	c.console.system.listen(c.launch.pid)
	ended, err := c.console.attend(c.launch, in)
	c.console.system.ended(o.KeepUnit && ended.Signaled() && ended.Signal() == rebooted)
	c.unregister()
	if err := errors.Join(err, c.afterwards()); err != nil {
		return exitCode(ended), false, err
	}
	return c.verdict(ended)
}

// reapsOrphans tells whether this process is the container's child subreaper.
func (c *container) reapsOrphans() bool {
	return c.run != nil && !c.detach && !c.run.NoSubreaper
}

// afterwards removes the container, or keeps it for the caller, unless somebody
// else, who was quicker, has removed it.
func (c *container) afterwards() error {
	if c.run.Keep && c.console.system == nil {
		return nil
	}
	if err := c.dir.Lock(); errors.Is(err, state.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if !c.run.Keep {
		return c.remove()
	}
	defer c.dir.Unlock()
	// It is nobody's leavings, that the next run may clear away.
	c.desc.Supervisor = state.Process{}
	return c.dir.WriteContainer(&c.desc)
}

// remove removes a container, locked, whose program has ended.
func (c *container) remove() error {
	if err := destroy(c.dir, &c.desc, c.group, !c.desc.PrivatePID); err != nil {
		return err
	}
	c.rt.poststop(c.spec, &c.desc)
	return nil
}
