package cgroup

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// ExecJoin says how a process gets into the cgroup of a container that runs. It differs
// from Join where systemd made a v2 cgroup: that exists by now, so a clone may go there.
func (g *Group) ExecJoin() Join {
	switch {
	case g.none:
		return JoinNone
	case g.mode == Unified && (g.loc.Driver != Systemd || !g.loc.Rootless):
		return JoinByClone
	}
	// A rootless caller may not move processes into its delegated tree from outside of it;
	// systemd does that for it.
	return JoinAfterSpawn
}

// ExecDir opens the cgroup that an exec'd process is to be cloned into, by the same rules
// as AddExec. Only where ExecJoin says JoinByClone.
func (g *Group) ExecDir(sub SubPath, initPid int) (*os.File, error) {
	if g.ExecJoin() != JoinByClone {
		return nil, fmt.Errorf("open cgroup %q: %w: processes cannot be cloned into it", g.loc, errors.ErrUnsupported)
	}
	dir := g.mgr.Path("")
	if !sub.empty() {
		return openDir(dir + sub.of(""))
	}
	// A cgroup that gives controllers to cgroups below it may hold no process itself; an
	// init such as systemd has moved away then, and the newcomer follows it.
	if ctl, err := cgroups.ReadFile(dir, "cgroup.subtree_control"); err == nil && strings.TrimSpace(ctl) != "" {
		if dir, err = initDir(initPid); err != nil {
			return nil, err
		}
	}
	return openDir(dir)
}

func openDir(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open cgroup", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), dir), nil
}

// initDir is the v2 cgroup that the container's init is in.
func initDir(initPid int) (string, error) {
	own, err := cgroups.ParseCgroupFile(fmt.Sprintf("/proc/%d/cgroup", initPid))
	if err != nil {
		return "", fmt.Errorf("find cgroup of the container's init: %w", err)
	}
	return Root + own[""], nil
}

// AddExec puts an exec'd process into the container's cgroup, or the cgroup sub below it,
// which must exist. Where that fails on v2 (EBUSY: processes may only be in leaves) and no
// sub was asked for, the process goes where the container's init is, as in runc.
func (g *Group) AddExec(sub SubPath, pid, initPid int) error {
	if g.none {
		return nil
	}
	if !sub.empty() && g.mode != Unified {
		return g.addControllers(sub, pid)
	}
	err := g.addTo(sub.of(""), pid)
	if err == nil || !sub.empty() || g.mode != Unified {
		return err
	}
	dir, ierr := initDir(initPid)
	if ierr == nil {
		ierr = cgroups.WriteCgroupProc(dir, pid)
	}
	if ierr != nil {
		return errors.Join(err, ierr)
	}
	return nil
}

// CheckSub refuses controllers that the container has no cgroup of; v2 has none of its own
// for a controller. The words are runc's.
func (g *Group) CheckSub(sub SubPath) error {
	if g.none {
		return nil
	}
	paths := g.mgr.GetPaths()
	for c := range sub.byController {
		if _, ok := paths[c]; c != "" && !ok {
			return fmt.Errorf("exec --cgroup: unknown controller %s in SubCgroupPaths", c)
		}
	}
	return nil
}

// addControllers puts a process into v1 cgroups that may differ from one hierarchy to the
// next.
func (g *Group) addControllers(sub SubPath, pid int) error {
	for c, dir := range g.mgr.GetPaths() {
		if err := cgroups.WriteCgroupProc(dir+sub.of(c), pid); err != nil {
			return fmt.Errorf("exec --cgroup: add process %d to cgroup %q: %w", pid, dir+sub.of(c), err)
		}
	}
	return nil
}
