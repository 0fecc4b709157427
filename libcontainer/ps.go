package libcontainer

import specs "github.com/opencontainers/runtime-spec/specs-go"

// Ps lists the process IDs of a container's processes as the caller's pid namespace sees them, nil when it has
// stopped, or has none yet. Of a container without a cgroup only the init is known.
func (r *Runtime) Ps(id string) ([]int, error) {
	v, err := r.look(id)
	if err != nil {
		return nil, err
	}
	defer v.close()
	pids, err := v.group.Pids(true)
	if err != nil || len(pids) > 0 {
		return pids, err
	}
	if v.status == specs.StateStopped || v.init.PID == 0 {
		return nil, nil
	}
	return []int{v.init.PID}, nil
}
