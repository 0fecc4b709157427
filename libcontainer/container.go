package libcontainer

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/console"
	"github.com/gspawn/gspawn-oci/libcontainer/fault"
	"github.com/gspawn/gspawn-oci/libcontainer/netdev"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// container is a container that is being made.
type container struct {
	rt     *Runtime
	opts   *CreateOptions
	wait   bool // for start; a container of Run goes on by itself
	cfg    *spec.Config
	spec   *specs.Spec
	warned spec.Errors // of the configuration
	group  *cgroup.Group
	plan   *plan.Plan
	filter seccomp.Program
	desc   state.Container
	// preserve is the number of descriptors from 3 on that the program gets.
	preserve int

	dir     *state.Dir
	launch  *launch
	console consoleEnd
	devices *netdev.Mover // moved to it, while they may have to come back
	boot    *plan.Boot    // nil for an application
	stop    nspawn.Stop   // of a booted system
	// registers says that systemd-machined is to know a booted system.
	registers bool
	run       *RunOptions // of the command run, else nil
	made      bool        // the cgroup is there
	detach    bool        // nobody stays to pass a terminal on
}

// Create makes a container whose program does not run yet. When it fails,
// nothing is left of the container.
func (r *Runtime) Create(o CreateOptions) error {
	c := &container{rt: r, opts: &o, wait: true}
	if err := c.prepare(); err != nil {
		return err
	}
	defer c.close()
	unlock, err := c.lockTree()
	if err != nil {
		return err
	}
	defer unlock()
	if err := c.make(); err != nil {
		c.abandon()
		return err
	}
	c.keepDevices()
	return nil
}

// prepare decides everything and changes nothing.
func (c *container) prepare() error {
	err := c.load()
	if err != nil {
		return err
	}
	if err := errors.Join(c.checkRoot(), c.checkRdt()); err != nil {
		return err
	}
	if err := checkTerminal(c.wait || c.detach, c.spec.Process.Terminal, c.opts.ConsoleSocket); err != nil {
		return err
	}
	if err := c.passDescriptors(); err != nil {
		return err
	}
	if err := c.prepareCgroup(); err != nil {
		return err
	}
	if err := c.compile(); err != nil {
		return err
	}
	for _, w := range c.plan.Warnings {
		c.rt.warn(w)
	}
	if c.filter, err = seccomp.Load(c.cfg.Seccomp, seccomp.Dir(c.rt.Root)); err != nil {
		return err
	}
	c.describe()
	return nil
}

func (c *container) load() (err error) {
	if c.cfg, err = spec.Load(c.opts.Bundle); err != nil {
		return configError(c.opts.Bundle, err)
	}
	c.spec = c.cfg.Spec
	name := filepath.Join(c.opts.Bundle, spec.ConfigName)
	if c.warned, err = spec.Check(c.spec); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if c.spec.Process == nil {
		return fmt.Errorf("%s: process: is missing: there is nothing to run", name)
	}
	if c.spec.Linux == nil {
		c.spec.Linux = &specs.Linux{}
	}
	return c.decideBoot()
}

func configError(bundle string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %q is no bundle; `gspawn-oci spec` writes a config.json", err, bundle)
	}
	return err
}

func (c *container) rootfs() string { return rootPath(c.spec, c.opts.Bundle) }

// checkRoot refuses a root file system that is not there. One that this user
// may not look at may still be attached by what the plan does.
func (c *container) checkRoot() error {
	root := c.rootfs()
	var st unix.Stat_t
	err := unix.Stat(root, &st)
	switch {
	case err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("root.path: %q is not a directory", root)
	case err == nil, errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return nil
	}
	return fmt.Errorf("root.path: stat %q: %w", root, err)
}

func (c *container) prepareCgroup() error {
	l := c.spec.Linux
	place, systemd := c.placeSystem()
	location, err := cgroup.Resolve(place, c.opts.ID, systemd, c.rt.rootless())
	if err != nil {
		return err
	}
	limits, err := cgroup.Resources(cgroup.Input{
		Resources: l.Resources, Devices: l.Devices, Version: c.spec.Version, Mode: cgroup.Mode(),
	})
	if err != nil {
		return err
	}
	config := cgroup.Config{Location: location, Limits: limits, Owner: cgroup.OwnerOf(c.spec)}
	if location.Driver == cgroup.Systemd {
		if config.Properties, err = cgroup.Properties(c.unitAnnotations()); err != nil {
			return err
		}
	}
	c.group, err = cgroup.New(config)
	return err
}

