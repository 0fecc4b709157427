package settings

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/uidrange"
)

// Apply puts what the file sets into options. Users and ranges that are to be
// looked up or picked stay for the caller: options.UserName and
// s.PrivateUsers. A key that a bundle has no way to express is
// warned of. makeDirs are directories that have to exist before the container starts.
func (s *Settings) Apply(o *profile.Options) (makeDirs []string, warnings []Warning) {
	s.applyProcess(o)
	warnings = append(warnings, s.applyFilter(o)...)
	s.applyUsers(o)
	makeDirs, mountWarnings := s.applyFiles(o)
	s.applyNetwork(o)
	warnings = append(warnings, mountWarnings...)
	return makeDirs, append(warnings, s.without()...)
}

func (s *Settings) applyProcess(o *profile.Options) {
	switch s.Start {
	case StartBoot:
		o.Boot, o.ProcessTwo, o.Args = true, false, s.Parameters
	case StartPID2:
		o.Boot, o.ProcessTwo, o.Args = false, true, s.Parameters
	case StartPID1:
		o.Boot, o.ProcessTwo, o.Args = false, false, s.Parameters
	}
	o.Env = append(o.Env, s.Environment...)
	setString(&o.Cwd, s.WorkingDirectory)
	setString(&o.Hostname, s.Hostname)
	setString(&o.KillSignal, s.KillSignal)
	setString(&o.Personality, s.Personality)
	setString(&o.MachineID, s.MachineID)
	setString(&o.CPUAffinity, s.CPUAffinity)
	setBool(&o.NoNewPrivileges, s.NoNewPrivileges)
	setBool(&o.SuppressSync, s.SuppressSync)
	o.AddCapabilities |= s.Capability
	o.DropCapabilities |= s.DropCapability
	o.AmbientCapabilities |= s.AmbientCaps
	// Adding nspawn's ambient capabilities retains them, too.
	o.AddCapabilities |= s.AmbientCaps
	o.Rlimits = append(o.Rlimits, s.Rlimits...)
	if s.OOMScoreAdjust != nil {
		o.OOMScoreAdj = s.OOMScoreAdjust
	}
}

func (s *Settings) applyFilter(o *profile.Options) (warnings []Warning) {
	for _, list := range s.SystemCallFilter {
		for _, text := range o.SystemCalls.Add(list) {
			warnings = append(warnings, Warning{s.lineOf("SystemCallFilter"), "SystemCallFilter=" + list + ": " + text})
		}
	}
	return warnings
}

func (s *Settings) applyUsers(o *profile.Options) {
	if s.User != "" {
		o.UserName = s.User
		if n, err := strconv.ParseUint(s.User, 10, 32); err == nil {
			o.User.UID, o.User.GID = uint32(n), uint32(n)
			o.UserName = ""
		}
	}
	setString(&o.Ownership, s.Ownership)
	if s.PrivateUsers == nil {
		return
	}
	switch r := s.PrivateUsers; r.Mode {
	case uidrange.Off:
		o.PrivateUsers = nil
	case uidrange.Fixed:
		o.PrivateUsers = &profile.UserRange{Base: r.Base, Count: r.Count}
	case uidrange.Identity:
		o.PrivateUsers = &profile.UserRange{Base: 0, Count: uidrange.Size}
	}
}

func (s *Settings) applyFiles(o *profile.Options) (makeDirs []string, warnings []Warning) {
	setBool(&o.ReadOnly, s.ReadOnly)
	setString(&o.Volatile, s.Volatile)
	o.Inaccessible = append(o.Inaccessible, s.Inaccessible...)
	for _, t := range s.Tmpfs {
		o.Mounts = append(o.Mounts, specs.Mount{Destination: t.Path, Type: "tmpfs", Source: "tmpfs",
			Options: append([]string{"nodev", "strictatime"}, t.Options...)})
	}
	for _, b := range s.Binds {
		mount, err := b.Mount()
		if err != nil {
			warnings = append(warnings, Warning{s.lineOf(bindKey(b)), err.Error()})
			continue
		}
		o.Mounts = append(o.Mounts, mount)
	}
	for _, v := range s.Overlays {
		mount, work, err := v.Mount()
		if err != nil {
			warnings = append(warnings, Warning{s.lineOf(overlayKey(v)), err.Error()})
			continue
		}
		if work != "" {
			makeDirs = append(makeDirs, work)
		}
		o.Mounts = append(o.Mounts, mount)
	}
	return makeDirs, warnings
}

func bindKey(b Bind) string {
	if b.ReadOnly {
		return "BindReadOnly"
	}
	return "Bind"
}

func overlayKey(v Overlay) string {
	if v.ReadOnly {
		return "OverlayReadOnly"
	}
	return "Overlay"
}

