package bundle

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
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
		set(annotation.Volatile, o.Volatile)
	}
	if o.Network == profile.Veth {
		set(annotation.Network, string(o.Network))
		set(annotation.NetworkOptions, strings.Join(o.NetworkOptions, "\n"))
		set(annotation.Machine, o.Machine)
	}
	if o.More != nil {
		set(annotation.StopSignal, o.More.KillSignal)
	}
	if o.PrivateUsers != nil {
		set(annotation.Ownership, o.Ownership)
	}
}
