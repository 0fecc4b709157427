package cgroup

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// Spawn runs start so that the process it makes is in the cgroup from its first moment, and
// neither has to wait nor to be moved; where that cannot be, Held is true and AddProcess
// has still to be called. start gets a descriptor for CLONE_INTO_CGROUP, -1 for none, which
// is closed after it. Best called between Make and Limit.
//
// On v1 start runs on an OS thread of its own, which joins the cgroups first and ends after:
// what it needs of its thread (a namespace, an affinity) it must make itself. A thread that
// moves itself is spared the kernel's global lock, and so the RCU grace period (1 to 8 ms)
// that moving any other process costs.
func (g *Group) Spawn(start func(cgroupFD int) error) error {
	if g.Held() || g.none {
		return start(-1)
	}
	return g.spawn(SubPath{}, g.mgr.Path(""), start)
}

// Held tells whether a process that Spawn starts is not in the cgroup yet: it must be kept
// from running anything of the container's, and from unsharing its cgroup namespace, until
// AddProcess returned. The answer is final once Make returned, and Limit if that comes
// before Spawn.
func (g *Group) Held() bool {
	if g.none {
		return false
	}
	// The thread that joins on v1 counts as a task beside the process that it makes.
	crowded := g.limited && g.cfg.Resources.PidsLimit != nil && uint64(*g.cfg.Resources.PidsLimit) < 2
	return g.loc.Driver == Systemd || g.mode != Unified && crowded
}

// SpawnExec is Spawn for a process that joins a running container, or the cgroup sub below
// it; see ExecDir and AddExec for where it goes.
func (g *Group) SpawnExec(sub SubPath, initPid int, start func(cgroupFD int) error) error {
	if g.none || g.ExecHeld() {
		return start(-1)
	}
	if g.mode != Unified {
		return g.spawn(sub, g.mgr.Path("")+sub.of(""), start)
	}
	dir, err := g.ExecDir(sub, initPid)
	if err != nil {
		return err
	}
	defer dir.Close()
	return start(int(dir.Fd()))
}

// ExecHeld is Held for SpawnExec; what is left to be called is AddExec. Besides rootless
// systemd it is true for a paused v1 container, in which the thread of Spawn would stop,
// and one that is at its limit of tasks.
func (g *Group) ExecHeld() bool {
	switch {
	case g.none:
		return false
	case g.mode == Unified:
		return g.ExecJoin() != JoinByClone
	}
	frozen, err := g.Frozen()
	return err != nil || frozen || g.full()
}

// full tells whether a v1 container has no room for two more tasks.
func (g *Group) full() bool {
	dir := g.mgr.Path("pids")
	if dir == "" {
		return false
	}
	text, err := cgroups.ReadFile(dir, "pids.max")
	if err != nil || strings.HasPrefix(text, "max") {
		return false
	}
	limit, err := parseLimit(strings.TrimSpace(text))
	if err != nil {
		return true
	}
	current, err := cgroups.ReadFile(dir, "pids.current")
	if err != nil {
		return true
	}
	n, err := parseLimit(strings.TrimSpace(current))
	return err != nil || n+2 > limit
}

// spawn gives start the v2 directory tree, if there is one, and on v1 a thread inside.
func (g *Group) spawn(sub SubPath, tree string, start func(int) error) error {
	fd := -1
	if tree != "" {
		dir, err := openDir(tree)
		if err != nil {
			return err
		}
		defer dir.Close()
		fd = int(dir.Fd())
	}
	if g.mode == Unified {
		return start(fd)
	}
	return ownThread(func() error {
		if err := g.enter(sub); err != nil {
			return err
		}
		return start(fd)
	})
}

// enter moves the calling thread into the v1 cgroups. "0" is the thread itself.
func (g *Group) enter(sub SubPath) error {
	entered := make(map[string]bool, 16) // cpu and cpuacct may be one directory
	for c, dir := range g.mgr.GetPaths() {
		dir += sub.of(c)
		if c == "" || entered[dir] {
			continue
		}
		entered[dir] = true
		if err := cgroups.WriteFile(dir, "tasks", "0"); err != nil {
			return fmt.Errorf("join cgroup %q: %w", dir, err)
		}
	}
	return nil
}

// ownThread runs f on an OS thread that ends with it. It is never the process's first
// thread: that one owns the memory, which would be charged to the container.
func ownThread(f func() error) error {
	// The caller's thread is kept from running the goroutine itself.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // not unlocked: so the thread ends
		if unix.Gettid() == os.Getpid() {
			runtime.UnlockOSThread()
			done <- ownThread(f)
			return
		}
		done <- f()
	}()
	return <-done
}

func openDir(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open cgroup", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), dir), nil
}
