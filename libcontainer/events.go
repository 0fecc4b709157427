package libcontainer

import (
	"context"
	"fmt"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
)

// Event is one line of the `events` command; its JSON is runc's.
type Event struct {
	Type string `json:"type"` // "stats" or "oom"
	ID   string `json:"id"`
	// Data is *cgroup.Stats for "stats", nil else.
	Data any `json:"data,omitempty"`
}

// Stats reads the counters of a container's cgroups once.
func (r *Runtime) Stats(id string) (*cgroup.Stats, error) {
	v, err := r.lookRunning(id)
	if err != nil {
		return nil, err
	}
	defer v.close()
	return v.stats()
}

func (v *view) stats() (*cgroup.Stats, error) {
	s, err := v.group.Stats()
	if err != nil {
		return nil, err
	}
	if rdt := resctrlOf(v.Container); rdt != nil {
		s.IntelRdt = rdt.Stats()
	}
	return s, nil
}

// Events calls emit with the container's counters at each interval, and with an "oom" event each time that the kernel
// reports to have run out of the container's memory. It returns nil when the container has stopped or ctx is done, and
// emit's error when it fails.
func (r *Runtime) Events(ctx context.Context, id string, every time.Duration, emit func(Event) error) error {
	v, err := r.lookRunning(id)
	if err != nil {
		return err
	}
	defer v.close()
	var ranOut <-chan struct{}
	if oom, err := v.group.OOMEvents(); err == nil {
		defer oom.Close()
		ranOut = oom.C
	} else {
		r.warn("no oom events: " + err.Error()) // there are still statistics of the other controllers
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		e := Event{ID: id}
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-ranOut:
			if !open {
				return nil // the cgroup is gone
			}
			e.Type = "oom"
		case <-tick.C:
			e.Type = "stats"
			stats, err := v.stats()
			if !v.init.Alive() {
				return nil
			}
			if err != nil {
				return err
			}
			e.Data = stats
		}
		if err := emit(e); err != nil {
			return fmt.Errorf("write event: %w", err)
		}
	}
}

// lookRunning opens a container that has not stopped, with runc's words for one that has.
func (r *Runtime) lookRunning(id string) (*view, error) {
	v, err := r.look(id)
	if err != nil {
		return nil, err
	}
	if v.status == specs.StateStopped {
		v.close()
		return nil, fmt.Errorf("container with id %s is not running", id)
	}
	return v, nil
}
