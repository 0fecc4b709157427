package nspawn

import (
	"fmt"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Addition is one thing that boot mode does to a container beyond its bundle.
type Addition struct {
	Change Change
	// Reason says why, as a sentence without a full stop.
	Reason string
}

func (a Addition) String() string { return a.Change.String() + ": " + a.Reason }

// Change is what an addition does. Those that config.json has words for are
// carried out by Apply; the others are for the plan, in the order in which
// they stand, after the bundle's mounts and before its root is entered for
// good.
type Change interface {
	// Kind is a fixed name.
	Kind() string
	String() string
}

// Changes of the configuration.
type (
	// SetEnv appends to process.env.
	SetEnv struct{ Name, Value string }
	// AddNamespace makes a new namespace.
	AddNamespace struct{ Type specs.LinuxNamespaceType }
	// AddMount adds an entry of mounts, before the first that lies below it.
	AddMount struct{ Mount specs.Mount }
	// DropMount takes an entry of mounts out.
	DropMount struct{ Destination string }
	// MountOptions changes the options of an entry of mounts.
	MountOptions struct {
		Destination string
		Add, Drop   []string
	}
	// MaskPath adds to linux.maskedPaths.
	MaskPath struct{ Path string }
	// ReadonlyPath adds to linux.readonlyPaths.
	ReadonlyPath struct{ Path string }
	// UnmaskPath takes an entry out of linux.maskedPaths.
	UnmaskPath struct{ Path string }
	// WritablePath takes an entry out of linux.readonlyPaths.
	WritablePath struct{ Path string }
	// DropDevice takes an entry of linux.devices out.
	DropDevice struct{ Path string }
	// SetHostname sets the host name.
	SetHostname struct{ Name string }
	// SetRlimit adds an entry of process.rlimits.
	SetRlimit struct{ Limit specs.POSIXRlimit }
	// SetStopSignal says how the container is stopped cleanly.
	SetStopSignal struct{ Signal string }
)

// Changes that config.json has no words for. Paths are the container's; what
// is made belongs to its root, uid 0 of its user namespace.
type (
	// Delegate gives the container's root its control group: the directory
	// and the files that /sys/kernel/cgroup/delegate lists (the kernel's
	// cgroup-v2 document, "delegation"); on v1, of name=systemd.
	Delegate struct{}
	// CgroupTree says what /sys/fs/cgroup shows on a host with cgroup v1.
	CgroupTree struct {
		Hierarchy Hierarchy
		// ReadonlyControllers leaves only name=systemd (and unified)
		// writable.
		ReadonlyControllers bool
	}
	// Dir makes a directory.
	Dir struct {
		Path string
		Mode uint32
	}
	// File makes a regular file with this content.
	File struct {
		Path    string
		Mode    uint32
		Content []byte
	}
	// Node makes a special file: Type is p, s, c or b as in mknod(1), with
	// device 0:0 where it needs one.
	Node struct {
		Path string
		Type byte
		Mode uint32
		// Optional nodes may fail to be made, for lack of privileges.
		Optional bool
		// Hold asks for the fifo to be kept open for reading and
		// writing as long as the container lives.
		Hold bool
	}
	// NotifySocket binds a datagram socket with SO_PASSCRED for package
	// notify.
	NotifySocket struct {
		Path string
		Mode uint32
	}
	// Seal makes a mount read-only, nosuid, noexec and nodev when all of its
	// content is there; Super does it to the file system as well.
	Seal struct {
		Path  string
		Super bool
	}
	// Bind shows one of the container's files in the place of another, with
	// the flags read-only, nosuid, noexec and nodev when Readonly.
	Bind struct {
		Source, Target string
		Readonly       bool
		Optional       bool // the target may be absent
	}
	// KeepWritable keeps a path below a read-only path as it is: its mount
	// is cloned before linux.readonlyPaths are done, attached after them.
	KeepWritable struct{ Path string }
	// ShareMounts makes all mounts of the container MS_SHARED, right before
	// its process starts.
	ShareMounts struct{}
	// Note changes nothing: it says what to expect.
	Note struct{ Text string }
)

// Hierarchy is the layout of the control groups.
type Hierarchy int

// The layouts; Unknown is that of a host without control groups.
const (
	Unknown Hierarchy = iota
	Legacy
	Hybrid
	Unified
)

func (h Hierarchy) String() string {
	switch h {
	case Legacy:
		return "legacy"
	case Hybrid:
		return "hybrid"
	case Unified:
		return "unified"
	default:
		return "none"
	}
}

// The kinds, for `gspawn-oci plan --json` and docs/boot.md.
func (SetEnv) Kind() string        { return "boot-env" }
func (AddNamespace) Kind() string  { return "boot-namespace" }
func (AddMount) Kind() string      { return "boot-mount" }
func (DropMount) Kind() string     { return "boot-drop-mount" }
func (MountOptions) Kind() string  { return "boot-mount-options" }
func (MaskPath) Kind() string      { return "boot-mask" }
func (ReadonlyPath) Kind() string  { return "boot-readonly" }
func (UnmaskPath) Kind() string    { return "boot-unmask" }
func (WritablePath) Kind() string  { return "boot-writable" }
func (DropDevice) Kind() string    { return "boot-drop-device" }
func (SetHostname) Kind() string   { return "boot-hostname" }
func (SetRlimit) Kind() string     { return "boot-rlimit" }
func (SetStopSignal) Kind() string { return "boot-stop-signal" }
func (Delegate) Kind() string      { return "boot-delegate" }
func (CgroupTree) Kind() string    { return "boot-cgroup1-tree" }
func (Dir) Kind() string           { return "boot-dir" }
func (File) Kind() string          { return "boot-file" }
func (Node) Kind() string          { return "boot-node" }
func (NotifySocket) Kind() string  { return "boot-notify" }
func (Seal) Kind() string          { return "boot-seal" }
func (Bind) Kind() string          { return "boot-bind" }
func (KeepWritable) Kind() string  { return "boot-keep-writable" }
func (ShareMounts) Kind() string   { return "boot-share-mounts" }
func (Note) Kind() string          { return "note" }

func (c SetEnv) String() string       { return "set " + c.Name + "=" + c.Value }
func (c AddNamespace) String() string { return "make a " + string(c.Type) + " namespace" }
func (c AddMount) String() string {
	if c.Mount.Type == "bind" {
		return fmt.Sprintf("bind %q to %q (%s)", c.Mount.Source, c.Mount.Destination, strings.Join(c.Mount.Options, ","))
	}
	return fmt.Sprintf("mount %q on %q (%s)", c.Mount.Type, c.Mount.Destination, strings.Join(c.Mount.Options, ","))
}
func (c DropMount) String() string {
	return "leave the mount on " + strconv.Quote(c.Destination) + " out"
}
func (c MaskPath) String() string     { return "mask " + strconv.Quote(c.Path) }
func (c ReadonlyPath) String() string { return "make " + strconv.Quote(c.Path) + " read-only" }
func (c UnmaskPath) String() string   { return "do not mask " + strconv.Quote(c.Path) }
func (c WritablePath) String() string { return "do not make " + strconv.Quote(c.Path) + " read-only" }
func (c DropDevice) String() string   { return "leave the device " + strconv.Quote(c.Path) + " out" }
func (c SetHostname) String() string  { return "set the host name " + strconv.Quote(c.Name) }
func (c SetRlimit) String() string {
	return "limit " + c.Limit.Type + " to " + limitText(c.Limit.Soft) + ", at most " + limitText(c.Limit.Hard)
}
func (c SetStopSignal) String() string { return "stop by " + c.Signal }
func (c MountOptions) String() string {
	text := "mount " + strconv.Quote(c.Destination) + " with " + strings.Join(c.Add, ",")
	if len(c.Drop) > 0 {
		text += " instead of " + strings.Join(c.Drop, ",")
	}
	return text
}

func (Delegate) String() string { return "give the container's root its control group" }
func (c CgroupTree) String() string {
	text := "show a " + c.Hierarchy.String() + " tree of control groups"
	if c.ReadonlyControllers {
		text += ", the controllers read-only"
	}
	return text
}
func (c Dir) String() string  { return fmt.Sprintf("make the directory %q (%04o)", c.Path, c.Mode) }
func (c File) String() string { return fmt.Sprintf("write %q (%04o)", c.Path, c.Mode) }
func (c Node) String() string {
	what := map[byte]string{'p': "fifo", 's': "socket", 'c': "character device", 'b': "block device"}[c.Type]
	return fmt.Sprintf("make the %s %q (%04o)", what, c.Path, c.Mode)
}
func (c NotifySocket) String() string {
	return fmt.Sprintf("bind the notification socket %q (%04o)", c.Path, c.Mode)
}
func (c Seal) String() string         { return "make " + strconv.Quote(c.Path) + " read-only" }
func (c Bind) String() string         { return fmt.Sprintf("show %q as %q", c.Source, c.Target) }
func (c KeepWritable) String() string { return "keep " + strconv.Quote(c.Path) + " writable" }
func (ShareMounts) String() string    { return "share all mounts" }
func (c Note) String() string         { return "note: " + c.Text }
