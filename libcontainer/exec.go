package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/caps"
	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/console"
	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// execution is one more process that is being started in a container.
type execution struct {
	rt      *Runtime
	opts    *ExecOptions
	view    *view
	cfg     *spec.Config
	process *specs.Process
	filter  seccomp.Program
	launch  *launch
	console consoleEnd
}

// Exec runs a program in a running container. The status is the program's exit
// code, or 128 plus the signal that ended it; 0 when it was detached.
func (r *Runtime) Exec(o ExecOptions) (status int, err error) {
	v, err := r.look(o.ID)
	if err != nil {
		return 0, err
	}
	defer v.close()
	switch {
	case v.status == statusPaused && !o.IgnorePaused:
		return 0, errors.New("cannot exec in a paused container (use --ignore-paused to override)")
	case v.status == specs.StateStopped:
		return 0, errors.New("cannot exec in a stopped container")
	case v.status == specs.StateCreating:
		return 0, errors.New("cannot exec in a container that is being created")
	}
	e := &execution{rt: r, opts: &o, view: v}
	if err := e.configure(); err != nil {
		return 0, err
	}
	defer func() {
		if e.launch != nil {
			e.launch.close()
		}
		e.console.close()
	}()
	if err := e.start(); err != nil {
		if e.launch != nil {
			e.launch.kill()
		}
		return 0, err
	}
	if o.Detach {
		return 0, nil
	}
	ended, err := e.console.attend(e.launch, new(inbox))
	return exitCode(ended), err
}

// configure finds out what the process is to be.
func (e *execution) configure() (err error) {
	if e.cfg, err = e.view.config(); err != nil {
		return err
	}
	if e.process = e.opts.Process; e.process != nil {
		e.process = inherit(e.process, e.cfg.Spec.Process)
	} else if e.process, err = e.opts.process(e.cfg.Spec.Process); err != nil {
		return err
	}
	if err := spec.ValidateProcess(e.process); err != nil {
		return err
	}
	if e.view.StopSignal != 0 { // a booted system, whose PID 1 got the same
		e.process = nspawn.WithPath(e.process)
	}
	return checkTerminal(e.opts.Detach, e.process.Terminal, e.opts.ConsoleSocket)
}

// inherit fills in what a process object leaves to the container. One that says
// nothing of noNewPrivileges says that it is false.
func inherit(given, of *specs.Process) *specs.Process {
	p := *given
	if p.Capabilities == nil {
		p.Capabilities = of.Capabilities
	}
	if p.ApparmorProfile == "" {
		p.ApparmorProfile = of.ApparmorProfile
	}
	if p.SelinuxLabel == "" {
		p.SelinuxLabel = of.SelinuxLabel
	}
	if p.OOMScoreAdj == nil {
		p.OOMScoreAdj = of.OOMScoreAdj
	}
	if len(p.Rlimits) == 0 {
		p.Rlimits = of.Rlimits
	}
	if p.ExecCPUAffinity == nil {
		p.ExecCPUAffinity = of.ExecCPUAffinity
	}
	return &p
}

// process is the container's, changed by what the command line says.
func (o *ExecOptions) process(of *specs.Process) (*specs.Process, error) {
	p := *of
	p.Args = o.Args
	p.Terminal = o.TTY
	p.ConsoleSize = nil
	if len(p.Args) == 0 {
		return nil, errors.New("process args cannot be empty")
	}
	if o.Cwd != "" {
		p.Cwd = o.Cwd
	}
	if o.AppArmor != "" {
		p.ApparmorProfile = o.AppArmor
	}
	if o.ProcessLabel != "" {
		p.SelinuxLabel = o.ProcessLabel
	}
	if len(o.Caps) > 0 {
		var sets specs.LinuxCapabilities
		if p.Capabilities != nil {
			sets = *p.Capabilities
		}
		caps.Grant(&sets, o.Caps)
		p.Capabilities = &sets
	}
	p.Env = append(p.Env[:len(p.Env):len(p.Env)], o.Env...)
	p.NoNewPrivileges = p.NoNewPrivileges || o.NoNewPrivs
	if o.User != "" {
		if err := setUser(&p.User, o.User); err != nil {
			return nil, err
		}
	}
	p.User.AdditionalGids = append(p.User.AdditionalGids[:len(p.User.AdditionalGids):len(p.User.AdditionalGids)], o.AdditionalGids...)
	return &p, nil
}

// setUser reads --user, UID[:GID].
func setUser(u *specs.User, text string) error {
	uid, gid, both := strings.Cut(text, ":")
	id, err := strconv.ParseUint(uid, 10, 32)
	if err != nil {
		return fmt.Errorf("--user %q: parsing %q as int for uid failed: give numbers, UID[:GID]", text, uid)
	}
	u.UID = uint32(id)
	if both {
		if id, err = strconv.ParseUint(gid, 10, 32); err != nil {
			return fmt.Errorf("--user %q: parsing %q as int for gid failed: give numbers, UID[:GID]", text, gid)
		}
		u.GID = uint32(id)
	}
	return nil
}

