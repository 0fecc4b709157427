package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// TestStepErrorOfRuntime: what the runtime fails to open by itself is explained as where the init fails.
func TestStepErrorOfRuntime(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to clone mounts")
	}
	missing := plan.Mount{Source: t.TempDir() + "/missing", Destination: "/mnt", Bind: plan.BindOne, ByRuntime: true}
	c := &container{plan: &plan.Plan{Steps: []plan.Step{plan.NewSession{}, missing}}, spec: &specs.Spec{}}
	err := c.openSources()
	step, ok := errors.AsType[*StepError](err)
	if !ok || step.Number != 2 || !errors.Is(err, unix.ENOENT) {
		t.Fatalf("not the second step's ENOENT: %#v", err)
	}
	init := &StepError{missing, 2, unix.ENOENT}
	if err.Error() != init.Error() || !strings.Contains(err.Error(), "the source is missing") {
		t.Errorf("the runtime says\n%v\nand the init\n%v", err, init)
	}
}

// TestStepErrorExplained: what brings its own explanation gets no other.
func TestStepErrorExplained(t *testing.T) {
	mount := plan.Mount{Source: "/a", Destination: "/mnt", Bind: plan.BindOne}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{unix.EINVAL, ": invalid argument: a directory goes on a directory"},
		{fmt.Errorf("%w: no idmapped mounts there", unix.EINVAL), ": invalid argument: no idmapped mounts there (plan step 1; see gspawn-oci plan)"},
		{unix.EIO, ": input/output error (plan step 1; see gspawn-oci plan)"},
	} {
		text := stepError(&plan.Plan{Steps: []plan.Step{mount}}, 0, tt.err).Error()
		if !strings.Contains(text, tt.want) {
			t.Errorf("%q, want %q in it", text, tt.want)
		}
	}
}

func TestUnknownRlimit(t *testing.T) {
	err := applyOutside(0, plan.Rlimit{Type: "RLIMIT_NONE"})
	if err == nil || !strings.Contains(err.Error(), `process.rlimits: "RLIMIT_NONE"`) {
		t.Errorf("%v names not the field and the value", err)
	}
}
