package libcontainer

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"

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
	return v.group.Update(resources, v.OCIVersion)
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
