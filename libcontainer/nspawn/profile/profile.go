// Package profile writes the configuration of containers that are set up as
// systemd-nspawn 257 sets them up: its mount tables, devices, capabilities,
// system call filter, limits and environment in the terms of an OCI bundle.
//
// What the OCI schema has no word for is left to what the runtime adds when it
// boots a container (nspawn.Adapt) or kept as an annotation, so that the same
// bundle boots under another runtime as far as that can be done there.
//
// It is pure: facts about the host are options. It must not be imported by the
// runtime's start path; it imports the OCI types, caps, nspawn and syscalls.
package profile

import (
	"fmt"
	"path"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/syscalls"
)

// Network is how a container is connected.
type Network string

// The networks. Host is nspawn's default; Private has lo only; Veth has host0
// as well.
const (
	Host    Network = "host"
	Private Network = "private"
	Veth    Network = "veth"
)

// UserRange is the range of user and group ids that the container's 0… are.
type UserRange struct {
	Base, Count uint32
}

// Version is the oldest of the specification's that has all that is written:
// runtimes refuse versions that they have not heard of.
const Version = "1.0.2"

// Options say what container is wanted; the zero value with Init set is that
// of `systemd-nspawn --boot`.
type Options struct {
	// Boot starts Init (or nspawn's first candidate) with Args as arguments;
	// without it Args is the command, a shell when there is none.
	Boot bool
	Init nspawn.Init
	Args []string
	// ProcessTwo asks for a stub as PID 1.
	ProcessTwo bool

	Rootfs            string // root.path, "rootfs" when empty
	Machine, Hostname string // Hostname is Machine when empty
	MachineID         string // 32 hex digits or empty
	Env               []string
	Cwd               string
	User              specs.User
	UserName          string // for HOME, USER and LOGNAME; "root" when empty
	Home              string
	Terminal          bool
	Arch              string // GOARCH of the tree: amd64, arm64

	// Capability masks; bit n is capability n. Dropping wins.
	AddCapabilities, DropCapabilities, AmbientCapabilities uint64

	NoNewPrivileges bool
	SystemCalls     syscalls.Request
	SuppressSync    bool
	Rlimits         []specs.POSIXRlimit // each replaces nspawn's of that type
	NrOpen          uint64              // fs.nr_open of the host, 0: not known
	// HardLimits, where the runtime has no CAP_SYS_RESOURCE, are its own
	// hard limits: nspawn's are clipped to them, as nspawn does.
	HardLimits []specs.POSIXRlimit
	// Available are the capabilities of the runtime's bounding set, 0: all.
	// nspawn, too, leaves out what it cannot give.
	Available uint64

	OOMScoreAdj *int
	CPUAffinity string // a list as in cpuset(7)
	KillSignal  string // replaces the init's own stop signal
	Personality string // x86-64, x86, arm64, arm

	ReadOnly     bool
	Volatile     string // "", no, yes, state, overlay
	Mounts       []specs.Mount
	Inaccessible []string

	PrivateUsers *UserRange
	Ownership    string // off, map, chown, auto

	Network        Network
	NetworkOptions []string // "Bridge=br0", as in a .nspawn file

	Memory int64   // bytes, 0: no limit
	CPUs   float64 // of one CPU's time, 0: no limit
	Pids   int64   // 0: machined's 16384 for a booted container

	// Fuse and Tun say that the host has /dev/fuse and /dev/net/tun.
	Fuse, Tun bool

	Credentials []nspawn.Credential
}

// tasksMax is what machined gives a container's scope.
const tasksMax = 16384

func (o *Options) privateNetwork() bool { return o.Network == Private || o.Network == Veth }

// Profile makes the configuration.
func Profile(o Options) (*specs.Spec, error) {
	bounding := bounding(&o)
	filter, err := seccomp(&o, bounding)
	if err != nil {
		return nil, err
	}
	process, err := process(&o, bounding)
	if err != nil {
		return nil, err
	}
	personality, err := Personality(o.Personality)
	if err != nil {
		return nil, err
	}
	mounts, err := mounts(&o)
	if err != nil {
		return nil, err
	}
	spec := &specs.Spec{
		Version:  Version,
		Process:  process,
		Root:     &specs.Root{Path: orElse(o.Rootfs, "rootfs"), Readonly: o.readOnlyRoot()},
		Hostname: orElse(o.Hostname, o.Machine),
		Mounts:   mounts,
		Linux: &specs.Linux{
			Namespaces:    namespaces(&o),
			Devices:       devices(&o),
			Resources:     resources(&o),
			Seccomp:       filter,
			MaskedPaths:   maskedPaths(&o),
			ReadonlyPaths: nspawn.ReadonlyPaths(),
			Personality:   personality,
		},
	}
	if r := o.PrivateUsers; r != nil {
		mapping := []specs.LinuxIDMapping{{ContainerID: 0, HostID: r.Base, Size: r.Count}}
		spec.Linux.UIDMappings, spec.Linux.GIDMappings = mapping, mapping
	}
	spec.Annotations = annotations(&o)
	return spec, nil
}

func (o *Options) readOnlyRoot() bool {
	return o.ReadOnly || o.Volatile != "" && o.Volatile != "no"
}

func namespaces(o *Options) []specs.LinuxNamespace {
	list := []specs.LinuxNamespace{
		{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace},
		{Type: specs.MountNamespace}, {Type: specs.CgroupNamespace},
	}
	if o.privateNetwork() {
		list = append(list, specs.LinuxNamespace{Type: specs.NetworkNamespace})
	}
	if o.PrivateUsers != nil {
		list = append(list, specs.LinuxNamespace{Type: specs.UserNamespace})
	}
	return list
}

func annotations(o *Options) map[string]string {
	a := map[string]string{annotation.Boot: "no"}
	set := func(key, value string) {
		if value != "" {
			a[key] = value
		}
	}
	if o.Boot {
		a[annotation.Boot] = "yes"
		a[annotation.StopSignal] = initOf(o).Kind.StopSignal()
	}
	set(annotation.StopSignal, o.KillSignal)
	set(annotation.Machine, o.Machine)
	set(annotation.MachineID, o.MachineID)
	if o.privateNetwork() {
		a[annotation.Network] = string(o.Network)
	}
	set(annotation.NetworkOptions, strings.Join(o.NetworkOptions, "\n"))
	if o.Volatile != "no" {
		set(annotation.Volatile, o.Volatile)
	}
	if o.PrivateUsers != nil {
		set(annotation.Ownership, o.Ownership)
	}
	for _, c := range o.Credentials {
		a[annotation.Credential+c.ID] = string(c.Value)
	}
	return a
}

// Personality is the execution domain of a Personality= of nspawn's, nil for "".
func Personality(name string) (*specs.LinuxPersonality, error) {
	switch name {
	case "":
		return nil, nil
	case "x86-64", "arm64":
		return &specs.LinuxPersonality{Domain: specs.PerLinux}, nil
	case "x86", "arm":
		return &specs.LinuxPersonality{Domain: specs.PerLinux32}, nil
	}
	return nil, fmt.Errorf("personality %q: want x86-64, x86, arm64 or arm", name)
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return path.Clean(value)
}
