package cgroup

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Update changes the limits of a running container to those that r sets. What r leaves out
// stays, and so does a number that is 0: engines send zeros for what the user did not
// touch (pids.limit excepted since spec 1.3: it can say "leave alone" by its absence). Device rules
// are never changed, as in runc: others may have added to them.
//
// The kernel is asked for the half that is missing where two limits depend on each other
// (cpu quota and period, swap and memory), so that nothing has to be remembered from one
// update to the next.
//
// ociVersion is the container's, which decides what a pids.limit of 0 means.
func (g *Group) Update(r *specs.LinuxResources, ociVersion string) error {
	if err := g.needCgroup("update"); err != nil {
		return err
	}
	if r == nil {
		return nil
	}
	res, err := Resources(Input{Resources: withoutDevices(r), Mode: g.mode, Version: ociVersion})
	if err != nil {
		return err
	}
	res.Devices, res.SkipDevices = nil, true
	if err := g.complete(res); err != nil {
		return err
	}
	if err := g.set(res); err != nil {
		return fmt.Errorf("update linux.resources of cgroup %q: %w", g.loc, err)
	}
	return nil
}

func withoutDevices(r *specs.LinuxResources) *specs.LinuxResources {
	c := *r
	c.Devices = nil
	return &c
}

// complete fills in what the library needs to know of the present limits.
func (g *Group) complete(r *Limits) error {
	if r.MemorySwap > 0 && r.Memory == 0 && g.mode == Unified {
		// On v2 swap is a limit of its own: the difference.
		limit, err := g.readLimit("memory.max")
		if errors.Is(err, os.ErrNotExist) && g.Exists() {
			return absentController("memory.swap", "memory")
		}
		if err != nil {
			return fmt.Errorf("update linux.resources.memory.swap: %w", err)
		}
		r.Memory = limit
	}
	if (r.CpuQuota == 0) == (r.CpuPeriod == 0) {
		return nil
	}
	quota, period, err := g.cpuMax()
	if errors.Is(err, os.ErrNotExist) {
		return nil // Set tells it better
	}
	if err != nil {
		return fmt.Errorf("update linux.resources.cpu: %w", err)
	}
	if r.CpuQuota == 0 {
		r.CpuQuota = quota
	} else {
		r.CpuPeriod = period
	}
	return nil
}

// readLimit reads a v2 limit; "max" is -1.
func (g *Group) readLimit(file string) (int64, error) {
	text, err := cgroups.ReadFile(g.mgr.Path(""), file)
	if err != nil {
		return 0, err
	}
	return parseLimit(strings.TrimSpace(text))
}

func parseLimit(text string) (int64, error) {
	if text == "max" {
		return -1, nil
	}
	return strconv.ParseInt(text, 10, 64)
}

// cpuMax reads the present quota (-1 for none) and period, in microseconds.
func (g *Group) cpuMax() (quota int64, period uint64, err error) {
	var q, p string
	if g.mode == Unified {
		text, err := cgroups.ReadFile(g.mgr.Path(""), "cpu.max")
		if err != nil {
			return 0, 0, err
		}
		q, p, _ = strings.Cut(strings.TrimSpace(text), " ")
	} else {
		if q, err = cgroups.ReadFile(g.mgr.Path("cpu"), "cpu.cfs_quota_us"); err != nil {
			return 0, 0, err
		}
		if p, err = cgroups.ReadFile(g.mgr.Path("cpu"), "cpu.cfs_period_us"); err != nil {
			return 0, 0, err
		}
	}
	if quota, err = parseLimit(strings.TrimSpace(q)); err != nil {
		return 0, 0, fmt.Errorf("parse cpu quota %q: %w", q, err)
	}
	period, err = strconv.ParseUint(strings.TrimSpace(p), 10, 64)
	return quota, period, err
}
