package cgroup

import (
	"errors"
	"fmt"
	"maps"
	"os"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// Config is what New makes a container's cgroup of.
type Config struct {
	Location Location
	// Limits come from Resources; nil means none, and no device rules.
	Limits *Limits
	// Properties come from Properties; only the systemd driver reads them.
	Properties []Property
	// Owner is the host uid that is to own the delegated cgroup, from OwnerOf; nil leaves
	// it with the caller.
	Owner *int
}

// Join says how a process gets into the cgroup.
type Join int

const (
	// JoinByClone is for a cgroup that exists before the process: hand Open's descriptor to the
	// clone (SysProcAttr.UseCgroupFD).
	JoinByClone Join = iota
	// JoinAfterSpawn means: spawn first, keep the process from running anything of the
	// container's and from unsharing its cgroup namespace, call AddProcess, release it.
	JoinAfterSpawn
	// JoinNone means that there is no cgroup (rootless, nothing asked for).
	JoinNone
)

// Group is one container's cgroup: one directory on v2, one in every hierarchy on v1.
// It is not safe for concurrent use.
type Group struct {
	loc   Location
	mode  HostMode
	mgr   cgroups.Manager
	cfg   *cgroups.Cgroup
	owner *int
	// existed is set when the cgroup was there before Make.
	existed bool
	// joined is set when a systemd unit exists, so that processes can be added to it.
	joined bool
	// none is set when the container has no cgroup.
	none bool
}

// New prepares the cgroup of a container to be created. It changes nothing; Make and Limit do.
func New(c Config) (*Group, error) {
	return newGroup(c, Mode(), nil)
}

// Saved is what the state of a container keeps of its cgroup.
type Saved struct {
	Location
	Mode HostMode
	// Paths has one directory per v1 hierarchy, or one under "" on v2; empty when the
	// container has no cgroup.
	Paths map[string]string
	Owner *int
}

// Saved returns what Load needs. Call it after Make, and with JoinAfterSpawn after
// AddProcess: only then it is known whether a rootless container has a cgroup.
func (g *Group) Saved() Saved {
	s := Saved{Location: g.loc, Mode: g.mode, Owner: g.owner}
	if !g.none {
		s.Paths = maps.Clone(g.mgr.GetPaths()) // Destroy empties the library's own
	}
	return s
}

// Load finds the cgroup of an existing container. It looks at nothing on the machine, so it
// succeeds when the cgroup is gone.
func Load(s Saved) (*Group, error) {
	g, err := newGroup(Config{Location: s.Location, Owner: s.Owner}, s.Mode, s.Paths)
	if err != nil {
		return nil, err
	}
	g.none, g.joined = len(s.Paths) == 0, true
	return g, nil
}

func newGroup(c Config, mode HostMode, paths map[string]string) (*Group, error) {
	if c.Limits == nil {
		// Load: the library wants a value, the limits themselves are in the kernel.
		c.Limits = &Limits{SkipDevices: true}
	}
	cfg := &cgroups.Cgroup{
		Resources: c.Limits,
		Rootless:  c.Location.Rootless,
		Systemd:   c.Location.Driver == Systemd,
	}
	switch {
	case cfg.Systemd:
		cfg.Parent, cfg.ScopePrefix, cfg.Name = c.Location.Slice, c.Location.Prefix, c.Location.Name
		cfg.SystemdProps = c.Properties
	case c.Location.Explicit:
		cfg.Path = c.Location.Path
	default:
		// The library forgives a lack of permission only where no Path is set.
		cfg.Name = c.Location.Path
	}
	mgr, err := newManager(cfg, mode, paths)
	if err != nil {
		return nil, fmt.Errorf("linux.cgroupsPath %q: %w", c.Location, err)
	}
	return &Group{loc: c.Location, mode: mode, mgr: mgr, cfg: cfg, owner: c.Owner}, nil
}

// Join tells how processes get into this cgroup. It is final once Make returned.
func (g *Group) Join() Join {
	switch {
	case g.none:
		return JoinNone
	case g.mode == Unified && g.loc.Driver == Cgroupfs:
		return JoinByClone
	}
	return JoinAfterSpawn
}

// Make makes the cgroup's directories, and hands them to their owner, before any process is
// in it. With the systemd driver it checks only: a scope cannot exist without a process, so
// AddProcess makes it.
//
// A cgroup that exists is taken when it is empty and thawed, and refused otherwise: two
// containers in one cgroup would kill each other. A rootless caller without permission,
// who named no cgroup and asked for no limit, gets none and no error (Join says JoinNone).
func (g *Group) Make() error {
	var err error
	if g.existed, err = g.checkFree(); err != nil || g.loc.Driver == Systemd {
		return err
	}
	err = g.mgr.Apply(-1)
	g.prune()
	if errors.Is(err, cgroups.ErrRootless) {
		g.none = g.mode == Unified || len(g.mgr.GetPaths()) == 0
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("create cgroup %q: %w", g.loc, err)
	} else if !g.none {
		err = g.chown()
	}
	return g.undo(err)
}

// prune drops the hierarchies without controllers in which the library could not make a
// directory: it ignores that when it makes them, and would fail for it in AddProcess.
func (g *Group) prune() {
	if g.mode == Unified {
		return
	}
	paths := g.mgr.GetPaths()
	for _, tree := range []string{"", "name=systemd", "misc"} {
		if dir, ok := paths[tree]; ok && unix.Access(dir, unix.F_OK) != nil {
			delete(paths, tree)
		}
	}
}

// Limit sets the limits and the device rules. It may run while the first process is set up
// (it costs more than Make: on v2 a BPF program is verified and loaded), but must return
// before a hook or anything of the container's runs: hooks change device rules, too. With
// the systemd driver it does nothing, and without a cgroup it fails only for a limit that
// was asked for.
func (g *Group) Limit() error {
	if g.loc.Driver == Systemd || g.none && g.mode == Unified {
		return nil
	}
	if err := g.set(g.cfg.Resources); err != nil {
		return g.undo(fmt.Errorf("set linux.resources of cgroup %q: %w", g.loc, err))
	}
	return nil
}

// undo removes after an error what Make made. It fails where a process is in it already;
// the caller kills that and calls Destroy.
func (g *Group) undo(err error) error {
	if err != nil && !g.existed && !g.none {
		_ = rmdirs(g.mgr.GetPaths()) // the first error is the one to tell
	}
	return err
}

// rmdirs removes the directories themselves, without the library's wait for dying
// processes.
func rmdirs(paths map[string]string) (err error) {
	for _, dir := range paths {
		if e := unix.Rmdir(dir); e != nil && e != unix.ENOENT {
			err = e
		}
	}
	return err
}

// checkFree refuses a cgroup that has processes or is frozen.
func (g *Group) checkFree() (existed bool, err error) {
	if !g.mgr.Exists() {
		return false, nil
	}
	pids, err := g.mgr.GetAllPids()
	if err != nil {
		return true, fmt.Errorf("list processes of cgroup %q: %w", g.loc, err)
	}
	if len(pids) != 0 {
		return true, fmt.Errorf("create cgroup %q: container's cgroup is not empty: %d process(es) found", g.loc, len(pids))
	}
	if st, err := g.mgr.GetFreezerState(); err == nil && st == cgroups.Frozen {
		return true, fmt.Errorf("create cgroup %q: container's cgroup unexpectedly frozen", g.loc)
	}
	return true, nil
}

// Open returns a directory descriptor of the cgroup for CLONE_INTO_CGROUP, close-on-exec.
// Only with JoinByClone.
func (g *Group) Open() (*os.File, error) {
	if g.Join() != JoinByClone {
		return nil, fmt.Errorf("open cgroup %q: %w: processes cannot be cloned into it", g.loc, errors.ErrUnsupported)
	}
	return openDir(g.mgr.Path(""))
}

// AddProcess puts a process into the cgroup; pid is of the caller's pid namespace. With the
// systemd driver the first call makes the scope and sets the limits. Without a cgroup it
// does nothing.
func (g *Group) AddProcess(pid int) error {
	if g.none {
		return nil
	}
	if g.loc.Driver != Systemd || g.joined {
		return g.addTo("", pid)
	}
	if err := g.mgr.Apply(pid); err != nil {
		return fmt.Errorf("create systemd unit %q for linux.cgroupsPath: %w", g.loc.Unit(), err)
	}
	g.joined = true
	if err := g.set(g.cfg.Resources); err != nil {
		return fmt.Errorf("set linux.resources of systemd unit %q: %w", g.loc.Unit(), err)
	}
	return g.chown()
}

func (g *Group) addTo(sub string, pid int) error {
	err := g.mgr.AddPid(sub, pid)
	// Where no place was named and none could be made, no cgroup is none.
	forgiven := g.loc.Rootless && !g.loc.Explicit &&
		(errors.Is(err, cgroups.ErrRootless) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission))
	if err != nil && !forgiven {
		return fmt.Errorf("add process %d to cgroup %q: %w", pid, g.loc.String()+sub, err)
	}
	return nil
}

// Paths are the directories of the cgroup by v1 controller, or under "" on v2. Empty when
// there is no cgroup.
func (g *Group) Paths() map[string]string {
	if g.none {
		return nil
	}
	return maps.Clone(g.mgr.GetPaths())
}

// Location is where the cgroup lies.
func (g *Group) Location() Location { return g.loc }

// Exists tells whether the cgroup is there.
func (g *Group) Exists() bool { return !g.none && g.mgr.Exists() }

// Destroy removes the cgroup with all below it; a missing one is no error. Processes that
// are just dying are waited for, for about a second. Kill first what still lives.
func (g *Group) Destroy() error {
	if g.none {
		return nil
	}
	if err := g.mgr.Destroy(); err != nil {
		return fmt.Errorf("remove cgroup %q: %w", g.loc, err)
	}
	return nil
}
