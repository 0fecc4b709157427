package hooks

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/jsonout"
)

// State writes the container's state as hooks read it on their standard input
// (runtime-spec, runtime.md "State"), without a newline at the end. The pid is
// that seen by the hook, and left out when 0; annotations are left out when
// there are none.
func State(s specs.State) []byte {
	var w jsonout.Writer
	w.Grow(128 + len(s.ID) + len(s.Bundle) + 64*len(s.Annotations))
	w.Object()
	w.Key("ociVersion").String(s.Version)
	w.Key("id").String(s.ID)
	w.Key("status").String(string(s.Status))
	if s.Pid != 0 {
		w.Key("pid").Int(int64(s.Pid))
	}
	w.Key("bundle").String(s.Bundle)
	if len(s.Annotations) > 0 {
		w.Key("annotations").StringMap(s.Annotations)
	}
	w.End()
	return w.Bytes()
}
