package bundle

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
)

// appAnnotations writes what the runtime acts on and the schema has no field for; a booted system's are the profile's.
func (w *work) appAnnotations(s *specs.Spec) {
	o := &w.o.Spec
	set := func(key, value string) {
		if value == "" {
			return
		}
		if s.Annotations == nil {
			s.Annotations = map[string]string{}
		}
		s.Annotations[key] = value
	}
	if o.Volatile != "no" {
		set(nspawn.AnnotationVolatile, o.Volatile)
	}
	if o.PrivateUsers != nil {
		set(nspawn.AnnotationOwnership, o.Ownership)
	}
}
