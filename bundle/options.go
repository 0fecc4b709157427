package bundle

import (
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/syscalls"
)

// Options say what is imported, to where, and what the bundle shall be like.
type Options struct {
	Source string   // a path, path:reference, or "-" for Stdin
	Dest   string   // the bundle; with MachinesDir it may be empty
	Stdin  *os.File // for the source "-"

	Ref      string // which image of several
	Platform string // "os/arch[/variant]"; empty: this machine's

	Copy     bool // copy a directory instead of pointing to it
	Force    bool // replace a bundle at Dest
	NoSync   bool // leave the writing to disk to the kernel
	Rootless bool // see layer.Options

	// MachinesDir is where the tree goes instead of into the bundle, under the name Machine; empty: into the bundle.
	MachinesDir string

	MaxSize  int64 // bytes of files; 0 is no limit
	MaxFiles int64 // entries; 0 is no limit
	MaxRatio int64 // of decompression; 0 is no limit

	Spec SpecOptions

	// OnEvent is called as layers are begun; it may be nil.
	OnEvent func(Event)
	// Progress may be read by others while Import runs; it may be nil.
	Progress *Progress
}

// Defaults of the limits: generous, and no danger to a disk or to memory.
const (
	DefaultMaxSize  = 64 << 30
	DefaultMaxFiles = 2_000_000
	DefaultMaxRatio = 1100 // gzip cannot do more than 1032
)

// SpecOptions shape config.json.
type SpecOptions struct {
	Boot     nspawn.Mode // Unset is Auto
	Machine  string      // empty: made of Dest's name
	Hostname string      // empty: Machine
	Command  []string    // replaces the image's command
	User     *string     // replaces the image's user
	Env      []string
	Terminal bool

	ReadOnly     bool
	Volatile     string
	Mounts       []specs.Mount
	Inaccessible []string
	TmpfsVolumes bool

	Network        profile.Network // empty: host for a booted system, private for an application
	NetworkOptions []string
	PrivateUsers   *profile.UserRange
	Ownership      string

	Memory, Pids int64
	CPUs         float64

	AddCapabilities, DropCapabilities, AmbientCapabilities uint64
	AllCapabilities                                        uint64 // those that exist here; 0: not known
	SystemCalls                                            syscalls.Request
	FilterSystemCalls                                      bool // SystemCalls were given: an application gets a filter too
	NoNewPrivileges                                        bool

	// More has what only nspawn's settings name: limits, affinity, personality, machine id, kill signal, credentials and
	// settings without a field. Its other fields are not used. May be nil.
	More *profile.Options
}

func (o *Options) uidShift() uint32 {
	if r := o.Spec.PrivateUsers; r != nil {
		return r.Base
	}
	return 0
}

// Event is a step of an import, for those who watch.
type Event struct {
	Kind   string // "layer", "copy", "sync"
	Layer  int    // from 1
	Layers int
	Name   string
	Format string
	Bytes  int64 // stored size
}

// Report is what an import did.
type Report struct {
	Bundle  string   `json:"bundle"`
	Rootfs  string   `json:"rootfs"`
	Source  string   `json:"source"`
	Ref     string   `json:"ref,omitempty"`
	Digest  string   `json:"digest,omitempty"`
	Layers  int      `json:"layers"`
	Files   int64    `json:"files"`
	Bytes   int64    `json:"bytes"`
	Boot    bool     `json:"boot"`
	Init    string   `json:"init,omitempty"`
	Args    []string `json:"args"`
	Notices []string `json:"notices,omitempty"`
	Seconds float64  `json:"seconds"`
}
