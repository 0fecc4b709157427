package nspawn

import (
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
)

func TestCheckAnnotations(t *testing.T) {
	for _, c := range []struct {
		name, value string
		good        bool
	}{
		{annotation.Machine, "box-1.example", true},
		{annotation.Machine, "a_b/../c d", false},
		{annotation.Machine, "", false},
		{annotation.MachineID, "0123456789abcdef0123456789abcdef", true},
		{annotation.MachineID, "01234567-89ab-cdef-0123-456789abcdef", true},
		{annotation.MachineID, "00000000000000000000000000000000", false},
		{annotation.MachineID, "box", false},
		{annotation.Credential + "a.b", "x", true},
		{annotation.Credential + "a/b", "x", false},
		{annotation.Credential, "x", false},
	} {
		spec := bootable("/sbin/init")
		spec.Annotations = map[string]string{c.name: c.value}
		err := CheckAnnotations(spec)
		if (err == nil) != c.good || err != nil && !strings.Contains(err.Error(), `annotations["`+c.name) {
			t.Errorf("%s=%q: %v", c.name, c.value, err)
		}
	}
}

func TestRegisters(t *testing.T) {
	spec := bootable("/sbin/init")
	if on, err := Registers(spec, true); !on || err != nil {
		t.Errorf("nothing said: %t, %v", on, err)
	}
	for value, want := range map[string]bool{"yes": true, "no": false} {
		spec.Annotations = map[string]string{annotation.Register: value}
		if on, err := Registers(spec, !want); on != want || err != nil {
			t.Errorf("%s: %t, %v", value, on, err)
		}
	}
	spec.Annotations[annotation.Register] = "maybe"
	if _, err := Registers(spec, true); err == nil || !strings.Contains(err.Error(), annotation.Register) {
		t.Errorf("maybe: %v", err)
	}
}
