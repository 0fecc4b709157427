package plan

import "strings"

// Attributes of a mount, mount_setattr(2).
const (
	AttrRDOnly      = 0x00000001
	AttrNoSuid      = 0x00000002
	AttrNoDev       = 0x00000004
	AttrNoExec      = 0x00000008
	AttrNoAtime     = 0x00000010
	AttrStrictAtime = 0x00000020
	AttrAtimeMask   = 0x00000070
	AttrNoDirAtime  = 0x00000080
	AttrNoSymFollow = 0x00200000
)

// Propagation types of a mount, mount(2).
const (
	PropUnbindable = 1 << 17
	PropPrivate    = 1 << 18
	PropSlave      = 1 << 19
	PropShared     = 1 << 20
)

// Option is one parameter of a file system, as fsconfig(2) takes it: a flag
// when HasValue is false, else a string. A file system that does not know a
// Hint is mounted without.
type Option struct {
	Key      string `json:"key"`
	Value    string `json:"value,omitempty"`
	HasValue bool   `json:"-"`
	Hint     bool   `json:"hint,omitempty"`
}

// Propagation is a propagation type and whether it reaches the mounts below.
type Propagation struct {
	Flag      uint64
	Recursive bool
}

// Attributes are mount attributes to set and to clear.
type Attributes struct {
	Set, Clear uint64
}

func (a *Attributes) set(flag uint64)   { a.Set |= flag; a.Clear &^= flag }
func (a *Attributes) clear(flag uint64) { a.Clear |= flag; a.Set &^= flag }

// atime chooses one access-time mode; the kernel wants the whole mask cleared
// before a mode is set.
func (a *Attributes) atime(mode uint64) {
	a.Set = a.Set&^AttrAtimeMask | mode
	a.Clear |= AttrAtimeMask
}

// over are the attributes of a mount that gets below's and then these.
func (a Attributes) over(below Attributes) Attributes {
	return Attributes{Set: below.Set&^a.Clear | a.Set, Clear: below.Clear&^a.Set | a.Clear}
}

// mountOptions is what the option list of a mount says.
type mountOptions struct {
	bind, bindRec bool
	remount       bool
	copyUp        bool
	idmap, ridmap bool
	own           Attributes // of the mount itself
	rec           Attributes // of the mount and all below it (rro, rnosuid, …)
	propagation   []Propagation
	super         []Option // flags of the superblock (sync, lazytime, …)
	data          []Option // everything else goes to the file system
}

func parseMountOptions(options []string) mountOptions {
	var o mountOptions
	for _, opt := range options {
		// An empty option is what podman makes of a trailing comma.
		if opt == "" || o.kind(opt) || o.attribute(opt) || o.spread(opt) || o.superblock(opt) {
			continue
		}
		key, value, has := strings.Cut(opt, "=")
		o.data = append(o.data, Option{Key: key, Value: value, HasValue: has})
	}
	return o
}

// kind takes the options that say what sort of mount it is.
func (o *mountOptions) kind(opt string) bool {
	switch opt {
	case "bind":
		o.bind = true
	case "rbind":
		o.bind, o.bindRec = true, true
	case "remount":
		o.remount = true
	case "tmpcopyup":
		o.copyUp = true
	case "idmap":
		o.idmap = true
	case "ridmap":
		o.idmap, o.ridmap = true, true
	case "defaults", "loud", "silent", "iversion", "noiversion":
		// The kernel's defaults, a hint about its log, and a flag of
		// mount(2) that fsconfig(2) has no word for: whether changes of
		// inodes are counted is up to the file system by now.
	default:
		return false
	}
	return true
}

// attribute takes the options that are attributes of a mount, with or
// without the r- that makes them recursive.
func (o *mountOptions) attribute(opt string) bool {
	if setAttribute(&o.own, opt) {
		return true
	}
	// "ro", "relatime" and "rw" are taken above; what is left and begins
	// with an r is recursive.
	name, ok := strings.CutPrefix(opt, "r")
	return ok && setAttribute(&o.rec, name)
}

func setAttribute(a *Attributes, name string) bool {
	switch name {
	case "ro":
		a.set(AttrRDOnly)
	case "rw":
		a.clear(AttrRDOnly)
	case "nosuid":
		a.set(AttrNoSuid)
	case "suid":
		a.clear(AttrNoSuid)
	case "nodev":
		a.set(AttrNoDev)
	case "dev":
		a.clear(AttrNoDev)
	case "noexec":
		a.set(AttrNoExec)
	case "exec":
		a.clear(AttrNoExec)
	case "nosymfollow":
		a.set(AttrNoSymFollow)
	case "symfollow":
		a.clear(AttrNoSymFollow)
	case "nodiratime":
		a.set(AttrNoDirAtime)
	case "diratime":
		a.clear(AttrNoDirAtime)
	default:
		return setAtime(a, name)
	}
	return true
}

// setAtime takes the options of which each replaces the others.
func setAtime(a *Attributes, name string) bool {
	switch name {
	case "noatime":
		a.atime(AttrNoAtime)
	case "strictatime", "norelatime":
		a.atime(AttrStrictAtime)
	case "atime", "relatime", "nostrictatime":
		a.atime(0)
	default:
		return false
	}
	return true
}

// spread takes the propagation options.
func (o *mountOptions) spread(opt string) bool {
	p, ok := ParsePropagation(opt)
	if ok {
		o.propagation = append(o.propagation, p)
	}
	return ok
}

// ParsePropagation reads one of the eight propagation words of mount(8).
func ParsePropagation(word string) (Propagation, bool) {
	switch word {
	case "private":
		return Propagation{PropPrivate, false}, true
	case "rprivate":
		return Propagation{PropPrivate, true}, true
	case "shared":
		return Propagation{PropShared, false}, true
	case "rshared":
		return Propagation{PropShared, true}, true
	case "slave":
		return Propagation{PropSlave, false}, true
	case "rslave":
		return Propagation{PropSlave, true}, true
	case "unbindable":
		return Propagation{PropUnbindable, false}, true
	case "runbindable":
		return Propagation{PropUnbindable, true}, true
	}
	return Propagation{}, false
}

// superblock takes the options that the VFS itself reads from the parameters
// of a file system, fs/fs_context.c.
func (o *mountOptions) superblock(opt string) bool {
	switch opt {
	case "sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand":
		o.super = append(o.super, Option{Key: opt})
	case "acl", "noacl":
		// For runc these are flags of mount(2), which no file system refuses.
		// Those that leave a choice have a parameter of that name by now.
		o.super = append(o.super, Option{Key: opt, Hint: true})
	default:
		return false
	}
	return true
}