// Mount gives the OCI form of a bind. What config.json has no word for is an
// error: a source in the image, which only the runtime can find safely, a fresh
// directory, and maps made from the source's owner.
func (b Bind) Mount() (specs.Mount, error) {
	if b.Source == "" || b.Source[0] == '+' {
		return specs.Mount{}, fmt.Errorf("bind %q to %q: a source in the image or a fresh one is not supported in a bundle", b.Source, b.Destination)
	}
	kind, mapped := "rbind", ""
	for _, word := range b.Options {
		switch word {
		case "rbind":
			kind = "rbind"
		case "norbind":
			kind = "bind"
		case "idmap":
			mapped = "idmap"
		case "noidmap":
			mapped = ""
		default:
			return specs.Mount{}, fmt.Errorf("bind %q to %q: %s is not supported in a bundle", b.Source, b.Destination, word)
		}
	}
	options := []string{kind}
	if b.ReadOnly {
		options = append(options, "ro")
	}
	if mapped != "" {
		options = append(options, mapped)
	}
	return specs.Mount{Destination: b.Destination, Type: "bind", Source: path.Clean(b.Source), Options: options}, nil
}

// Mount gives the OCI form of an overlay and the working directory that has to
// be there, a sibling of the upper directory, mode 0700.
func (v Overlay) Mount() (mount specs.Mount, work string, err error) {
	lower := make([]string, 0, len(v.Lower))
	for i := len(v.Lower) - 1; i >= 0; i-- { // the kernel has the highest first
		lower = append(lower, v.Lower[i])
	}
	for _, dir := range append(lower[:len(lower):len(lower)], v.Upper) {
		if strings.HasPrefix(dir, "+") || dir == "" && !v.ReadOnly {
			return specs.Mount{}, "", fmt.Errorf("overlay on %q: directories in the image and fresh ones are not supported in a bundle", v.Destination)
		}
		if strings.ContainsAny(dir, ":,\\") {
			return specs.Mount{}, "", fmt.Errorf("overlay on %q: %q has a colon, comma or backslash in it", v.Destination, dir)
		}
	}
	options := []string{"lowerdir=" + strings.Join(lower, ":")}
	if !v.ReadOnly {
		work = path.Join(path.Dir(path.Clean(v.Upper)), ".#work-"+path.Base(v.Upper))
		options = append(options, "upperdir="+v.Upper, "workdir="+work)
	}
	return specs.Mount{Destination: v.Destination, Type: "overlay", Source: "overlay", Options: options}, work, nil
}

// applyNetwork replaces all of the network when the file says anything of it.
func (s *Settings) applyNetwork(o *profile.Options) {
	if !s.HasNetwork() {
		return
	}
	o.NetworkOptions = nil
	if s.Bridge != "" {
		o.NetworkOptions = []string{"Bridge=" + s.Bridge}
	}
	switch {
	case isYes(s.VirtualEthernet) || s.Bridge != "" || s.Zone != "":
		o.Network = profile.Veth
	case isYes(s.Private) || len(s.VethExtra)+len(s.Interface)+len(s.MACVLAN)+len(s.IPVLAN) > 0:
		o.Network = profile.Private
	default:
		o.Network = profile.Host
	}
}

// without says which keys have no effect on a bundle, so that nobody relies on
// them. A key that asks for what happens anyway is passed over.
func (s *Settings) without() (warnings []Warning) {
	for _, k := range [...]struct {
		key, why string
		set      bool
	}{
		{"Ephemeral", "import again, or use Volatile=", isYes(s.Ephemeral)},
		{"NotifyReady", "give --notify-ready to run", isYes(s.NotifyReady)},
		{"PivotRoot", "a bundle has one root", s.PivotRoot != ""},
		{"ResolvConf", "bind the file", s.ResolvConf != "" && s.ResolvConf != "off"},
		{"Timezone", "bind /etc/localtime", s.Timezone != "" && s.Timezone != "off"},
		{"LinkJournal", "bind the directory", s.LinkJournal != "" && s.LinkJournal != "no"},
		{"BindUser", "", len(s.BindUser) > 0},
		{"VirtualEthernetExtra", "", len(s.VethExtra) > 0},
		{"Interface", "write linux.netDevices", len(s.Interface) > 0},
		{"MACVLAN", "", len(s.MACVLAN) > 0},
		{"IPVLAN", "", len(s.IPVLAN) > 0},
		{"Zone", "use Bridge=", s.Zone != ""},
		{"Port", "no port is forwarded", len(s.Ports) > 0},
		{"NamespacePath", "write the path into linux.namespaces", s.NamespacePath != ""},
	} {
		if !k.set {
			continue
		}
		text := k.key + "= has no effect on a bundle"
		if k.why != "" {
			text += "; " + k.why
		}
		warnings = append(warnings, Warning{s.lineOf(k.key), text})
	}
	return warnings
}

func isYes(p *bool) bool { return p != nil && *p }

func setString(p *string, value string) {
	if value != "" {
		*p = value
	}
}

func setBool(p, value *bool) {
	if value != nil {
		*p = *value
	}
}
