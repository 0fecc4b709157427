// Package libcontainer is the runtime: it makes, starts, watches and removes
// containers, each command of the OCI lifecycle one method of Runtime.
//
// A container is made in four moves. The configuration is loaded and checked
// (spec), compiled to a plan (plan), lowered to a tape of system calls (lower,
// tape), and the tape is started as the container's init, while this package
// does from outside what can be done from outside: control groups, mappings,
// limits, hooks. The package must change nothing of the host that the bundle does
// not name (its tree, network devices, resctrl group), but for the state directory,
// the control groups, and where machines are registered: systemd-machined and
// nspawn's locks in /run. It never imports bundle.
package libcontainer

import (
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Runtime is a state directory and what all commands on it have in common.
type Runtime struct {
	// Root is the state directory, absolute.
	Root string
	// SystemdCgroup lets systemd make the control groups of new containers.
	SystemdCgroup bool
	// Rootless is whether to go on where control groups may not be changed.
	Rootless Rootless
	// BootMode is "auto", "yes", "no" or "": whether a container whose
	// process is an init is booted as a system; a bundle's annotation
	// io.gspawn.boot goes before it.
	BootMode string
	// Inherited is the number of descriptors from 3 on that this process was
	// given; what is to be passed on has to be among them. The function
	// Inherited counts them.
	Inherited int
	// Warn is told what the user should know and what stops nothing, Debug
	// what helps to find out why something is not as expected; nil for nobody.
	Warn, Debug func(text string)
}

// Rootless is whether errors of permission about control groups are let pass.
type Rootless int

// The choices of --rootless.
const (
	RootlessAuto Rootless = iota // without privileges
	RootlessYes
	RootlessNo
)

func (r *Runtime) debug(text string) {
	if r.Debug != nil {
		r.Debug(text)
	}
}

func (r *Runtime) warn(text string) {
	if r.Warn != nil {
		r.Warn(text)
	}
}

func (r *Runtime) rootless() bool {
	return r.Rootless == RootlessYes || r.Rootless == RootlessAuto && os.Geteuid() != 0
}

// CreateOptions are the parameters of Create.
type CreateOptions struct {
	// ID names the container within the state directory; Bundle is the
	// absolute path of the directory with config.json.
	ID, Bundle string
	// PidFile receives the init's process ID, in decimal without a newline.
	PidFile string
	// ConsoleSocket and PidfdSocket are AF_UNIX sockets that receive the
	// terminal's master and a pidfd of the init.
	ConsoleSocket, PidfdSocket string
	NoPivot, NoNewKeyring      bool
	// PreserveFDs is the number of descriptors from 3 that are passed on,
	// besides those of $LISTEN_FDS when $LISTEN_PID is this process.
	PreserveFDs int
}

// RunOptions are the parameters of Run.
type RunOptions struct {
	CreateOptions
	// Detach returns as soon as the program runs.
	Detach bool
	// Keep leaves the stopped container for the caller to look at.
	Keep bool
	// KeepUnit ends with exit code 133 when a booted system reboots, for
	// the service manager to start it again, instead of doing so here.
	KeepUnit bool
	// Console says what a booted system's console is connected to:
	// "interactive", "read-only", "passive", "pipe", "autopipe", as
	// systemd-nspawn's --console=; "" is interactive on a terminal, else
	// read-only.
	Console string
	// NotifyReady leaves it to the booted system to say that it is ready,
	// sd_notify(3); else it is as soon as its PID 1 runs.
	NotifyReady bool
	// SetCredentials and LoadCredentials are ID:VALUE and ID:PATH, for a
	// booted system (systemd.exec(5), "Credentials").
	SetCredentials, LoadCredentials []string
	// Register makes any container known to systemd-machined, NoRegister none;
	// by default it is booted systems. The bundle's annotation
	// io.gspawn.register goes before both.
	Register, NoRegister bool
	// Quiet leaves out what is said to the person at the terminal.
	Quiet bool
	// NoSubreaper leaves orphans of the container to somebody else.
	NoSubreaper bool
}

// ExecOptions are the parameters of Exec.
type ExecOptions struct {
	ID string
	// Process is the whole process; nil takes the container's and changes
	// what the fields below say.
	Process        *specs.Process
	Args           []string
	Cwd, User      string
	Env, Caps      []string
	AdditionalGids []uint32
	TTY, Detach    bool
	NoNewPrivs     bool
	AppArmor       string
	ProcessLabel   string
	PidFile        string
	ConsoleSocket  string
	PidfdSocket    string
	PreserveFDs    int
	Cgroups        []string
	IgnorePaused   bool
}
