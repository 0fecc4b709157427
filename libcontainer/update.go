package libcontainer

import (
	"errors"
	"path/filepath"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/intelrdt"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// Update sets the limits that resources names, and leaves the others as they are; see cgroup.Group.Update for what a
// zero means. The configuration that the container was made of is not changed.
func (r *Runtime) Update(id string, resources *specs.LinuxResources) error {
	v, err := r.lookLive(id)
	if err != nil {
		return err
	}
	defer v.close()
	if err := spec.ValidateResources(resources); err != nil {
		return err
	}
	warnings, err := v.group.Update(resources)
	for _, w := range warnings {
		r.warn(w)
	}
	return err
}

// UpdateIntelRdt writes new schemata (the text of resctrl, as "L3:0=f;1=f0" and "MB:0=20;1=70") into the container's
// resctrl group; an empty one stays as it is. A container that was made without linux.intelRdt has no group.
func (r *Runtime) UpdateIntelRdt(id, l3CacheSchema, memBwSchema string) error {
	v, err := r.lookLive(id)
	if err != nil {
		return err
	}
	defer v.close()
	group, err := v.resctrl()
	if err != nil {
		return err
	}
	if group == nil {
		return errors.New("update intelRdt: the container was created without linux.intelRdt and has no resctrl group of its own")
	}
	return group.Update(l3CacheSchema, memBwSchema)
}

// resctrl is the container's resctrl group, nil when it has none.
func (v *view) resctrl() (*intelrdt.Group, error) {
	if v.RdtGroup == "" {
		return nil, nil
	}
	root, err := intelrdt.Root()
	if err != nil {
		return nil, err
	}
	dir := v.RdtGroup
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	return &intelrdt.Group{Root: root, Dir: dir}, nil
}

// lookLive opens and locks a container that has processes.
func (r *Runtime) lookLive(id string) (*view, error) {
	v, err := r.lookLocked(id)
	if err != nil {
		return nil, err
	}
	if v.status == specs.StateStopped || v.status == specs.StateCreating {
		v.close()
		return nil, errNotRunning
	}
	return v, nil
}
