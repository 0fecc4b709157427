package cgroup

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/fs"
	"golang.org/x/sys/unix"
)

// Pids lists the processes of the cgroup as this pid namespace sees them; all includes
// those in cgroups below it. A cgroup that is gone has none.
func (g *Group) Pids(all bool) ([]int, error) {
	if g.none {
		return nil, nil
	}
	list := cgroups.GetPids
	if all {
		list = cgroups.GetAllPids
	}
	pids, err := list(g.anyPath())
	if err != nil && !gone(err) {
		return nil, fmt.Errorf("list processes of cgroup %q: %w", g.loc, err)
	}
	return pids, nil
}

// anyPath is a directory in which every process of the container is: the devices hierarchy
// on v1, as in the library, or another one where a rootless container has no devices.
func (g *Group) anyPath() string {
	if g.mode == Unified {
		return g.mgr.Path("")
	}
	if dir := g.mgr.Path("devices"); dir != "" {
		return dir
	}
	for _, dir := range g.mgr.GetPaths() {
		return dir
	}
	return ""
}

func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV)
}

// needCgroup is the error of what cannot be done to a container without a cgroup.
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
	return frozen(g.loc, g.mode, g.mgr.GetPaths())
}

// Frozen is [Group.Frozen] for who wants to know nothing else.
func (s *Saved) Frozen() (bool, error) { return frozen(s.Location, s.Mode, s.Paths) }

func frozen(l Location, mode HostMode, paths map[string]string) (is bool, err error) {
	dir := paths[""]
	if mode != Unified {
		dir = paths["freezer"]
	}
	switch {
	case dir == "":
	case mode == Unified:
		// The library would wait for what is being frozen, and for long if it is thawed meanwhile.
		is, err = askedToFreeze(dir)
	default:
		var state cgroups.FreezerState
		state, err = new(fs.FreezerGroup).GetState(dir)
		is = state == cgroups.Frozen
	}
	if err != nil && !gone(err) {
		return false, fmt.Errorf("read freezer state of cgroup %q: %w", l, err)
	}
	return is, nil
}

func askedToFreeze(dir string) (bool, error) {
	file, err := cgroups.OpenFile(dir, "cgroup.freeze", unix.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer file.Close()
	var text [2]byte
	n, err := file.Read(text[:])
	return string(text[:n]) == "1\n", err
}

// Kill sends SIGKILL to every process in and below the cgroup; see SignalAll.
func (g *Group) Kill() error { return g.SignalAll(unix.SIGKILL) }

// SignalAll sends sig to every process in and below the cgroup. SIGKILL goes through
// cgroup.kill where the kernel has it, which no fork outruns; otherwise the cgroup is
// frozen while its members are signalled. An empty or missing cgroup is no error. A paused
// container stays paused, except after SIGKILL.
func (g *Group) SignalAll(sig syscall.Signal) error {
	if g.none || sig == unix.SIGKILL && g.killFile() {
		return nil
	}
	frozen, err := g.Frozen()
	if err != nil {
		return err
	}
	thaw := frozen && sig == unix.SIGKILL // a frozen v1 process does not die
	if !frozen && g.mgr.Freeze(cgroups.Frozen) == nil {
		frozen, thaw = true, true
	}
	if thaw {
		defer func() { _ = g.mgr.Freeze(cgroups.Thawed) }()
	}
	passes := 1
	if !frozen && sig == unix.SIGKILL {
		passes = 10 // without a freezer, who forks meanwhile is met the next time
	}
	for range passes {
		if err = g.signalOnce(sig); err != nil {
			return err
		}
	}
	return nil
}

func (g *Group) signalOnce(sig syscall.Signal) error {
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
