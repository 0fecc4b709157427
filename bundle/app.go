package bundle

import (
	"errors"
	"fmt"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/bundle/image"
	"github.com/gspawn/gspawn-oci/bundle/imageconfig"
	"github.com/gspawn/gspawn-oci/libcontainer/caps"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// appCapabilities are those that docker gives a container. Images are made for them: their entry points change owners
// and users.
const appCapabilities = 1<<0 | 1<<1 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<8 | 1<<10 | 1<<13 | 1<<18 | 1<<27 | 1<<29 | 1<<31

// App is the configuration of an application's container, before an image or options have changed it: what "spec"
// writes, with a writable root, docker's capabilities and the caller's limits.
func App() *specs.Spec {
	s := spec.Default()
	s.Version = profile.Version
	spec.AddCgroupNamespace(s)
	s.Root.Readonly = false
	s.Hostname = ""
	s.Process.Terminal = false
	s.Process.NoNewPrivileges = false
	s.Process.Rlimits = nil
	return s
}

// appSpec is the configuration of an application. Its process is what the image says.
func (w *work) appSpec(c *image.Config, p *specs.Process) (*specs.Spec, error) {
	o := &w.o.Spec
	s := App()
	s.Root.Path, s.Root.Readonly = w.rootfs, o.ReadOnly || o.Volatile != "" && o.Volatile != "no"
	s.Hostname = o.Hostname
	if s.Hostname == "" {
		s.Hostname = o.Machine
	}
	p.NoNewPrivileges = o.NoNewPrivileges
	if p.Terminal {
		p.Env = withTerm(p.Env)
	}
	p.Capabilities = appCaps(o, p.User.UID)
	s.Process = p
	if o.TmpfsVolumes {
		volumes, err := imageconfig.Volumes(c)
		if err != nil {
			return nil, err
		}
		for i := range volumes {
			w.ownVolume(&volumes[i])
		}
		s.Mounts = append(s.Mounts, volumes...)
	}
	if o.Volatile == "state" {
		s.Mounts = append(s.Mounts, profile.VolatileVar())
	}
	s.Mounts = append(s.Mounts, o.Mounts...)
	s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, o.Inaccessible...)
	if err := w.appMore(s); err != nil {
		return nil, err
	}
	w.appNamespaces(s)
	if !w.o.Rootless {
		appResources(s, o)
	}
	w.appAnnotations(s)
	if !o.FilterSystemCalls {
		return s, nil
	}
	f, err := profile.Profile(profile.Options{Args: p.Args, Arch: archOf(c), SystemCalls: o.SystemCalls,
		SuppressSync: o.More != nil && o.More.SuppressSync, AddCapabilities: o.AddCapabilities | appCapabilities, Available: o.AllCapabilities})
	if err != nil {
		return nil, err
	}
	s.Linux.Seccomp = f.Linux.Seccomp
	return s, nil
}

// appMore applies what only nspawn's settings name.
func (w *work) appMore(s *specs.Spec) (err error) {
	m, p := w.o.Spec.More, s.Process
	if m == nil {
		return nil
	}
	p.Rlimits, p.OOMScoreAdj = m.Rlimits, m.OOMScoreAdj
	if m.Cwd != "" {
		p.Cwd = m.Cwd
	}
	if m.ProcessTwo {
		return errors.New("ProcessTwo=: it is for booted systems and nspawn; an application is PID 1")
	}
	if m.MachineID != "" {
		p.Env = append(p.Env, "container_uuid="+nspawn.UUID(m.MachineID))
	}
	if m.SuppressSync && !w.o.Spec.FilterSystemCalls {
		w.report.Notices = append(w.report.Notices, "SuppressSync= has no effect on an application without SystemCallFilter=")
	}
	s.Linux.Personality, err = profile.Personality(m.Personality)
	return err
}

func withTerm(env []string) []string {
	for _, kv := range env {
		if len(kv) > 5 && kv[:5] == "TERM=" {
			return env
		}
	}
	return append(env, "TERM=xterm")
}

func appCaps(o *SpecOptions, uid uint32) *specs.LinuxCapabilities {
	mask := (uint64(appCapabilities) | o.AddCapabilities) &^ o.DropCapabilities
	if o.AllCapabilities != 0 {
		mask &= o.AllCapabilities
	}
	names := caps.Names(mask)
	ambient := caps.Names(o.AmbientCapabilities & mask)
	sets := &specs.LinuxCapabilities{Bounding: names, Inheritable: ambient, Ambient: ambient, Permitted: names, Effective: names}
	if uid != 0 {
		// execve leaves a user without capabilities, whatever is asked for here; say so.
		sets.Permitted, sets.Effective = ambient, ambient
	}
	return sets
}

// appNamespaces applies the network, private users and an import by an ordinary user.
func (w *work) appNamespaces(s *specs.Spec) {
	o := &w.o.Spec
	if o.Network == profile.Host {
		kept := s.Linux.Namespaces[:0]
		for _, ns := range s.Linux.Namespaces {
			if ns.Type != specs.NetworkNamespace {
				kept = append(kept, ns)
			}
		}
		s.Linux.Namespaces = kept
	}
	if o.Network == profile.Host && o.PrivateUsers != nil {
		for i := range s.Mounts {
			if s.Mounts[i].Destination == "/sys" {
				s.Mounts[i] = profile.HostSys()
			}
		}
	}
	switch r := o.PrivateUsers; {
	case w.o.Rootless:
		terminal := s.Process.Terminal
		spec.Rootless(s, uint32(os.Geteuid()), uint32(os.Getegid()))
		s.Process.Terminal = terminal
		// One id is mapped: there are no others to switch to, and no groups to be in.
		if s.Process.User.UID != 0 || s.Process.User.GID != 0 || s.Process.User.AdditionalGids != nil {
			w.report.Notices = append(w.report.Notices, fmt.Sprintf(
				"the image's user %d:%d becomes the container's root, the only id that a user can map", s.Process.User.UID, s.Process.User.GID))
			s.Process.User = specs.User{}
			s.Process.Capabilities = appCaps(o, 0)
		}
	case r != nil:
		mapping := []specs.LinuxIDMapping{{ContainerID: 0, HostID: r.Base, Size: r.Count}}
		s.Linux.UIDMappings, s.Linux.GIDMappings = mapping, mapping
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
	}
}

func appResources(s *specs.Spec, o *SpecOptions) {
	cpus := ""
	if o.More != nil {
		cpus = o.More.CPUAffinity
	}
	if s.Linux.Resources == nil {
		if o.Memory == 0 && o.CPUs == 0 && o.Pids == 0 && cpus == "" {
			return
		}
		s.Linux.Resources = &specs.LinuxResources{}
	}
	r := s.Linux.Resources
	if o.Memory > 0 {
		r.Memory = &specs.LinuxMemory{Limit: &o.Memory}
	}
	if o.CPUs > 0 {
		quota, period := int64(o.CPUs*100000), uint64(100000)
		r.CPU = &specs.LinuxCPU{Quota: &quota, Period: &period}
	}
	if cpus != "" {
		if r.CPU == nil {
			r.CPU = &specs.LinuxCPU{}
		}
		r.CPU.Cpus = cpus
	}
	if o.Pids != 0 {
		r.Pids = &specs.LinuxPids{Limit: &o.Pids}
	}
}
