package cgroup

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// Pids lists the processes of the cgroup as this pid namespace sees them; all includes
// those in cgroups below it. A cgroup that is gone has none.
func (g *Group) Pids(all bool) ([]int, error) {
	if g.none {
		return nil, nil
	}
	list := g.mgr.GetPids
	if all {
		list = g.mgr.GetAllPids
	}
	pids, err := list()
	if err != nil && !gone(err) {
		return nil, fmt.Errorf("list processes of cgroup %q: %w", g.loc, err)
	}
	return pids, nil
}

func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)
}

// errNoCgroup is for what cannot be done to a container without a cgroup.
func (g *Group) needCgroup(verb string) error {
	if g.none {
		return fmt.Errorf("%s container: %w: it has no cgroup", verb, errors.ErrUnsupported)
	}
	return nil
}

// Freeze stops every process of the cgroup and waits until all stand still.
func (g *Group) Freeze() error {
	if err := g.needCgroup("pause"); err != nil {
		return err
	}
	if err := g.mgr.Freeze(cgroups.Frozen); err != nil {
		return fmt.Errorf("freeze cgroup %q: %w", g.loc, err)
	}
	return nil
}

// Thaw lets the processes run again.
func (g *Group) Thaw() error {
	if err := g.needCgroup("resume"); err != nil {
		return err
	}
	if err := g.mgr.Freeze(cgroups.Thawed); err != nil {
		return fmt.Errorf("thaw cgroup %q: %w", g.loc, err)
	}
	return nil
}

// Frozen tells whether the cgroup is paused. One that is gone, or that has no freezer, is
// not.
func (g *Group) Frozen() (bool, error) {
	if g.none {
		return false, nil
	}
	st, err := g.mgr.GetFreezerState()
	if err != nil && !gone(err) {
		return false, fmt.Errorf("read freezer state of cgroup %q: %w", g.loc, err)
	}
	return st == cgroups.Frozen, nil
}

// Kill sends SIGKILL to every process in and below the cgroup; see SignalAll.
func (g *Group) Kill() error { return g.SignalAll(unix.SIGKILL) }

// SignalAll sends sig to every process in and below the cgroup. SIGKILL goes through
// cgroup.kill where the kernel has it, which no fork outruns; otherwise the cgroup is
// frozen while its members are signalled. An empty or missing cgroup is no error.
func (g *Group) SignalAll(sig syscall.Signal) error {
	if g.none {
		return nil
	}
	if sig == unix.SIGKILL && g.killFile() {
		return nil
	}
	frozen, err := g.Frozen()
	if err != nil {
		return err
	}
	if !frozen {
		// A cgroup without a freezer is signalled as it runs.
		if g.mgr.Freeze(cgroups.Frozen) == nil {
			frozen = true
			defer func() { _ = g.mgr.Freeze(cgroups.Thawed) }()
		}
	} else if sig == unix.SIGKILL {
		// A frozen v1 process does not die before it is thawed.
		defer func() { _ = g.mgr.Freeze(cgroups.Thawed) }()
	}
	pids, err := g.Pids(true)
	if err != nil {
		return err
	}
	var errs []error
	for _, pid := range pids {
		if err := unix.Kill(pid, sig); err != nil && err != unix.ESRCH {
			errs = append(errs, fmt.Errorf("signal process %d: %w", pid, err))
		}
	}
	return errors.Join(errs...)
}

// killFile kills by cgroup.kill, and tells whether that was possible. On a hybrid host the
// v2 tree has it too, but nothing promises that every process is there.
func (g *Group) killFile() bool {
	if g.mode != Unified {
		return false
	}
	return cgroups.WriteFile(g.mgr.Path(""), "cgroup.kill", "1") == nil
}

// ExecDir opens the cgroup that an exec'd process is to be cloned into, by the same rules
// as AddExec. Only with JoinByClone.
func (g *Group) ExecDir(sub SubPath, initPid int) (*os.File, error) {
	if g.Join() != JoinByClone {
		return nil, fmt.Errorf("open cgroup %q: %w: processes cannot be cloned into it", g.loc, errors.ErrUnsupported)
	}
	dir := g.mgr.Path("") + sub.of("")
	if sub.empty() {
		// A cgroup that gives controllers to cgroups below it may hold no process itself;
		// an init such as systemd has moved away then, and the newcomer follows it.
		if ctl, err := cgroups.ReadFile(dir, "cgroup.subtree_control"); err == nil && strings.TrimSpace(ctl) != "" {
			own, err := cgroups.ParseCgroupFile(fmt.Sprintf("/proc/%d/cgroup", initPid))
			if err != nil {
				return nil, fmt.Errorf("find cgroup of the container's init: %w", err)
			}
			dir = Root + own[""]
		}
	}
	return openDir(dir)
}

// AddExec puts an exec'd process into the container's cgroup, or the cgroup sub below it,
// which must exist. When the kernel forbids the container's own (EBUSY: processes may only
// be in its leaves), the process goes where the container's init is.
func (g *Group) AddExec(sub SubPath, pid, initPid int) error {
	if g.none {
		return nil
	}
	if !sub.empty() && g.mode != Unified {
		return g.addControllers(sub, pid)
	}
	err := g.addTo(sub.of(""), pid)
	if err == nil || !sub.empty() || g.mode != Unified || !errors.Is(err, unix.EBUSY) {
		return err
	}
	own, perr := cgroups.ParseCgroupFile(fmt.Sprintf("/proc/%d/cgroup", initPid))
	if perr != nil {
		return err
	}
	return cgroups.WriteCgroupProc(Root+own[""], pid)
}
