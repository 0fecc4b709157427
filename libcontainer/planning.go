package libcontainer

import (
	"path/filepath"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// Plan compiles the configuration of a bundle for this host and changes
// nothing. The id, which the plan does not depend on but for names, is the
// directory's.
func (r *Runtime) Plan(bundle string) (*plan.Plan, error) {
	c := &container{rt: r, opts: &CreateOptions{ID: filepath.Base(bundle), Bundle: bundle}, wait: true, listen: -1}
	if err := c.load(); err != nil {
		return nil, err
	}
	if err := c.prepareCgroup(); err != nil {
		return nil, err
	}
	err := c.compile()
	return c.plan, err
}
