package libcontainer

import (
	"path/filepath"

	"github.com/gspawn/gspawn-oci/libcontainer/companion"
	"github.com/gspawn/gspawn-oci/libcontainer/intelrdt"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// Plan compiles the configuration of a bundle for this host and changes
// nothing. The id, which the plan does not depend on but for names, is the
// directory's.
func (r *Runtime) Plan(bundle string) (*plan.Plan, error) {
	c := &container{rt: r, opts: &CreateOptions{ID: filepath.Base(bundle), Bundle: bundle}, wait: true}
	if err := c.load(); err != nil {
		return nil, err
	}
	if err := c.prepareCgroup(); err != nil {
		return nil, err
	}
	if err := c.compile(); err != nil {
		return nil, err
	}
	if err := c.foresee(); err != nil {
		return nil, err
	}
	return c.plan, nil
}

// compile makes the plan, and adds to its warnings those about the configuration.
func (c *container) compile() (err error) {
	c.plan, err = plan.Compile(c.spec, c.rt.facts(c.spec, c.opts.Bundle, c.group), plan.Options{
		ID: c.opts.ID, Bundle: c.opts.Bundle, NoPivot: c.opts.NoPivot, NoNewKeyring: c.opts.NoNewKeyring,
		Wait: c.wait, Seccomp: len(c.cfg.Seccomp) > 0, Boot: c.boot,
	})
	if err != nil {
		return err
	}
	for _, w := range c.warned {
		c.plan.Warnings = append(c.plan.Warnings, spec.ConfigName+": "+w.Error())
	}
	return nil
}

// foresee says what create would find out beside the plan. A profile or a group
// that is wrong is an error here as there; what this machine lacks is a warning,
// since the bundle may be meant for another.
func (c *container) foresee() error {
	warn := func(err error) {
		if err != nil {
			c.plan.Warnings = append(c.plan.Warnings, err.Error())
		}
	}
	warn(c.checkRoot())
	if rdt := c.spec.Linux.IntelRdt; rdt != nil {
		root, err := resctrlRoot()
		warn(err)
		if _, err := intelrdt.New(root, c.opts.ID, *rdt); err != nil {
			return err
		}
	}
	if len(c.cfg.Seccomp) == 0 {
		return nil
	}
	if _, err := companion.Find(seccomp.HelperName); err != nil && !seccomp.InProcess {
		warn(err)
		return nil
	}
	_, err := seccomp.Load(c.cfg.Seccomp, "") // which keeps nothing
	return err
}
