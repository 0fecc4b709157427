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
	if err != nil || !decision.Boot {
		return err
	}
	if _, err := open(); err != nil {
		return err
	}
	if err := c.chooseConsole(); err != nil {
		return err
	}
	facts, err := c.bootFacts(decision, tree)
	if err != nil {
		return err
	}
	c.registers = config.Register && (c.run == nil || !c.run.NoRegister)
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
	adapted, rest := nspawn.Apply(c.spec, additions)
	c.spec = adapted
	b := &plan.Boot{Why: decision.Reason, Supervised: c.console.system != nil}
	left := make(map[string]bool, len(rest))
	for _, a := range rest {
		step := plan.Adaptation{Change: a.Change, Reason: a.Reason}
		left[a.String()] = true
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
	for _, a := range additions {
		if !left[a.String()] {
			b.Changed = append(b.Changed, plan.Adaptation{Change: a.Change, Reason: a.Reason})
		}
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
