package plan

import (
	"os"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// Device makes a device node, mknod(2), or binds the host's node of that path
// where the container may make none.
type Device struct {
	Path         string
	Type         byte // 'c', 'b' or 'p', as mknod(1)
	Major, Minor int64
	Mode         uint32 // permission bits
	UID, GID     uint32
	Bind         bool
}

// Kind implements Step.
func (Device) Kind() string { return "make-device" }

func (s Device) String() string {
	verb := "make the device "
	if s.Bind {
		verb = "bind the host's device "
	}
	return verb + strconv.Quote(s.Path) + " (" + string(s.Type) + " " +
		strconv.FormatInt(s.Major, 10) + ":" + strconv.FormatInt(s.Minor, 10) + " mode " +
		strconv.FormatUint(uint64(s.Mode), 8) + " owner " + utoa(s.UID) + ":" + utoa(s.GID) + ")"
}

// Symlink makes one of the symlinks that the specification wants in /dev.
type Symlink struct {
	Target, Path string
	// Replace says that a file that stands there is removed first.
	Replace bool
	// If is a path that has to exist, or nothing is done; "" for always.
	If string
}

// Kind implements Step.
func (Symlink) Kind() string { return "make-symlink" }

func (s Symlink) String() string {
	return "link " + strconv.Quote(s.Path) + " to " + strconv.Quote(s.Target)
}

// defaultDevices are the devices that every container has, config-linux.md
// "Default Devices".
var defaultDevices = [...]specs.LinuxDevice{
	{Path: "/dev/null", Type: "c", Major: 1, Minor: 3},
	{Path: "/dev/zero", Type: "c", Major: 1, Minor: 5},
	{Path: "/dev/full", Type: "c", Major: 1, Minor: 7},
	{Path: "/dev/random", Type: "c", Major: 1, Minor: 8},
	{Path: "/dev/urandom", Type: "c", Major: 1, Minor: 9},
	{Path: "/dev/tty", Type: "c", Major: 5, Minor: 0},
}

func (c *compiler) devices() error {
	if !c.ownDev() {
		// The host's /dev is bound: nothing is made in it.
		return nil
	}
	for i := range defaultDevices {
		if !c.configuresDevice(defaultDevices[i].Path) {
			c.device(&defaultDevices[i])
		}
	}
	for i := range c.spec.Linux.Devices {
		c.device(&c.spec.Linux.Devices[i])
	}
	c.p.add(Init, Symlink{Target: "pts/ptmx", Path: "/dev/ptmx", Replace: true})
	c.p.add(Init, Symlink{Target: "/proc/self/fd", Path: "/dev/fd"})
	c.p.add(Init, Symlink{Target: "/proc/self/fd/0", Path: "/dev/stdin"})
	c.p.add(Init, Symlink{Target: "/proc/self/fd/1", Path: "/dev/stdout"})
	c.p.add(Init, Symlink{Target: "/proc/self/fd/2", Path: "/dev/stderr"})
	c.p.add(Init, Symlink{Target: "/proc/kcore", Path: "/dev/core", If: "/proc/kcore"})
	return nil
}

// ownDev tells whether /dev is the container's own: a bind mount on it brings
// somebody else's, in which nothing may be made.
func (c *compiler) ownDev() bool {
	for i := range c.spec.Mounts {
		m := &c.spec.Mounts[i]
		if CleanDestination(m.Destination) == "/dev" && newMount(i, m).Bind != NoBind {
			return false
		}
	}
	return true
}

func (c *compiler) configuresDevice(p string) bool {
	for i := range c.spec.Linux.Devices {
		if CleanDestination(c.spec.Linux.Devices[i].Path) == p {
			return true
		}
	}
	return false
}

func (c *compiler) device(d *specs.LinuxDevice) {
	step := Device{
		Path: CleanDestination(d.Path), Type: d.Type[0], Major: d.Major, Minor: d.Minor, Mode: 0o666,
		// Inside a user namespace mknod(2) makes no usable device.
		Bind: c.p.Namespaces.Has(CloneUser) && d.Type != "p",
	}
	if step.Type == 'u' {
		step.Type = 'c'
	}
	if d.FileMode != nil {
		// Engines put the file's type in here too: 0o020666.
		step.Mode = uint32(*d.FileMode & (os.ModePerm | 0o7000))
	}
	if d.UID != nil {
		step.UID = *d.UID
	}
	if d.GID != nil {
		step.GID = *d.GID
	}
	c.p.add(Init, step)
}

// Sysctl writes a kernel parameter of the container's namespaces, proc(5).
type Sysctl struct {
	Key, Value string
}

// Kind implements Step.
func (Sysctl) Kind() string { return "set-sysctl" }

func (s Sysctl) String() string { return "set the sysctl " + s.Key + " to " + strconv.Quote(s.Value) }

// Path is the parameter's file below /proc/sys.
func (s Sysctl) Path() string {
	path, _ := spec.SysctlPath(s.Key) // an error is one of spec.Validate
	return path
}

func (c *compiler) sysctls() {
	for _, key := range sortedKeys(c.spec.Linux.Sysctl) {
		c.p.add(Init, Sysctl{key, c.spec.Linux.Sysctl[key]})
	}
}

// Console makes the container's terminal: a pseudo-terminal of the container's
// own devpts, bound on /dev/console, its other end sent to the runtime.
type Console struct {
	Width, Height uint16
	// Bind says that it goes on /dev/console, too.
	Bind bool
}

// Kind implements Step.
func (Console) Kind() string { return "make-console" }

func (s Console) String() string {
	text := "make a terminal"
	if s.Width != 0 || s.Height != 0 {
		text += " of " + utoa(uint32(s.Width)) + "x" + utoa(uint32(s.Height))
	}
	if s.Bind {
		text += ", bind it on /dev/console"
	}
	return text
}

func (c *compiler) console() {
	if p := c.spec.Process; p != nil && p.Terminal {
		c.p.add(Init, newConsole(p, true))
	}
}

func newConsole(p *specs.Process, bind bool) Console {
	s := Console{Bind: bind}
	if p.ConsoleSize != nil {
		s.Width, s.Height = uint16(p.ConsoleSize.Width), uint16(p.ConsoleSize.Height)
	}
	return s
}
