package spec

import (
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// spec is the document (config.md).
func (v *validator) spec(s *specs.Spec) {
	if s.Linux == nil && v.foreign(s) {
		return // the rest would be judged by rules it does not know
	}
	v.version(s.Version)
	if s.Process != nil {
		v.prefix = "process."
		v.process(s.Process)
		v.prefix = ""
	}
	v.root(s.Root)
	v.hostnames(s)
	v.mounts(s)
	if s.Hooks != nil {
		v.hooks(s.Hooks)
	}
	for key := range s.Annotations {
		if key == "" {
			v.bad(member("annotations", key), "a key must not be empty")
		}
	}
	if s.Linux != nil {
		v.linux(s)
	}
}

// version is ociVersion: any 1.x, release candidates included, as the 1.x series only adds properties. Older ones
// are let pass, as by every other runtime: the examples of the specification still say 0.5.0-dev.
func (v *validator) version(version string) {
	major, rest, _ := strings.Cut(version, ".")
	switch {
	case version == "":
		v.bad("ociVersion", "missing: it says which specification the document follows, like \""+specs.Version+"\"")
	case !isDigits(major) || strings.ContainsFunc(rest, notInVersion):
		v.bad("ociVersion", quote(version)+" is not a version like \""+specs.Version+"\"")
	case major == "0":
		v.warn("ociVersion", quote(version)+" is older than 1.0, it is read as if it were 1.0")
	case major != "1":
		v.bad("ociVersion", quote(version)+" is not supported, only versions 1.x are")
	}
}

func isDigits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c < '0' || c > '9' })
}

func notInVersion(c rune) bool {
	return c != '.' && c != '-' && c != '+' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
}

func (v *validator) root(r *specs.Root) {
	switch {
	case r == nil:
		v.bad("root", "missing: a container needs a root file system")
	case r.Path == "":
		v.bad("root.path", "empty: a container needs a root file system")
	default:
		v.text("root.path", r.Path)
	}
}

// maxHostname is __NEW_UTS_LEN of Linux, in bytes.
const maxHostname = 64

func (v *validator) hostnames(s *specs.Spec) {
	uts := hasNamespace(s.Linux, specs.UTSNamespace)
	for _, f := range [...]struct{ path, value string }{{"hostname", s.Hostname}, {"domainname", s.Domainname}} {
		switch {
		case f.value == "":
		case !uts:
			v.bad(f.path, "cannot be set without a uts namespace in linux.namespaces: it would be the host's")
		case len(f.value) > maxHostname:
			v.bad(f.path, quote(f.value)+" is longer than "+strconv.Itoa(maxHostname)+" bytes")
		default:
			v.text(f.path, f.value)
		}
	}
}

// foreign reports a document without a linux section, when it is made for another platform.
func (v *validator) foreign(s *specs.Spec) bool {
	for _, f := range [...]struct {
		name    string
		present bool
	}{
		{"solaris", s.Solaris != nil},
		{"windows", s.Windows != nil},
		{"vm", s.VM != nil},
		{"zos", s.ZOS != nil},
		{"freebsd", s.FreeBSD != nil},
	} {
		if f.present {
			v.bad("linux", "missing, but there is a section \""+f.name+"\": this runtime runs Linux containers only")
			return true
		}
	}
	return false
}

// linux is the linux section (config-linux.md).
func (v *validator) linux(s *specs.Spec) {
	l := s.Linux
	v.namespaces(l)
	v.mappings(s)
	v.timeOffsets(l)
	v.netDevices(l)
	v.devices(l.Devices)
	v.sysctl(l)
	v.text("linux.cgroupsPath", l.CgroupsPath)
	if l.Resources != nil {
		v.prefix = "linux.resources."
		v.resources(l.Resources)
		v.prefix = ""
	}
	v.propagation(l.RootfsPropagation)
	v.paths("linux.maskedPaths", l.MaskedPaths)
	v.paths("linux.readonlyPaths", l.ReadonlyPaths)
	v.hiddenWithoutMounts(l)
	v.label("linux.mountLabel", l.MountLabel)
	if l.IntelRdt != nil {
		v.intelRdt(l.IntelRdt)
	}
	if l.MemoryPolicy != nil {
		v.memoryPolicy(l.MemoryPolicy)
	}
	if l.Personality != nil {
		v.personality(l.Personality)
	}
}

// hiddenWithoutMounts is for paths that would be hidden on the host.
func (v *validator) hiddenWithoutMounts(l *specs.Linux) {
	if hasNamespace(l, specs.MountNamespace) {
		return
	}
	const problem = "cannot be set without a mount namespace in linux.namespaces: they would be hidden on the host"
	if len(l.MaskedPaths) > 0 {
		v.bad("linux.maskedPaths", problem)
	}
	if len(l.ReadonlyPaths) > 0 {
		v.bad("linux.readonlyPaths", problem)
	}
}

// label is an SELinux context. It becomes part of mount options, in quotes.
func (v *validator) label(path, label string) {
	if v.text(path, label) && strings.ContainsAny(label, "\"\n") {
		v.bad(path, quote(label)+" is not an SELinux context")
	}
}

func (v *validator) propagation(p string) {
	switch p {
	case "", "shared", "slave", "private", "unbindable", "rshared", "rslave", "rprivate", "runbindable":
	default:
		v.bad("linux.rootfsPropagation", quote(p)+" is not a propagation: shared, slave, private, unbindable, "+
			"or one of them with an r before it")
	}
}

func (v *validator) personality(p *specs.LinuxPersonality) {
	switch p.Domain {
	case specs.PerLinux, specs.PerLinux32:
	default:
		v.bad("linux.personality.domain", quote(string(p.Domain))+" is not a domain: LINUX or LINUX32")
	}
	for i, f := range p.Flags {
		v.bad(at("linux.personality.flags", i), quote(string(f))+" cannot be set: the specification defines no flags")
	}
}

func (v *validator) hooks(h *specs.Hooks) {
	v.hookList("hooks.prestart", h.Prestart) //nolint:staticcheck // deprecated, but docker uses it.
	v.hookList("hooks.createRuntime", h.CreateRuntime)
	v.hookList("hooks.createContainer", h.CreateContainer)
	v.hookList("hooks.startContainer", h.StartContainer)
	v.hookList("hooks.poststart", h.Poststart)
	v.hookList("hooks.poststop", h.Poststop)
}

func (v *validator) hookList(path string, hooks []specs.Hook) {
	for i := range hooks {
		h := &hooks[i]
		p := at(path, i)
		v.absolute(p+".path", h.Path)
		v.texts(p+".args", h.Args)
		v.texts(p+".env", h.Env)
		if h.Timeout != nil && *h.Timeout <= 0 {
			v.bad(p+".timeout", strconv.Itoa(*h.Timeout)+" is not a number of seconds greater than zero")
		}
	}
}