func (c *container) describe() {
	root := c.rootfs()
	var flags uint64
	for _, ns := range c.spec.Linux.Namespaces {
		flags |= plan.NamespaceFlag(ns.Type)
	}
	c.desc = state.Container{
		ID: c.opts.ID, OCIVersion: c.spec.Version, Bundle: c.opts.Bundle, Rootfs: root,
		Created: time.Now(), Owner: os.Geteuid(), Namespaces: flags,
		PrivatePID:   c.plan.Namespaces.New&plan.ClonePID != 0,
		NoNewKeyring: c.opts.NoNewKeyring,
		Cgroup:       c.group.Saved(),
	}
	if flags&plan.CloneMount == 0 {
		c.desc.RootMount = mountID(root)
	}
	if c.console.system != nil {
		c.desc.Supervisor, _ = state.Find(os.Getpid())
	}
	if c.boot != nil {
		c.desc.StopSignal, c.desc.ReplaceTERM = c.stop.Signal, c.stop.ReplaceTERM
	}
}

// make makes the container. Its directory comes first, then what has to be
// found again if this process is killed is recorded before it is made.
func (c *container) make() error {
	var err error
	if c.dir, err = c.makeDir(); err != nil {
		return err
	}
	fault.At()
	if err := c.dir.WriteConfig(c.cfg.Raw); err != nil {
		return err
	}
	fault.At()
	if err := c.dir.WriteContainer(&c.desc); err != nil {
		return err
	}
	fault.At()
	if err := c.console.connect(c.opts.ConsoleSocket, c.opts.PidfdSocket, c.spec.Process.ConsoleSize != nil); err != nil {
		return err
	}
	if err := c.group.Make(); err != nil {
		return err
	}
	c.made = true
	fault.At()
	// Making it decides how it is joined, and which hierarchies it is in.
	if saved := c.group.Saved(); c.group.Join() == cgroup.JoinNone || !maps.Equal(saved.Paths, c.desc.Cgroup.Paths) {
		c.desc.Cgroup = saved
		if err := c.dir.WriteContainer(&c.desc); err != nil {
			return err
		}
		fault.At()
	}
	// On v2 the limits are set while the init runs its tape. On v1 they come
	// before: its device rules first forbid all, then allow one by one. Hooks,
	// which may change the limits, run when the init asks, so not earlier.
	meanwhile := c.group.Join() == cgroup.JoinByClone
	if !meanwhile {
		if err := c.group.Limit(); err != nil {
			return err
		}
		fault.At()
	}
	if err := c.start(); err != nil {
		return err
	}
	if meanwhile {
		if err := c.group.Limit(); err != nil {
			return err
		}
	}
	fault.At()
	if err := c.launch.untilReady(); err != nil {
		return c.explain(err)
	}
	return c.explain(c.created())
}

// makeDir makes the container's directory, in place of one that a killed
// supervisor left.
func (c *container) makeDir() (*state.Dir, error) {
	dir, err := state.Create(c.rt.Root, c.opts.ID)
	if errors.Is(err, state.ErrExists) && c.clearStale() {
		return state.Create(c.rt.Root, c.opts.ID)
	}
	return dir, err
}

// start starts the init and does to it what is done from outside.
func (c *container) start() error {
	var err error
	if c.launch, err = newLaunch(c.plan, c.preserve); err != nil {
		return err
	}
	l := c.launch
	l.answer, l.orphans = c.answer, c.reapsOrphans()
	l.in.Filter, l.in.FilterFlags, l.in.Notify = c.filter.BPF, uint64(c.filter.Flags), c.filter.Notify
	l.in.UserOnTape = c.userOnTape()
	l.in.OwnStdio = ownStdio(c.plan, c.spec.Process.Terminal, !c.wait && !c.detach)
	// The CPUs that a service manager keeps its engine to are not the container's,
	// but a unit that is kept is.
	l.in.FreeCPUs = c.group.Join() != cgroup.JoinNone && (c.run == nil || !c.run.KeepUnit)
	if c.wait {
		socket, err := listen(c.dir)
		if err != nil {
			return err
		}
		l.in.Listen = l.give(socket)
	}
	if err := c.openSources(); err != nil {
		return err
	}
	at, err := placement(c.group)
	if err != nil {
		return err
	}
	if at.fd >= 0 {
		defer unix.Close(at.fd)
	}
	if err := l.start(at, c.mappings()); err != nil {
		return c.explain(err)
	}
	if !l.init.Forks {
		return c.recordProcess()
	}
	l.followed = c.recordProcess
	fault.At()
	return nil
}

