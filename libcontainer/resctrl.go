package libcontainer

import (
	"errors"

	"github.com/gspawn/gspawn-oci/libcontainer/fault"
	"github.com/gspawn/gspawn-oci/libcontainer/intelrdt"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// resctrlRoot finds the resctrl file system; tests have another.
var resctrlRoot = intelrdt.Root

// checkRdt finds out before anything is made whether there is a group to join.
func (c *container) checkRdt() error {
	if c.spec.Linux.IntelRdt == nil {
		return nil
	}
	_, err := c.rdtGroup()
	return err
}

func (c *container) rdtGroup() (*intelrdt.Group, error) {
	root, err := resctrlRoot()
	if err != nil {
		return nil, err
	}
	return intelrdt.New(root, c.opts.ID, *c.spec.Linux.IntelRdt)
}

// joinRdt puts the init into its resctrl group. What is to be made is recorded
// first: the kernel has some ten groups, and one that nobody finds is lost.
func (c *container) joinRdt() error {
	g, err := c.rdtGroup()
	if err != nil {
		return err
	}
	c.desc.Resctrl = state.Resctrl{Root: g.Root, Dir: g.Dir, Own: g.Own, Monitor: g.Monitor}
	if err := c.dir.WriteContainer(&c.desc); err != nil {
		return err
	}
	fault.At()
	if err := g.Create(); err != nil {
		return err
	}
	fault.At()
	return g.AddProcess(c.launch.pid)
}

// resctrlOf is the resctrl group of a container, nil when it has none.
func resctrlOf(c *state.Container) *intelrdt.Group {
	r := &c.Resctrl
	if r.Dir == "" {
		return nil
	}
	return &intelrdt.Group{Root: r.Root, Dir: r.Dir, Own: r.Own, Monitor: r.Monitor}
}

// UpdateIntelRdt writes new schemata (the text of resctrl, as "L3:0=f;1=f0" and "MB:0=20;1=70") into the container's
// resctrl group; an empty one stays as it is. A container that was made without linux.intelRdt has no group.
func (r *Runtime) UpdateIntelRdt(id, l3CacheSchema, memBwSchema string) error {
	v, err := r.lookLive(id)
	if err != nil {
		return err
	}
	defer v.close()
	group := resctrlOf(v.Container)
	if group == nil {
		return errors.New("update intelRdt: the container was created without linux.intelRdt and has no resctrl group of its own")
	}
	return group.Update(l3CacheSchema, memBwSchema)
}
