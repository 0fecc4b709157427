package nspawn

import (
	"path"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
)

// Apply gives a configuration with the changes made that config.json has words
// for, those, and the others, each in their order. The bundle's own is left alone.
func Apply(spec *specs.Spec, additions []Addition) (out *specs.Spec, applied, rest []Addition) {
	if len(additions) == 0 {
		return spec, nil, nil
	}
	out = copyOf(spec)
	for _, a := range additions {
		if apply(out, a.Change) {
			applied = append(applied, a)
		} else {
			rest = append(rest, a)
		}
	}
	return out, applied, rest
}

// copyOf copies as deep as Apply writes.
func copyOf(spec *specs.Spec) *specs.Spec {
	out := *spec
	process, linux := specs.Process{}, specs.Linux{}
	if spec.Process != nil {
		process = *spec.Process
	}
	if spec.Linux != nil {
		linux = *spec.Linux
	}
	process.Env = slices.Clone(process.Env)
	process.Rlimits = slices.Clone(process.Rlimits)
	linux.Namespaces = slices.Clone(linux.Namespaces)
	linux.Devices = slices.Clone(linux.Devices)
	linux.MaskedPaths = slices.Clone(linux.MaskedPaths)
	linux.ReadonlyPaths = slices.Clone(linux.ReadonlyPaths)
	out.Process, out.Linux = &process, &linux
	out.Mounts = slices.Clone(spec.Mounts)
	out.Annotations = map[string]string{}
	for k, v := range spec.Annotations {
		out.Annotations[k] = v
	}
	return &out
}

// apply makes one change; false is for one that config.json has no words for.
func apply(s *specs.Spec, change Change) bool {
	switch c := change.(type) {
	case SetEnv:
		s.Process.Env = append(s.Process.Env, c.Name+"="+c.Value)
	case AddNamespace:
		s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: c.Type})
	case AddMount, DropMount, MountOptions:
		applyMount(s, change)
	case MaskPath:
		s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, c.Path)
	case ReadonlyPath:
		s.Linux.ReadonlyPaths = append(s.Linux.ReadonlyPaths, c.Path)
	case UnmaskPath:
		s.Linux.MaskedPaths = withoutPath(s.Linux.MaskedPaths, c.Path)
	case WritablePath:
		s.Linux.ReadonlyPaths = withoutPath(s.Linux.ReadonlyPaths, c.Path)
	case DropDevice:
		s.Linux.Devices = slices.DeleteFunc(s.Linux.Devices, func(d specs.LinuxDevice) bool { return path.Clean(d.Path) == c.Path })
	case SetHostname:
		s.Hostname = c.Name
	case SetRlimit:
		s.Process.Rlimits = append(s.Process.Rlimits, c.Limit)
	case SetStopSignal:
		s.Annotations[annotation.StopSignal] = c.Signal
	default:
		return false
	}
	return true
}

func applyMount(s *specs.Spec, change Change) {
	switch c := change.(type) {
	case AddMount:
		at := slices.IndexFunc(s.Mounts, func(m specs.Mount) bool { return below(path.Clean(m.Destination), c.Mount.Destination) })
		if at < 0 {
			at = len(s.Mounts)
		}
		s.Mounts = slices.Insert(s.Mounts, at, c.Mount)
	case DropMount:
		s.Mounts = slices.DeleteFunc(s.Mounts, func(m specs.Mount) bool { return path.Clean(m.Destination) == c.Destination })
	case MountOptions:
		for i := range s.Mounts {
			if path.Clean(s.Mounts[i].Destination) != c.Destination {
				continue
			}
			options := slices.DeleteFunc(slices.Clone(s.Mounts[i].Options), func(o string) bool { return slices.Contains(c.Drop, o) })
			s.Mounts[i].Options = append(options, c.Add...)
		}
	}
}

func withoutPath(list []string, name string) []string {
	return slices.DeleteFunc(list, func(p string) bool { return path.Clean(p) == name })
}

// below says whether a clean path lies in a directory, not being it.
func below(name, dir string) bool {
	if dir == "/" {
		return len(name) > 1
	}
	return len(name) > len(dir) && name[len(dir)] == '/' && strings.HasPrefix(name, dir)
}
