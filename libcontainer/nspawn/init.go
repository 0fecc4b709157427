package nspawn

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// Kind says which init program a file is.
type Kind int

// The init programs that are told apart. Other is a program that is taken for
// an init only because boot mode was demanded.
const (
	None Kind = iota
	Systemd
	Busybox
	OpenRC
	Runit
	S6
	SysVInit
	Other
)

func (k Kind) String() string {
	switch k {
	case Systemd:
		return "systemd"
	case Busybox:
		return "busybox"
	case OpenRC:
		return "openrc"
	case Runit:
		return "runit"
	case S6:
		return "s6"
	case SysVInit:
		return "sysvinit"
	case Other:
		return "other"
	default:
		return "none"
	}
}

// StopSignal is the signal that makes the init end its system cleanly.
func (k Kind) StopSignal() string {
	switch k {
	case Systemd:
		return "SIGRTMIN+3" // systemd(1): halt.target; nspawn's default
	case Busybox:
		return "SIGUSR2" // busybox init: poweroff
	case SysVInit:
		return "SIGPWR" // init(8): powerwait; what LXC sends
	case Runit:
		return "SIGINT" // runit(8): runs ctrlaltdel, which stops the stages
	default:
		return "SIGTERM" // openrc-init(8), s6-svscan(8)
	}
}

// Tree reads a root file system. Paths are absolute in the tree, symlinks are
// followed as the container would follow them.
type Tree interface {
	// Resolve gives the path of the file that a path leads to, all symlinks
	// followed; the error wraps fs.ErrNotExist when there is none.
	Resolve(name string) (string, fs.FileMode, error)
	// Read gives at most limit bytes from the start of a regular file.
	Read(name string, limit int) ([]byte, error)
	// List gives the names in a directory, in no order.
	List(name string) ([]string, error)
}

// Tried is a path that was looked at, and what was found there.
type Tried struct {
	Path, Found string
}

// Init is what was found out about an init program.
type Init struct {
	Kind Kind
	// Path is how the program is called, File what that leads to.
	Path, File string
	// Tried lists what was looked at, for the message when there is none.
	Tried []Tried
}

// Looked says where an init was looked for and what was there instead:
// "/sbin/init: does not exist; …".
func (i Init) Looked() string {
	var b strings.Builder
	for n, t := range i.Tried {
		if n > 0 {
			b.WriteString("; ")
		}
		b.WriteString(t.Path + ": " + t.Found)
	}
	return b.String()
}

func (i *Init) tried(name, found string) { i.Tried = append(i.Tried, Tried{name, found}) }

// candidates are the places of an init, nspawn's own three first (their order
// is nspawn's), then those of other inits.
const candidates = "/usr/lib/systemd/systemd /lib/systemd/systemd /sbin/init /usr/sbin/init /usr/local/sbin/init " +
	"/sbin/openrc-init /usr/sbin/openrc-init /sbin/runit-init /usr/sbin/runit-init /sbin/runit /sbin/s6-linux-init /bin/s6-linux-init"

// MaybeInit says whether argv[0] has the name of an init. It is the test that
// an application container passes without any look at its tree.
func MaybeInit(arg0 string) bool {
	switch arg0[strings.LastIndexByte(arg0, '/')+1:] {
	case "init":
		// /init and /dev/init are application supervisors of images
		// (s6-overlay, catatonit, tini), not inits of a system.
		return arg0 != "/init" && !strings.HasPrefix(arg0, "/dev/")
	case "systemd", "openrc-init", "runit-init", "runit", "s6-linux-init":
		return true
	}
	return false
}

// Detect says which init a process's argv[0] is. searchPath is the process's
// PATH, for an argv[0] without a slash. An error other than that of a missing
// file is returned as it is.
func Detect(tree Tree, arg0, searchPath string) (Init, error) {
	if !MaybeInit(arg0) {
		return Init{Path: arg0, Tried: []Tried{{arg0, "is not the name of an init"}}}, nil
	}
	var found Init
	if strings.IndexByte(arg0, '/') >= 0 {
		err := found.look(tree, path.Join("/", arg0))
		return found, err
	}
	for _, dir := range strings.Split(searchPath, ":") {
		if !strings.HasPrefix(dir, "/") {
			continue
		}
		if err := found.look(tree, path.Join(dir, arg0)); err != nil || found.Kind != None {
			return found, err
		}
	}
	if len(found.Tried) == 0 {
		found.tried(arg0, "PATH names no absolute directory to look in")
	}
	return found, nil
}

// Find looks for a tree's init where inits are.
func Find(tree Tree) (Init, error) {
	var found Init
	for rest := candidates; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, " ")
		if err := found.look(tree, name); err != nil || found.Kind != None {
			return found, err
		}
	}
	return found, nil
}

// look examines one path, and notes what it is.
func (i *Init) look(tree Tree, name string) error {
	file, mode, err := tree.Resolve(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.tried(name, "does not exist")
		return nil
	case err != nil:
		return err
	case !mode.IsRegular():
		i.tried(name, "is not a regular file")
		return nil
	case mode&0o111 == 0:
		i.tried(name, "is not executable")
		return nil
	}
	kind := kindByName(file)
	if kind == None {
		if kind, err = kindByContent(tree, file); err != nil {
			return err
		}
	}
	if kind == None {
		i.tried(name, "is no init that is known")
		return nil
	}
	i.Kind, i.Path, i.File = kind, name, file
	i.tried(name, "is "+kind.String())
	return nil
}

// kindByName knows the inits whose programs have names of their own.
func kindByName(file string) Kind {
	switch path.Base(file) {
	case "systemd":
		if path.Base(path.Dir(file)) == "systemd" {
			return Systemd
		}
	case "busybox", "busybox.static", "busybox-static":
		return Busybox
	case "openrc-init":
		return OpenRC
	case "runit-init", "runit":
		return Runit
	case "s6-linux-init":
		return S6
	}
	return None
}

// contentLimit is how much of an unnamed init is searched for its marks:
// sysvinit has 60 KiB, busybox its version string within the first 2 MiB.
const contentLimit = 4 << 20

// kindByContent knows an init by strings that its program cannot do without:
// the file that it reads, or the library it is linked with.
func kindByContent(tree Tree, file string) (Kind, error) {
	raw, err := tree.Read(file, contentLimit)
	if err != nil {
		return None, err
	}
	if len(raw) > 2 && raw[0] == '#' && raw[1] == '!' {
		if containsText(raw, "s6-linux-init") {
			return S6, nil
		}
		return None, nil
	}
	for _, mark := range [...]struct {
		kind Kind
		text string
	}{
		{Systemd, "libsystemd-core-"},
		{Busybox, "BusyBox v"},
		{OpenRC, "/run/openrc/init.ctl"},
		{Runit, "/etc/runit/stopit"},
		{SysVInit, "/etc/inittab"},
	} {
		if containsText(raw, mark.text) {
			return mark.kind, nil
		}
	}
	return None, nil
}
