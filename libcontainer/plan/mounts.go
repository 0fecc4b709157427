package plan

import (
	"path"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// BindKind says how much of a source a bind mount shows.
type BindKind int

// The kinds of bind mounts.
const (
	NoBind    BindKind = iota
	BindOne            // the source alone, MS_BIND
	BindBelow          // and all that is mounted below it, MS_BIND|MS_REC
)

// IDMap asks for a mount whose owners are mapped, mount_setattr(2)
// MOUNT_ATTR_IDMAP. Without mappings the container's own user namespace maps.
type IDMap struct {
	Recursive bool
	UID, GID  []specs.LinuxIDMapping
}

// Mount is one entry of the configuration's mounts.
type Mount struct {
	// Index is the entry's place in config.json; -1 for a mount that the
	// configuration implies.
	Index       int
	Destination string // absolute, clean, inside of the container
	Type        string // file system type; "bind" for a bind mount
	Source      string
	Bind        BindKind
	Remount     bool // changes what is mounted there already; Source is of no use
	// Fixed destinations may not be reached through a symlink: with /proc
	// or /sys elsewhere, nothing that is masked later would be masked.
	Fixed       bool
	Own, Below  Attributes
	Propagation []Propagation
	Super, Data []Option
	CopyUp      bool
	// FilledFirst says that a later step, MountReadonly, makes it read-only:
	// directories, devices and files are still to be made in it.
	FilledFirst bool
	// KeepMode gives a tmpfs, for which no mode is configured, the mode of
	// the directory that it covers.
	KeepMode bool
	IDMap    *IDMap
	// ByRuntime says that the runtime opens the source and hands it over,
	// since the init process may not.
	ByRuntime bool
}

// Kind implements Step.
func (Mount) Kind() string { return "mount" }

func (s Mount) String() string {
	var b strings.Builder
	switch {
	case s.Remount:
		b.WriteString("remount ")
	case s.Bind != NoBind:
		b.WriteString("bind " + strconv.Quote(s.Source) + " to ")
	default:
		b.WriteString("mount " + strconv.Quote(s.Type) + " on ")
	}
	b.WriteString(strconv.Quote(s.Destination))
	if words := s.words(); len(words) > 0 {
		b.WriteString(" (" + strings.Join(words, ",") + ")")
	}
	return b.String()
}

// words are the options of the mount as mount(8) would write them.
func (s Mount) words() []string {
	words := attributeWords("", s.Own)
	words = append(words, attributeWords("r", s.Below)...)
	for _, o := range append(append([]Option(nil), s.Super...), s.Data...) {
		if o.HasValue {
			words = append(words, o.Key+"="+o.Value)
		} else {
			words = append(words, o.Key)
		}
	}
	for _, p := range s.Propagation {
		words = append(words, p.String())
	}
	if s.CopyUp {
		words = append(words, "tmpcopyup")
	}
	if s.IDMap != nil {
		words = append(words, "idmap")
	}
	return words
}

func attributeWords(prefix string, a Attributes) []string {
	var words []string
	for _, w := range [...]struct {
		flag     uint64
		on, off_ string
	}{
		{AttrRDOnly, "ro", "rw"}, {AttrNoSuid, "nosuid", "suid"}, {AttrNoDev, "nodev", "dev"},
		{AttrNoExec, "noexec", "exec"}, {AttrNoSymFollow, "nosymfollow", "symfollow"},
		{AttrNoDirAtime, "nodiratime", "diratime"},
	} {
		if a.Set&w.flag != 0 {
			words = append(words, prefix+w.on)
		} else if a.Clear&w.flag != 0 {
			words = append(words, prefix+w.off_)
		}
	}
	if a.Clear&AttrAtimeMask != 0 {
		switch a.Set & AttrAtimeMask {
		case AttrNoAtime:
			words = append(words, prefix+"noatime")
		case AttrStrictAtime:
			words = append(words, prefix+"strictatime")
		default:
			words = append(words, prefix+"relatime")
		}
	}
	return words
}

func (p Propagation) String() string {
	name := "private"
	switch p.Flag {
	case PropShared:
		name = "shared"
	case PropSlave:
		name = "slave"
	case PropUnbindable:
		name = "unbindable"
	}
	if p.Recursive {
		return "r" + name
	}
	return name
}

// MountReadonly makes a mount read-only that had to be filled first.
type MountReadonly struct {
	Destination string
	Mount       int // the step that mounted it
}

// Kind implements Step.
func (MountReadonly) Kind() string { return "make-mount-readonly" }

func (s MountReadonly) String() string {
	return "make the mount on " + strconv.Quote(s.Destination) + " read-only"
}

// CleanDestination is the absolute path, inside of the container, of a
// destination as the configuration writes it; a relative one counts from /.
func CleanDestination(p string) string { return path.Clean("/" + p) }

func (c *compiler) mount(index int, m *specs.Mount) error {
	if m.Type == "cgroup" || m.Type == "cgroup2" {
		return c.cgroupMount(index, m)
	}
	step := newMount(index, m)
	if err := checkMount(&step, m.Type); err != nil {
		return err
	}
	if step.Bind != NoBind && !step.Remount {
		c.bindSource(&step)
	}
	if c.label != "" && step.Bind == NoBind && labelled(step.Type) {
		step.Data = append(step.Data, Option{Key: "context", Value: c.label, HasValue: true})
	}
	step.KeepMode = step.Type == "tmpfs" && step.Bind == NoBind && !step.Remount && !hasOption(step.Data, "mode")
	c.fillFirst(&step)
	c.p.add(Init, step)
	return nil
}

func (c *compiler) bindSource(m *Mount) {
	if !path.IsAbs(m.Source) {
		m.Source = path.Join(c.opts.Bundle, m.Source)
	}
	m.ByRuntime = c.sourcesByRuntime() || m.IDMap != nil
}

// fillFirst puts off that a mount in which other steps may make something is
// read-only, as runc does.
func (c *compiler) fillFirst(m *Mount) {
	if m.Own.Set&AttrRDOnly == 0 || m.Bind != NoBind || m.Remount || m.Type != "tmpfs" && m.Destination != "/dev" {
		return
	}
	m.Own.Set &^= AttrRDOnly
	m.FilledFirst = true
	c.filled = append(c.filled, MountReadonly{m.Destination, len(c.p.Steps)})
}

// checkMount refuses what no kernel can do; fsType is as the configuration has it.
func checkMount(m *Mount, fsType string) error {
	switch {
	case m.IDMap != nil && m.Bind == NoBind:
		return fieldError(mountField(m.Index)+".uidMappings", "idmapped mounts are supported for bind mounts only, not for type "+strconv.Quote(fsType))
	case m.IDMap != nil && m.Remount:
		return fieldError(mountField(m.Index)+".options", "the ids of what is mounted already cannot be mapped")
	case m.CopyUp && (m.Type != "tmpfs" || m.Bind != NoBind || m.Remount):
		return fieldError(mountField(m.Index)+".options", "tmpcopyup is supported for a new tmpfs only, not for type "+strconv.Quote(fsType))
	case m.Destination == "/" && m.Remount:
		return fieldError(mountField(m.Index)+".options", "a mount cannot change /; use root.readonly and linux.rootfsPropagation")
	}
	return nil
}

func hasOption(options []Option, key string) bool {
	for _, o := range options {
		if o.Key == key {
			return true
		}
	}
	return false
}

func newMount(index int, m *specs.Mount) Mount {
	o := parseMountOptions(m.Options)
	step := Mount{
		Index: index, Destination: CleanDestination(m.Destination), Type: m.Type, Source: m.Source,
		Remount: o.remount, Own: o.own, Below: o.rec, Propagation: o.propagation,
		Super: o.super, Data: o.data, CopyUp: o.copyUp,
	}
	step.Fixed = step.Destination == "/proc" || step.Destination == "/sys"
	switch {
	case o.bindRec:
		step.Bind, step.Type = BindBelow, "bind"
	case o.bind || m.Type == "bind":
		step.Bind, step.Type = BindOne, "bind"
	case step.Type == "":
		// There is nothing to be mounted: what is there is changed.
		step.Remount = true
	}
	if step.Bind == NoBind && !step.Remount {
		// There is nothing below a new file system.
		step.Own, step.Below = o.own.over(o.rec), Attributes{}
	}
	if o.idmap {
		step.IDMap = &IDMap{Recursive: o.ridmap}
	}
	if m.UIDMappings != nil || m.GIDMappings != nil {
		if step.IDMap == nil {
			step.IDMap = &IDMap{}
		}
		step.IDMap.UID, step.IDMap.GID = m.UIDMappings, m.GIDMappings
	}
	return step
}

// labelled tells whether a file system takes a SELinux context at mount time.
func labelled(fsType string) bool {
	return fsType != "mqueue" && fsType != "proc" && fsType != "sysfs"
}

func mountField(index int) string { return "mounts[" + strconv.Itoa(index) + "]" }

// fieldError is about a value that cannot be honoured here.
func fieldError(field, problem string) error { return spec.FieldError{Path: field, Problem: problem} }
