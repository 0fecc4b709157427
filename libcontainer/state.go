package libcontainer

import (
	"io"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/jsonout"
)

// State is what `state` tells of a container: the specification's fields, and
// those that runc adds.
type State struct {
	specs.State
	Rootfs  string
	Created time.Time
	Owner   string
}

// State tells what a container is doing.
func (r *Runtime) State(id string) (*State, error) {
	v, err := r.glance(id)
	if err != nil {
		return nil, err
	}
	defer v.close()
	raw, err := v.dir.Config()
	if err != nil {
		return nil, err
	}
	notes, err := annotations(raw)
	if err != nil {
		return nil, err
	}
	return &State{
		State: specs.State{
			Version: v.OCIVersion, ID: v.ID, Status: v.status, Pid: v.pid(), Bundle: v.Bundle, Annotations: notes,
		},
		Rootfs: v.Rootfs, Created: v.Created, Owner: ownerName(v.Owner),
	}, nil
}

// ownerName is empty for root, as in runc's output.
func ownerName(uid int) string {
	if uid == 0 {
		return ""
	}
	return userName(uid)
}

// WriteJSON writes the state as runc does: indented, and with a pid of 0 for
// a container that has stopped.
func (s *State) WriteJSON(to io.Writer) error {
	w := jsonout.Writer{Pretty: true}
	w.Object()
	w.Key("ociVersion").String(s.Version)
	w.Key("id").String(s.ID)
	w.Key("pid").Int(int64(s.Pid))
	w.Key("status").String(string(s.Status))
	w.Key("bundle").String(s.Bundle)
	w.Key("rootfs").String(s.Rootfs)
	w.Key("created").String(s.Created.UTC().Format(time.RFC3339Nano))
	if len(s.Annotations) > 0 {
		w.Key("annotations").StringMap(s.Annotations)
	}
	w.Key("owner").String(s.Owner)
	w.End()
	_, err := to.Write(append(w.Bytes(), '\n'))
	return err
}
