package spec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// mounts are the mounts of the document. Options that are not known here are data of the file system.
func (v *validator) mounts(s *specs.Spec) {
	for i := range s.Mounts {
		m := &s.Mounts[i]
		switch {
		case m.Destination == "":
			v.bad(at("mounts", i)+".destination", "empty: a path in the container is needed")
		case m.Destination[0] != '/':
			v.warn(at("mounts", i)+".destination", quote(m.Destination)+" is relative, it is taken from / on")
		}
		v.mountTexts(i, m)
		v.mountKind(i, m)
		v.mountMappings(i, m, s.Linux)
	}
}

func (v *validator) mountTexts(i int, m *specs.Mount) {
	for _, f := range [...]struct{ name, value string }{
		{".destination", m.Destination}, {".type", m.Type}, {".source", m.Source},
	} {
		if hasNUL(f.value) {
			v.text(at("mounts", i)+f.name, f.value)
		}
	}
	if slices.ContainsFunc(m.Options, hasNUL) {
		v.texts(at("mounts", i)+".options", m.Options)
	}
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }

// mountKind asks for what mount(2) cannot do without.
func (v *validator) mountKind(i int, m *specs.Mount) {
	if isBind(m) {
		if m.Source == "" {
			v.bad(at("mounts", i)+".source", "empty: a bind mount needs the path that is bound")
		}
		return
	}
	if m.Type != "" || slices.Contains(m.Options, "remount") {
		return
	}
	if m.Source != "" || !slices.ContainsFunc(m.Options, isPropagation) {
		v.bad(at("mounts", i)+".type", "empty: a mount that is not a bind mount needs a file system type; "+
			"only one without a source may change the propagation of what is mounted there")
	}
}

// isBind tells whether m is a bind mount: by its options as in runc, or by its type alone as in crun.
func isBind(m *specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// isPropagation is for the options that mount(8) has --make-shared and so on for.
func isPropagation(option string) bool {
	switch option {
	case "shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable":
		return true
	}
	return false
}

// mountMappings are the rules of id-mapped mounts (config.md, uidMappings of a mount).
func (v *validator) mountMappings(i int, m *specs.Mount, l *specs.Linux) {
	asked := slices.Contains(m.Options, "idmap") || slices.Contains(m.Options, "ridmap")
	if !asked && len(m.UIDMappings) == 0 && len(m.GIDMappings) == 0 {
		return
	}
	path := at("mounts", i)
	if !isBind(m) {
		v.bad(path, "only a bind mount can have its ids mapped")
	}
	switch {
	case len(m.UIDMappings) == 0 && len(m.GIDMappings) == 0:
		if !hasNamespace(l, specs.UserNamespace) {
			v.bad(path+".options", "idmap without uidMappings and gidMappings takes those of the container, which has "+
				"no user namespace in linux.namespaces")
		}
	case len(m.UIDMappings) == 0:
		v.bad(path+".uidMappings", "empty, but there are gidMappings: both are needed")
	case len(m.GIDMappings) == 0:
		v.bad(path+".gidMappings", "empty, but there are uidMappings: both are needed")
	}
	v.extents(path+".uidMappings", m.UIDMappings)
	v.extents(path+".gidMappings", m.GIDMappings)
}

// Linux has 12 bits for a major number and 20 for a minor one.
const (
	maxMajor = 1<<12 - 1
	maxMinor = 1<<20 - 1
)

func (v *validator) devices(list []specs.LinuxDevice) {
	const path = "linux.devices"
	for i := range list {
		d := &list[i]
		if d.Path == "" || d.Path[0] != '/' || hasNUL(d.Path) {
			v.absolute(at(path, i)+".path", d.Path)
		}
		switch d.Type {
		case "c", "u", "b":
			v.deviceNumber(i, ".major", d.Major, maxMajor)
			v.deviceNumber(i, ".minor", d.Minor, maxMinor)
		case "p":
		case "":
			v.bad(at(path, i)+".type", "missing, like \"c\"")
		default:
			v.bad(at(path, i)+".type", quote(d.Type)+" is not a kind of device: c, b, u or p")
		}
	}
}

func (v *validator) deviceNumber(i int, name string, n, greatest int64) {
	if n < 0 || n > greatest {
		v.bad(at("linux.devices", i)+name, strconv.FormatInt(n, 10)+" is not from 0 to "+strconv.FormatInt(greatest, 10))
	}
}
