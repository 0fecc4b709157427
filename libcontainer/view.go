package libcontainer

import (
	"errors"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// statusPaused is runc's addition to the states of the runtime specification.
const statusPaused specs.ContainerState = "paused"

// Errors whose texts callers look for; they are runc's.
var (
	errNotRunning = errors.New("container not running")
	errNotPaused  = errors.New("container not paused")
)

// view is an existing container, and what it was doing when it was looked at.
type view struct {
	*state.Container
	memory *state.Memory // that Container is in
	dir    *state.Dir
	init   state.Process
	group  *cgroup.Group // nil for a glance
	locked bool          // by us, so that no create can be at work on it
	status specs.ContainerState
}

// glance is look for who has nothing to do with the control group.
func (r *Runtime) glance(id string) (*view, error) {
	dir, err := state.Open(r.Root, id)
	if err != nil {
		return nil, err
	}
	v := &view{dir: dir}
	if err := v.describe(); err != nil {
		dir.Close()
		return nil, err
	}
	return v, nil
}

// look opens a container. The caller closes it. The status is of now, and may be another a moment later unless the
// container is locked; see lookLocked.
func (r *Runtime) look(id string) (*view, error) {
	v, err := r.glance(id)
	if err != nil {
		return nil, err
	}
	if v.group, err = cgroup.Load(v.Cgroup); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

// lookLocked opens a container that no other command changes until the caller closes it.
func (r *Runtime) lookLocked(id string) (*view, error) {
	dir, err := state.Open(r.Root, id)
	if err != nil {
		return nil, err
	}
	v := &view{dir: dir}
	if err := v.lock(); err != nil {
		dir.Close()
		return nil, err
	}
	return v, nil
}

// lock keeps other commands from changing the container, and looks at it.
func (v *view) lock() error {
	if err := v.dir.Lock(); err != nil {
		return err
	}
	v.locked = true
	return v.read()
}

// config is the configuration that the container was made with. Its Linux part is
// never nil.
func (v *view) config() (*spec.Config, error) {
	raw, err := v.dir.Config()
	if err != nil {
		return nil, err
	}
	cfg, err := spec.Decode(raw)
	if err != nil {
		return nil, err
	}
	if cfg.Spec.Linux == nil {
		cfg.Spec.Linux = &specs.Linux{}
	}
	return cfg, nil
}

func (v *view) unlock() {
	v.dir.Unlock()
	v.locked = false
}

func (v *view) close() { v.dir.Close() }

func (v *view) read() (err error) {
	if err = v.describe(); err != nil {
		return err
	}
	v.group, err = cgroup.Load(v.Cgroup)
	return err
}

// describe finds out what the container is, and is doing.
func (v *view) describe() (err error) {
	if v.memory == nil {
		v.memory = new(state.Memory)
	}
	if v.Container, err = v.dir.ContainerIn(v.memory); err != nil {
		return err
	}
	if v.init, err = v.dir.Process(); err != nil {
		return err
	}
	v.status, err = v.now()
	return err
}

// now derives the status: nothing of it is stored, so nothing can be out of date.
func (v *view) now() (specs.ContainerState, error) {
	if v.init.PID == 0 && !v.locked {
		creating, err := v.dir.Creating()
		if err != nil {
			return "", err
		}
		if creating {
			return specs.StateCreating, nil
		}
		if v.init, err = v.dir.Process(); err != nil { // a create may have ended since it was read
			return "", err
		}
	}
	if v.init.PID == 0 {
		return specs.StateStopped, nil
	}
	if !v.init.Alive() {
		return specs.StateStopped, nil
	}
	frozen, err := v.Cgroup.Frozen()
	switch {
	case err != nil:
		return "", err
	case frozen:
		return statusPaused, nil
	case !v.init.IsInit():
		return specs.StateRunning, nil
	case v.dir.Waiting():
		return specs.StateCreated, nil
	case !v.locked && v.dir.Busy():
		return specs.StateCreating, nil
	}
	return specs.StateRunning, nil // one that calls itself like the init
}

// openRoot opens what is / to the init just now.
func (v *view) openRoot() (int, error) {
	pidfd, err := v.init.Open()
	if err != nil {
		return -1, err
	}
	defer unix.Close(pidfd)
	return openRootOf(v.init.PID, pidfd)
}

// pid is the init's process ID, 0 when the container has stopped.
func (v *view) pid() int {
	if v.status == specs.StateStopped {
		return 0
	}
	return v.init.PID
}
