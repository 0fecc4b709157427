package libcontainer

import (
	"fmt"
	"os"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/copyup"
	"github.com/gspawn/gspawn-oci/libcontainer/fsuser"
	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/mountpoint"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// answer serves the requests of a container's init.
func (c *container) answer(m lower.Message, fds []int) error {
	switch m.Request {
	case lower.MapIDs:
		return writeMappings(c.launch.pid, c.mappings())
	case lower.Network:
		return c.network(int(m.Value))
	case lower.CreateHooks:
		return c.createHooks()
	case lower.StartHooks:
		return startHooks(c.spec, c.plan, &c.desc, c.launch.pid, childOpener(c.launch.pid))
	case lower.Console:
		return c.console.accept(fds)
	case lower.CopyUp:
		return c.copyUp(int(m.Value), fds)
	case lower.MakeTarget:
		return c.makeTarget(int(m.Value), fds)
	case lower.Hold, lower.Notify:
		return c.console.system.keep(m.Request, fds)
	case lower.Listener:
		return sendListener(&c.filter, processState(c.spec, &c.desc, specs.StateCreating, c.launch.pid), c.launch.pid, int(m.Value))
	}
	return lower.ErrMessage
}

// copyUp fills a new file system with what was where it is mounted.
func (c *container) copyUp(step int, fds []int) error {
	if len(fds) != 2 || step >= len(c.plan.Steps) {
		return lower.ErrMessage
	}
	uid, gid, err := c.rootOutside()
	if err == nil && uid == os.Geteuid() && gid == os.Getegid() {
		err = copyup.Copy(fds[0], fds[1])
	} else if err == nil {
		// A file system that belongs to the container's user namespace knows
		// none of the host's users but the mapped ones.
		err = fsuser.As(uid, gid, func() error { return copyup.CopyAs(fds[0], fds[1], uid, gid) })
	}
	if err != nil {
		return stepError(c.plan, step, fmt.Errorf("tmpcopyup: %w", err))
	}
	return nil
}

// makeTarget makes what a dangling symlink of the root file system leads to, as
// the init would have made it.
func (c *container) makeTarget(index int, fds []int) error {
	if len(fds) < 1 || len(fds) > 2 || index >= len(c.launch.init.Targets) {
		return lower.ErrMessage
	}
	target := &c.launch.init.Targets[index]
	directory := true
	if len(fds) == 2 {
		var st unix.Stat_t
		if err := unix.Fstat(fds[1], &st); err != nil {
			return err
		}
		directory = st.Mode&unix.S_IFMT == unix.S_IFDIR
	}
	var by mountpoint.Maker
	if c.plan.Namespaces.Has(plan.CloneUser) {
		by = c.makeAsRoot
	}
	umask := unix.Umask(0)
	err := mountpoint.Make(fds[0], target.Path, directory, by)
	unix.Umask(umask)
	if err != nil {
		return stepError(c.plan, target.Step, fmt.Errorf("a symlink on the way to %q leads nowhere yet: %w", target.Path, err))
	}
	return nil
}

// rootOutside gives the host's IDs of the user and group as which the init makes
// files: this process's own where there is no user namespace, or where that was
// made without privileges.
func (c *container) rootOutside() (uid, gid int, err error) {
	if !c.plan.Namespaces.Has(plan.CloneUser) || os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid(), nil
	}
	proc := "/proc/" + strconv.Itoa(c.launch.pid)
	uids, err := os.ReadFile(proc + "/uid_map")
	if err != nil {
		return 0, 0, err
	}
	gids, err := os.ReadFile(proc + "/gid_map")
	return rootOf(uids), rootOf(gids), err
}
