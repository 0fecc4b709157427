package nspawn

import (
	"strings"
	"testing"
)

func TestCheckAnnotations(t *testing.T) {
	for _, c := range []struct {
		name, value string
		good        bool
	}{
		{AnnotationMachine, "box-1.example", true},
		{AnnotationMachine, "a_b/../c d", false},
		{AnnotationMachine, "", false},
		{AnnotationMachineID, "0123456789abcdef0123456789abcdef", true},
		{AnnotationMachineID, "01234567-89ab-cdef-0123-456789abcdef", true},
		{AnnotationMachineID, "00000000000000000000000000000000", false},
		{AnnotationMachineID, "box", false},
		{AnnotationCredential + "a.b", "x", true},
		{AnnotationCredential + "a/b", "x", false},
		{AnnotationCredential, "x", false},
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
		spec.Annotations = map[string]string{AnnotationRegister: value}
		if on, err := Registers(spec, !want); on != want || err != nil {
			t.Errorf("%s: %t, %v", value, on, err)
		}
	}
	spec.Annotations[AnnotationRegister] = "maybe"
	if _, err := Registers(spec, true); err == nil || !strings.Contains(err.Error(), AnnotationRegister) {
		t.Errorf("maybe: %v", err)
	}
}