func (e *execution) start() error {
	p, err := plan.CompileExec(e.cfg.Spec, e.process, plan.Target{
		PID: e.view.init.PID, Namespaces: e.view.Namespaces, Cgroup: e.view.group.Location().String(),
	}, e.facts(), plan.Options{
		ID: e.view.ID, Bundle: e.view.Bundle, NoNewKeyring: e.view.NoNewKeyring, Seccomp: len(e.cfg.Seccomp) > 0,
	})
	if err != nil {
		return err
	}
	for _, w := range p.Warnings {
		e.rt.warn(w)
	}
	e.filter, err = seccomp.Load(e.cfg.Seccomp, seccomp.Dir(e.rt.Root))
	if err != nil {
		return err
	}
	// Socket activation is for the container's first process.
	if err := e.rt.checkPreserved(e.opts.PreserveFDs); err != nil {
		return err
	}
	if e.launch, err = newLaunch(p, e.opts.PreserveFDs); err != nil {
		return err
	}
	l := e.launch
	l.answer = e.answer
	l.in.Filter, l.in.FilterFlags, l.in.Notify = e.filter.BPF, uint64(e.filter.Flags), e.filter.Notify
	l.in.OwnStdio = ownStdio(p, e.process.Terminal, !e.opts.Detach)
	if err := e.console.connect(e.opts.ConsoleSocket, e.opts.PidfdSocket, e.process.ConsoleSize != nil); err != nil {
		return err
	}
	if err := e.enter(p); err != nil {
		return err
	}
	if err := e.spawn(); err != nil {
		return err
	}
	return e.finish()
}

func (e *execution) facts() plan.Facts {
	f := plan.Facts{
		RootOfHost:   e.view.Namespaces&plan.CloneUser != 0 && rootOfHost(e.process),
		NoSetgroups:  os.Geteuid() != 0 && onlyOne(e.cfg.Spec.Linux.GIDMappings),
		Capabilities: permitted(),
		AppArmor:     e.process.ApparmorProfile != "" && appArmorEnabled(),
		SELinux:      e.process.SelinuxLabel != "" && seLinuxEnabled(),
	}
	if !hasHome(e.process.Env) {
		f.Home = homeIn(e.view, e.process.User.UID)
	}
	return f
}

// enter opens the container for the tape. The process is not put into the
// container's PID namespace before it has left the host's others: who sees it
// there could see the host by it.
func (e *execution) enter(p *plan.Plan) error {
	for i, s := range p.Steps {
		var fd int
		var err error
		switch s.(type) {
		case plan.JoinContainer:
			fd, err = e.view.init.Open()
		case plan.EnterRoot:
			fd, err = e.view.openRoot()
		default:
			continue
		}
		if err != nil {
			return stepError(p, i, err)
		}
		e.launch.in.Fds[i] = e.launch.give(fd)
	}
	return nil
}

// spawn starts the process in the container's control group.
func (e *execution) spawn() error {
	sub, err := cgroup.ParseSub(e.opts.Cgroups)
	if err == nil {
		err = e.view.group.CheckSub(sub)
	}
	if err != nil {
		return err
	}
	at := cgroupPlace{fd: -1}
	switch e.view.group.Join() {
	case cgroup.JoinByClone:
		dir, err := e.view.group.ExecDir(sub, e.view.init.PID)
		if err != nil {
			return err
		}
		defer dir.Close()
		at.fd = int(dir.Fd())
	case cgroup.JoinAfterSpawn:
		at.place = func(pid int) error { return e.view.group.AddExec(sub, pid, e.view.init.PID) }
	}
	e.launch.cpus = affinity(e.launch.plan, "initial")
	e.launch.in.FreeCPUs = e.launch.cpus == "" && affinity(e.launch.plan, "final") == "" && e.view.group.Join() != cgroup.JoinNone
	return e.explain(e.launch.start(at, nil))
}

func affinity(p *plan.Plan, when string) string {
	for _, s := range p.Steps {
		if a, ok := s.(plan.CPUAffinity); ok && a.When == when {
			return a.CPUs
		}
	}
	return ""
}

// finish is what follows once the process is ready to run its program.
func (e *execution) finish() error {
	if err := e.launch.untilReady(); err != nil {
		return e.explain(err)
	}
	for i, s := range e.launch.plan.Steps {
		if e.launch.plan.Phases[i] != plan.Prepare {
			continue
		}
		if err := applyOutside(e.launch.pid, s); err != nil {
			return stepError(e.launch.plan, i, err)
		}
	}
	// Not before, as the process may have been forked on the way.
	if err := setAffinity(e.launch.pid, affinity(e.launch.plan, "final")); err != nil {
		return fmt.Errorf("process.execCPUAffinity.final: %w", err)
	}
	if group := resctrlOf(e.view.Container); group != nil {
		// It is our child, and not the init's, whose group it would be born in.
		if err := group.AddProcess(e.launch.pid); err != nil {
			return err
		}
	}
	if err := e.launch.announce(&e.console, console.Exec, e.opts.PidFile); err != nil {
		return e.explain(err)
	}
	return e.explain(e.launch.untilRunning())
}

func (e *execution) explain(err error) error {
	if !errors.Is(err, errGone) {
		return err
	}
	return fmt.Errorf("the process ended before its program ran: %s", statusText(e.launch.end()))
}

func (e *execution) answer(m lower.Message, fds []int) error {
	switch m.Request {
	case lower.Console:
		return e.console.accept(fds)
	case lower.Listener:
		status := e.view.status
		if status == statusPaused { // which the specification does not know
			status = specs.StateRunning
		}
		return sendListener(&e.filter, processState(e.cfg.Spec, e.view.Container, status, e.view.init.PID), e.launch.pid, int(m.Value))
	}
	return lower.ErrMessage
}
