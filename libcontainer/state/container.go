package state

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/jsonout"
	"github.com/gspawn/gspawn-oci/libcontainer/spec/jsonio"
)

// Container is what is decided about a container before it is made.
type Container struct {
	ID         string
	OCIVersion string
	// Bundle and Rootfs are absolute paths.
	Bundle, Rootfs string
	Created        time.Time
	// Owner is the user ID of who made the container.
	Owner int
	// Namespaces are the clone flags of the namespaces that are not the
	// runtime's own, be they new or joined.
	Namespaces uint64
	// PrivatePID says that killing the init kills all of the container.
	PrivatePID   bool
	NoNewKeyring bool
	// RootMount is the ID of the mount that Rootfs was on before a container
	// without a mount namespace mounted its own there; 0 for others.
	RootMount uint64
	// StopSignal shuts a booted system down; 0 for an application.
	StopSignal int
	// ReplaceTERM says that what engines stop anything with, SIGTERM most of
	// all, becomes StopSignal, as the system would misunderstand it.
	ReplaceTERM bool
	// Supervisor is the runtime that stays with a booted system, which is killed
	// when it dies; the zero Process for others.
	Supervisor Process
	Resctrl    Resctrl
	Cgroup     cgroup.Saved
}

// Resctrl is a container's place in the resctrl file system; package intelrdt
// says what its members mean. Dir is "" for a container that has none.
type Resctrl struct {
	Root, Dir string
	Own       bool
	Monitor   string
}

// WriteContainer keeps the container's description, in place of an earlier one:
// a kill leaves the one or the other, and never a part, since what is written
// there is all that tells of a control group.
func (d *Dir) WriteContainer(c *Container) error {
	var w jsonout.Writer
	w.Grow(1024)
	w.Object()
	w.Key("id").String(c.ID)
	w.Key("ociVersion").String(c.OCIVersion)
	w.Key("bundle").String(c.Bundle)
	w.Key("rootfs").String(c.Rootfs)
	w.Key("created").String(c.Created.UTC().Format(time.RFC3339Nano))
	w.Key("owner").Int(int64(c.Owner))
	w.Key("namespaces").Uint(c.Namespaces)
	w.Key("privatePID").Bool(c.PrivatePID)
	w.Key("noNewKeyring").Bool(c.NoNewKeyring)
	w.Key("rootMount").Uint(c.RootMount)
	w.Key("stopSignal").Int(int64(c.StopSignal))
	w.Key("replaceTERM").Bool(c.ReplaceTERM)
	if c.Supervisor.PID != 0 {
		w.Key("supervisor").String(c.Supervisor.text())
	}
	if c.Resctrl.Dir != "" {
		writeResctrl(&w, &c.Resctrl)
	}
	w.Key("cgroup")
	writeCgroup(&w, &c.Cgroup)
	w.End()
	if err := d.write(newStateFile, w.Bytes()); err != nil {
		return err
	}
	if err := unix.Renameat(d.fd, newStateFile, d.fd, stateFile); err != nil {
		return fmt.Errorf("write %q: %w", filepath.Join(d.path, stateFile), err)
	}
	return nil
}

func writeCgroup(w *jsonout.Writer, g *cgroup.Saved) {
	w.Object()
	w.Key("driver").String(string(g.Driver))
	w.Key("path").String(g.Path)
	w.Key("slice").String(g.Slice)
	w.Key("prefix").String(g.Prefix)
	w.Key("name").String(g.Name)
	w.Key("explicit").Bool(g.Explicit)
	w.Key("rootless").Bool(g.Rootless)
	w.Key("mode").String(string(g.Mode))
	if g.Owner != nil {
		w.Key("owner").Int(int64(*g.Owner))
	}
	w.Key("paths").StringMap(g.Paths)
	w.End()
}

// Container reads the description back. ErrNotExist says that the runtime
// was killed before it wrote one, ErrDamaged that it is none any more.
func (d *Dir) Container() (*Container, error) { return d.ContainerIn(new(Memory)) }

// Memory is where one description after another is read to.
type Memory struct {
	raw       [1024]byte
	container Container
}

