package libcontainer

import (
	"errors"
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// Start lets the program of a created container run.
func (r *Runtime) Start(id string) error {
	v, err := r.lookLocked(id)
	if err != nil {
		return err
	}
	defer v.close()
	switch v.status {
	case specs.StateCreated:
	case specs.StateStopped:
		return errors.New("cannot start a container that has stopped")
	case specs.StateRunning:
		return errors.New("cannot start an already running container")
	default:
		return fmt.Errorf("cannot start a container in the %s state", v.status)
	}
	cfg, err := v.config()
	if err != nil {
		return err
	}
	if err := r.release(v, cfg); err != nil {
		return err
	}
	v.unlock() // hooks may want to do something to the container
	if err := poststart(cfg.Spec, v.Container, v.init.PID); err != nil {
		_ = v.end()
		return err
	}
	return nil
}

// release connects to the waiting init and hears it out until its program runs.
func (r *Runtime) release(v *view, cfg *spec.Config) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a socket: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: v.dir.SocketPath()}); err != nil {
		if err == unix.ECONNREFUSED {
			return errors.New("cannot start an already running container")
		}
		return fmt.Errorf("connect to the init process of the container: %w", err)
	}
	c := conversation{
		sync:   fd,
		answer: func(m lower.Message, _ []int) error { return r.answer(v, cfg, m) },
		step:   func(record int) (plan.Step, int) { return r.startStep(v, cfg, record) },
	}
	if err := c.untilRunning(); err != nil {
		_ = v.end()
		return err
	}
	return v.dir.Started()
}

// answer serves the requests of an init that was released. It is no child of ours:
// whenever its number is used, it may be another's already.
func (r *Runtime) answer(v *view, cfg *spec.Config, m lower.Message) error {
	switch m.Request {
	case lower.StartHooks:
		p, err := r.startPlan(v, cfg)
		if err != nil {
			return err
		}
		return startHooks(cfg.Spec, p, v.Container, v.init.PID, v.init.Open)
	case lower.Listener:
		filter, err := seccomp.Load(cfg.Seccomp, seccomp.Dir(r.Root))
		if err != nil {
			return err
		}
		container := processState(cfg.Spec, v.Container, specs.StateCreating, v.init.PID)
		return fetchListener(&filter, container, v.init.PID, v.init.Open, int(m.Value))
	}
	return lower.ErrMessage
}

// startStep finds the step of a record of a tape that another process made.
// The plan is compiled once more; from the wait for start on, its tape has the
// same records, so that counting from the end finds the step. A booted system's
// plan was another than its configuration alone gives.
func (r *Runtime) startStep(v *view, cfg *spec.Config, record int) (plan.Step, int) {
	if v.StopSignal != 0 {
		return nil, 0
	}
	filter, err := seccomp.Load(cfg.Seccomp, seccomp.Dir(r.Root))
	if err != nil {
		return nil, 0
	}
	p, err := r.startPlan(v, cfg)
	if err != nil {
		return nil, 0
	}
	again, err := lower.Lower(p, &lower.Input{Filter: filter.BPF, Notify: filter.Notify})
	if err != nil {
		return nil, 0
	}
	n := again.Step(again.Len() - (v.init.Records - record))
	if n < 0 || n >= len(p.Steps) {
		return nil, 0
	}
	return p.Steps[n], n
}

// startPlan is the plan of a container that was made by it. It lacks what boot mode
// adds.
func (r *Runtime) startPlan(v *view, cfg *spec.Config) (*plan.Plan, error) {
	return plan.Compile(cfg.Spec, r.facts(cfg.Spec, v.Bundle, v.group), plan.Options{
		ID: v.ID, Bundle: v.Bundle, NoNewKeyring: v.NoNewKeyring, Wait: true, Seccomp: len(cfg.Seccomp) > 0,
	})
}
