package nspawn

import (
	"fmt"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/naming"
)

// CheckAnnotations says what is wrong with the annotations of a bundle that is
// booted. The bundle may be somebody else's: what it names itself goes to
// systemd's tools and into the container.
func CheckAnnotations(spec *specs.Spec) error {
	wrong := func(name string, err error) error { return fmt.Errorf("annotations[%q]: %w", name, err) }
	if name, set := spec.Annotations[annotation.Machine]; set {
		if err := naming.CheckMachine(name); err != nil {
			return wrong(annotation.Machine, err)
		}
	}
	if text, set := spec.Annotations[annotation.MachineID]; set {
		if _, ok := ParseID(text); !ok {
			return wrong(annotation.MachineID, fmt.Errorf("%q is no machine id: want 32 hexadecimal digits, not all 0", text))
		}
	}
	for name := range spec.Annotations {
		if id, ok := strings.CutPrefix(name, annotation.Credential); ok {
			if err := CheckCredentialID(id); err != nil {
				return wrong(name, err)
			}
		}
	}
	return nil
}

// Registers says what a bundle says about machined, otherwise where it says
// nothing.
func Registers(spec *specs.Spec, otherwise bool) (bool, error) {
	text, set := spec.Annotations[annotation.Register]
	if !set {
		return otherwise, nil
	}
	on, err := ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("annotations[%q]: %w", annotation.Register, err)
	}
	return on, nil
}
