package nspawn

import (
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// DefaultPath is the PATH that nspawn gives PID 1.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// WithPath is a process of a booted system with the PATH that its PID 1 got, when
// it has none.
func WithPath(p *specs.Process) *specs.Process {
	if _, ok := spec.Variable(p.Env, "PATH"); ok {
		return p
	}
	with := *p
	with.Env = append(p.Env[:len(p.Env):len(p.Env)], "PATH="+DefaultPath)
	return &with
}

// RunHost is the directory by which a container manager tells its payload
// about itself (systemd's CONTAINER_INTERFACE).
const RunHost = "/run/host"

// The words for `container=` and /run/host/container-manager.
const (
	// ManagerNspawn is that of bundles that we write: they are set up as
	// nspawn sets its containers up, and software asks for just that.
	ManagerNspawn = "systemd-nspawn"
	// ManagerOCI is that of an engine's bundle that names none: systemd then
	// tells podman and docker apart by their files.
	ManagerOCI = "oci"
)