// ContainerIn is Container for who reads many: what it returns, to the last
// string, is good until the next is read to the same memory.
func (d *Dir) ContainerIn(m *Memory) (*Container, error) {
	raw, err := d.read(stateFile, m.raw[:])
	if errors.Is(err, unix.ENOENT) {
		return nil, ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	paths := m.container.Cgroup.Paths
	clear(paths)
	m.container = Container{Cgroup: cgroup.Saved{Paths: paths}}
	c := &m.container
	r := jsonio.NewReader(raw)
	readContainer(&r, c)
	r.End()
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("read %q: %w: %w; delete --force removes the container", filepath.Join(d.path, stateFile), ErrDamaged, err)
	}
	return c, nil
}

// readContainer reads who the container is, and leaves the rest to the groups.
func readContainer(r *jsonio.Reader, c *Container) {
	for key, ok := r.Object(); ok; key, ok = r.Key() {
		switch key {
		case "id":
			c.ID = r.String()
		case "ociVersion":
			c.OCIVersion = r.String()
		case "bundle":
			c.Bundle = r.String()
		case "rootfs":
			c.Rootfs = r.String()
		case "created":
			// A time that cannot be read is shown as the zero time.
			c.Created, _ = time.Parse(time.RFC3339Nano, r.String())
		case "owner":
			c.Owner = int(r.Int(64))
		case "stopSignal", "replaceTERM", "supervisor":
			readBoot(r, key, c)
		default:
			readPlace(r, key, c)
		}
	}
}

// readBoot reads how a booted system is ended.
func readBoot(r *jsonio.Reader, key string, c *Container) {
	switch key {
	case "stopSignal":
		c.StopSignal = int(r.Int(32))
	case "replaceTERM":
		c.ReplaceTERM = r.Bool()
	case "supervisor":
		c.Supervisor = parseProcess(r.String())
	}
}

// readPlace reads what the container is in: namespaces, mounts, groups.
func readPlace(r *jsonio.Reader, key string, c *Container) {
	switch key {
	case "namespaces":
		c.Namespaces = r.Uint(64)
	case "privatePID":
		c.PrivatePID = r.Bool()
	case "noNewKeyring":
		c.NoNewKeyring = r.Bool()
	case "rootMount":
		c.RootMount = r.Uint(64)
	case "resctrl":
		readResctrl(r, &c.Resctrl)
	case "cgroup":
		readCgroup(r, &c.Cgroup)
	default:
		r.Skip()
	}
}

func writeResctrl(w *jsonout.Writer, g *Resctrl) {
	w.Key("resctrl").Object()
	w.Key("root").String(g.Root)
	w.Key("dir").String(g.Dir)
	w.Key("own").Bool(g.Own)
	w.Key("monitor").String(g.Monitor)
	w.End()
}

func readResctrl(r *jsonio.Reader, g *Resctrl) {
	for key, ok := r.Object(); ok; key, ok = r.Key() {
		switch key {
		case "root":
			g.Root = r.String()
		case "dir":
			g.Dir = r.String()
		case "own":
			g.Own = r.Bool()
		case "monitor":
			g.Monitor = r.String()
		default:
			r.Skip()
		}
	}
}

func readCgroup(r *jsonio.Reader, g *cgroup.Saved) {
	for key, ok := r.Object(); ok; key, ok = r.Key() {
		switch key {
		case "driver":
			g.Driver = cgroup.Driver(r.String())
		case "path":
			g.Path = r.String()
		case "slice":
			g.Slice = r.String()
		case "prefix":
			g.Prefix = r.String()
		case "name":
			g.Name = r.String()
		case "explicit":
			g.Explicit = r.Bool()
		case "rootless":
			g.Rootless = r.Bool()
		case "mode":
			g.Mode = cgroup.HostMode(r.String())
		case "owner":
			owner := int(r.Int(64))
			g.Owner = &owner
		case "paths":
			if g.Paths == nil {
				g.Paths = make(map[string]string)
			}
			readStringMap(r, g.Paths)
		default:
			r.Skip()
		}
	}
}

func readStringMap(r *jsonio.Reader, m map[string]string) {
	for key, ok := r.Object(); ok; key, ok = r.Key() {
		m[key] = r.String()
	}
}

// Config reads the copy of the configuration.
func (d *Dir) Config() ([]byte, error) {
	raw, err := d.read(configFile, nil)
	if errors.Is(err, unix.ENOENT) {
		return nil, ErrNotExist
	}
	return raw, err
}

// String is the process ID, for messages.
func (p Process) String() string { return strconv.Itoa(p.PID) }
