package libcontainer

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// decideBoot finds out whether the container's process is an init, and then
// adapts the configuration to what an init needs.
func (c *container) decideBoot() error {
	config, warnings, err := nspawn.ReadConfig(nspawn.ConfigPath)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		c.rt.warn(w)
	}
	flag, err := nspawn.ParseMode(c.rt.BootMode)
	if err != nil {
		return err
	}
	var tree *nspawn.RootTree
	open := func() (nspawn.Tree, error) {
		if tree == nil {
			var err error
			if tree, err = nspawn.OpenTree(rootPath(c.spec, c.opts.Bundle)); err != nil {
				return nil, err
			}
		}
		return tree, nil
	}
	decision, err := nspawn.Decide(c.spec, nspawn.Sources{Flag: flag, Config: config.Boot}, open)
	if tree != nil {
		defer tree.Close()
	}
	if err != nil {
		return err
	}
	if c.registers, err = nspawn.Registers(c.spec, c.wantsRegister(decision.Boot && config.Register)); err != nil {
		return err
	}
	if !decision.Boot {
		return c.noSystem(decision.Reason)
	}
	return c.bootAs(decision, tree, config)
}

// wantsRegister is what the command line says about machined, otherwise where it
// says nothing.
func (c *container) wantsRegister(otherwise bool) bool {
	return c.run != nil && c.run.Register || otherwise && (c.run == nil || !c.run.NoRegister)
}

// noSystem tells whoever asked for what only systems have.
func (c *container) noSystem(reason string) error {
	if c.run == nil {
		return nil
	}
	if c.run.Console != "" {
		if _, err := consoleMode(c.run.Console, false); err != nil {
			return err
		}
	}
	if flags := c.run.systemFlags(); flags != "" {
		c.rt.warn(flags + " is for booted systems and does nothing here: " + reason)
	}
	return nil
}

// systemFlags are the flags that were given and mean something to booted
// systems only, separated by commas.
func (o *RunOptions) systemFlags() string {
	var list []string
	for _, f := range [...]struct {
		given bool
		name  string
	}{
		{o.Console != "", "--console"}, {len(o.SetCredentials) > 0, "--set-credential"},
		{len(o.LoadCredentials) > 0, "--load-credential"}, {o.NotifyReady, "--notify-ready"}, {o.KeepUnit, "--keep-unit"},
	} {
		if f.given {
			list = append(list, f.name)
		}
	}
	return strings.Join(list, ", ")
}

// bootAs prepares for the init that was found.
func (c *container) bootAs(decision nspawn.Decision, tree nspawn.Tree, config nspawn.Config) error {
	err := nspawn.CheckAnnotations(c.spec)
	if err != nil {
		return err
	}
	if err := c.chooseConsole(); err != nil {
		return err
	}
	facts, err := c.bootFacts(decision, tree)
	if err != nil {
		return err
	}
	if c.stop, err = nspawn.StopOf(c.spec, decision.Init.Kind, config.KeepSIGTERM); err != nil {
		return err
	}
	if c.console.system != nil {
		c.console.system.stop = unix.Signal(c.stop.Signal)
	}
	c.adapt(decision, nspawn.Adapt(c.spec, facts))
	return nil
}

// adapt makes the changes that the configuration has words for, and leaves the
// others to the plan.
func (c *container) adapt(decision nspawn.Decision, additions []nspawn.Addition) {
	adapted, applied, rest := nspawn.Apply(c.spec, additions)
	c.spec = adapted
	b := &plan.Boot{Why: decision.Reason, Supervised: c.console.system != nil}
	for _, a := range rest {
		step := plan.Adaptation{Change: a.Change, Reason: a.Reason}
		switch change := a.Change.(type) {
		case nspawn.CgroupTree:
			b.V1 = plan.CgroupV1{
				ReadonlyControllers: change.ReadonlyControllers,
				Unified:             change.Hierarchy == nspawn.Hybrid,
			}
			b.Changed = append(b.Changed, step)
		case nspawn.Delegate, nspawn.Note:
			b.Changed = append(b.Changed, step)
		case nspawn.ShareMounts:
			b.Last = append(b.Last, step)
		default:
			b.Steps = append(b.Steps, step)
		}
	}
	for _, a := range applied {
		b.Changed = append(b.Changed, plan.Adaptation{Change: a.Change, Reason: a.Reason})
	}
	c.boot = b
}

// bootFacts gathers what booting needs to know about the host, the tree and
// this command.
func (c *container) bootFacts(decision nspawn.Decision, tree nspawn.Tree) (nspawn.Facts, error) {
	f, err := nspawn.Gather(tree, decision, c.opts.ID, bootHierarchy())
	if err != nil {
		return f, err
	}
	if !c.wait && c.spec.Process.Terminal {
		f.Term = os.Getenv("TERM")
	}
	if c.console.system != nil {
		f.Notify, f.Supervised = true, true
	}
	f.Credentials, err = c.credentials()
	return f, err
}

func bootHierarchy() nspawn.Hierarchy {
	switch cgroup.Mode() {
	case cgroup.Unified:
		return nspawn.Unified
	case cgroup.Hybrid:
		return nspawn.Hybrid
	}
	var st unix.Statfs_t
	if unix.Statfs(cgroup.Root+"/systemd", &st) != nil {
		return nspawn.Unknown
	}
	return nspawn.Legacy
}

// readLine is the first line of a small file, "" when it cannot be read.
func readLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// How a booted system ended, by the signal that the kernel says killed PID 1
// when it called reboot(2) in its PID namespace.
const (
	// rebootStatus is systemd-nspawn's exit code for a reboot, for the
	// RestartForceExitStatus= of a unit.
	rebootStatus = 133
	rebooted     = unix.SIGHUP
	poweredOff   = unix.SIGINT
)
