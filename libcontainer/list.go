package libcontainer

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/spec/jsonio"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// ContainerInfo is one line of a list; its JSON is runc's.
type ContainerInfo struct {
	OCIVersion string `json:"ociVersion"`
	ID         string `json:"id"`
	// Pid is the init's process ID, 0 when the container has stopped.
	Pid     int                  `json:"pid"`
	Status  specs.ContainerState `json:"status"`
	Bundle  string               `json:"bundle"`
	Rootfs  string               `json:"rootfs"`
	Created time.Time            `json:"created"`
	// Annotations are those of the configuration; LoadAnnotations fills them in.
	Annotations map[string]string `json:"annotations,omitempty"`
	// Owner is the name of the user who made the container, "#UID" for one without a name.
	Owner string `json:"owner"`
}

// List describes all containers of the state directory, nil when there is none. One that cannot be read is told as
// a warning and left out; what a killed create left behind is listed, so that it can be seen and deleted.
func (r *Runtime) List() ([]ContainerInfo, error) {
	ids, err := state.List(r.Root)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	all := make([]ContainerInfo, 0, len(ids))
	owners := make(map[int]string)
	memory := new(state.Memory)
	for _, id := range ids {
		c, err := r.info(id, memory, owners)
		switch {
		case err == nil:
			all = append(all, c)
		case errors.Is(err, state.ErrNotExist): // deleted while we listed
		default:
			r.warn("list container " + id + ": " + err.Error())
		}
	}
	return all, nil
}

func (r *Runtime) info(id string, memory *state.Memory, owners map[int]string) (ContainerInfo, error) {
	dir, err := state.Open(r.Root, id)
	if err != nil {
		return ContainerInfo{}, err
	}
	defer dir.Close()
	v := &view{dir: dir, memory: memory}
	err = v.describe()
	if errors.Is(err, state.ErrNotExist) {
		creating, err := dir.Creating()
		if err != nil {
			return ContainerInfo{}, err
		}
		// There is a directory without a description: create is at it, or was killed.
		v.Container = &state.Container{Owner: os.Geteuid(), Cgroup: cgroup.Saved{}}
		v.status = specs.StateStopped
		if creating {
			v.status = specs.StateCreating
		}
	} else if err != nil {
		return ContainerInfo{}, err
	}
	if _, ok := owners[v.Owner]; !ok {
		owners[v.Owner] = userName(v.Owner)
	}
	return ContainerInfo{
		// The next is read to the same memory.
		OCIVersion: strings.Clone(v.OCIVersion), ID: id, Pid: v.pid(), Status: v.status,
		Bundle: strings.Clone(v.Bundle), Rootfs: strings.Clone(v.Rootfs),
		Created: v.Created, Owner: owners[v.Owner],
	}, nil
}

// LoadAnnotations reads the annotations of listed containers. They lie in the configurations, which a table does
// not need and which are most of what there is to read. A container that is gone by now has none, and one whose configuration
// is damaged is told as a warning.
func (r *Runtime) LoadAnnotations(all []ContainerInfo) {
	for i := range all {
		raw, err := r.config(all[i].ID)
		if errors.Is(err, state.ErrNotExist) {
			continue
		}
		if err == nil {
			all[i].Annotations, err = annotations(raw)
		}
		if err != nil {
			r.warn("read annotations of container " + all[i].ID + ": " + err.Error())
		}
	}
}

func (r *Runtime) config(id string) ([]byte, error) {
	dir, err := state.Open(r.Root, id)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Config()
}

// annotations reads one member of a configuration and skips the rest.
func annotations(config []byte) (map[string]string, error) {
	var m map[string]string
	r := jsonio.NewReader(config)
	for key, ok := r.Object(); ok; key, ok = r.Key() {
		if key != "annotations" {
			r.Skip()
			continue
		}
		m = make(map[string]string)
		for k, ok := r.Object(); ok; k, ok = r.Key() {
			m[strings.Clone(k)] = strings.Clone(r.String()) // they would keep the whole document alive
		}
	}
	if err := r.Err(); err != nil {
		return nil, err // as an *Error it would never be nil
	}
	return m, nil
}

// userName looks a user up in /etc/passwd, "#UID" when it is not there. runc asks the C library's name services,
// which a static program has not.
func userName(uid int) string {
	number := strconv.Itoa(uid)
	if uid == 0 {
		return "root"
	}
	raw, err := os.ReadFile("/etc/passwd")
	if err == nil {
		for line := range strings.Lines(string(raw)) {
			f := strings.SplitN(line, ":", 4)
			if len(f) == 4 && f[2] == number {
				return f[0]
			}
		}
	}
	return "#" + number
}