// placement is how a process gets into the container's cgroup.
func placement(g *cgroup.Group) (cgroupPlace, error) {
	switch g.Join() {
	case cgroup.JoinByClone:
		dir, err := g.Open()
		if err != nil {
			return cgroupPlace{fd: -1}, err
		}
		fd, err := unix.FcntlInt(dir.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		dir.Close()
		return cgroupPlace{fd: fd}, err
	case cgroup.JoinAfterSpawn:
		return cgroupPlace{fd: -1, place: g.AddProcess}, nil
	}
	return cgroupPlace{fd: -1}, nil
}

// created is what follows once the init is made: the limits, the records for
// others, and the word to go on.
func (c *container) created() error {
	fault.At()
	if err := c.fromOutside(); err != nil {
		return err
	}
	fault.At()
	if err := c.register(); err != nil {
		return err
	}
	fault.At()
	if c.wait {
		if err := c.dir.Made(); err != nil {
			return err
		}
		fault.At()
	}
	return c.launch.announce(&c.console, console.Init, c.opts.PidFile)
}

func (c *container) recordProcess() error {
	p, ok := state.Find(c.launch.pid)
	if !ok {
		// It has died; what of comes through the socket.
		p = state.Process{PID: c.launch.pid}
	}
	p.Records = c.launch.init.Len()
	return c.dir.SetProcess(p)
}

// explain turns the loss of the init into a sentence.
func (c *container) explain(err error) error {
	if !errors.Is(err, errGone) {
		return err
	}
	status := c.launch.end()
	if status.Signaled() && status.Signal() == unix.SIGKILL {
		if n := c.group.OOMKills(); n > 0 {
			return errors.New("container init was OOM-killed (memory limit too low?)")
		}
	}
	return fmt.Errorf("the init process ended before the container was made: %s", statusText(status))
}

func statusText(s unix.WaitStatus) string {
	if s.Signaled() {
		return "killed by signal " + strconv.Itoa(int(s.Signal()))
	}
	return "exit status " + strconv.Itoa(s.ExitStatus())
}

// abandon undoes what make did.
func (c *container) abandon() {
	started := c.launch != nil && c.launch.started
	if c.launch != nil {
		c.launch.kill()
	}
	c.returnDevices()
	if c.dir == nil {
		return
	}
	if !c.made {
		// The cgroup is not ours: Make undid what it did, or refused.
		_ = c.dir.Remove()
		return
	}
	if err := destroy(c.dir, &c.desc, c.group, true); err != nil {
		c.rt.warn(err.Error()) // beside the error that is why
	}
	if started {
		c.rt.poststop(c.spec, &c.desc)
	}
}

func (c *container) close() {
	if c.launch != nil {
		c.launch.close()
	}
	c.console.close()
	if c.dir != nil {
		c.dir.Close()
	}
}

// listen makes the socket that start connects to.
func listen(d *state.Dir) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		// Whoever connects has the program started: not for others, whatever the umask.
		err = unix.Fchmod(fd, 0o600)
	}
	if err == nil {
		if err = unix.Bind(fd, &unix.SockaddrUnix{Name: d.NewSocketPath()}); err == nil {
			err = unix.Listen(fd, 1)
		}
	}
	if err != nil {
		if fd >= 0 {
			unix.Close(fd)
		}
		return -1, fmt.Errorf("make the socket %q: %w", filepath.Join(d.Path(), state.SocketFile), err)
	}
	return fd, nil
}

// userOnTape tells whether the init makes the user namespace itself: what is
// joined has to be joined before, with the runtime's rights, and a user who is
// not root needs newuidmap's help once it is made.
func (c *container) userOnTape() bool {
	n := c.plan.Namespaces
	return n.New&plan.CloneUser != 0 && (os.Geteuid() != 0 || len(n.Joined) > 0)
}

func (c *container) mappings() *plan.MapIDs {
	return &plan.MapIDs{UID: c.spec.Linux.UIDMappings, GID: c.spec.Linux.GIDMappings}
}
