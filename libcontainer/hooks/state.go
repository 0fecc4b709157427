package hooks

import "github.com/gspawn/gspawn-oci/libcontainer/jsonout"

// State is the container's state as hooks read it on their standard input
// (runtime-spec, runtime.md "State"), without a newline at the end. pid is that
// seen by the hook, and left out when 0; annotations are left out when there are
// none. bundle is absolute.
func State(version, id, status string, pid int, bundle string, annotations map[string]string) []byte {
	var w jsonout.Writer
	w.Grow(128 + len(id) + len(bundle) + 64*len(annotations))
	w.Object()
	w.Key("ociVersion").String(version)
	w.Key("id").String(id)
	w.Key("status").String(status)
	if pid != 0 {
		w.Key("pid").Int(int64(pid))
	}
	w.Key("bundle").String(bundle)
	if len(annotations) > 0 {
		w.Key("annotations").StringMap(annotations)
	}
	w.End()
	return w.Bytes()
}
