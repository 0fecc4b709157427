package libcontainer

import specs "github.com/opencontainers/runtime-spec/specs-go"

// Pause freezes all processes of a container that is running or created. Pausing a paused one is an error, as
// in runc.
func (r *Runtime) Pause(id string) error {
	v, err := r.lookLocked(id)
	if err != nil {
		return err
	}
	defer v.close()
	if v.status != specs.StateRunning && v.status != specs.StateCreated {
		return errNotRunning
	}
	return v.group.Freeze()
}

// Resume lets a paused container go on.
func (r *Runtime) Resume(id string) error {
	v, err := r.lookLocked(id)
	if err != nil {
		return err
	}
	defer v.close()
	if v.status != statusPaused {
		return errNotPaused
	}
	return v.group.Thaw()
}
