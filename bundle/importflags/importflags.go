// Package importflags is the command line of `gspawn-oci import`: the table of its options, and what they were set to.
//
// It is apart from what does the work, since the work brings decompressors and hashes with it, whose tables would be built at
// every start of the runtime (1.5 ms and 30 page faults were measured). It may import internal/cli only.
package importflags

import "github.com/gspawn/gspawn-oci/internal/cli"

// Flags are the options as they were given, and the positional arguments. It travels as JSON to the program that does the
// work.
type Flags struct {
	// Args are source, destination and command. They follow the JSON as arguments, since file names need not be UTF-8.
	Args []string `json:"-"`

	Ref, Platform, MaxSize, MaxFiles, MaxRatio               string
	Boot, Machine, Hostname, PrivateUsers, Network, Volatile string
	Volumes, Memory, CPUs, Pids, Settings                    string

	Copy, Force, IntoMachines, NoSync, Quiet, JSON, ReadOnly, Terminal bool

	Binds, BindsRO, Tmpfs, Env, SystemCallFilter, Capability, DropCapability []string

	User *string // nil: not given

	// Log and LogFormat are the program's own.
	Log, LogFormat string

	// Template is not import's but `gspawn-oci spec`'s: Boot or App asks for the configuration that import begins with
	// instead of an import, on standard output or in the directory TemplateDir.
	Template, TemplateDir string
}

// The templates.
const (
	Boot = "boot"
	App  = "app"
)

// Table gives the options of the command.
func (f *Flags) Table() []cli.Flag { return append(f.source(), f.shape()...) }

// Description is the help's text.
const Description = `The source is recognised by what it holds: a directory with a system in it (used in place, unless --copy), the tarball
of docker save or podman save, an OCI image layout as a directory or a tar, or a tar of a root file system; compressed
with gzip, zstd, xz or bzip2, or not; - is standard input. SOURCE:REF chooses an image by name, as --ref does.

Every digest is verified, and nothing outside of the bundle is touched. The bundle appears when it is complete; a failure
leaves things as they were. A tree with an init in it, and no other command, is set up to boot as systemd-nspawn would
boot it; an application is set up as its image says. A command after -- replaces the image's entry point and arguments.

An image's volumes are part of the root file system, or with --volumes=tmpfs empty of what earlier runs wrote.`

func (f *Flags) source() []cli.Flag {
	return []cli.Flag{
		{Name: "ref", Arg: "NAME", Help: "which image of several: name:tag, tag, digest or image id", Var: &f.Ref},
		{Name: "platform", Arg: "OS/ARCH", Help: "which platform of several", Default: "this machine's", Var: &f.Platform},
		{Name: "copy", Help: "copy a directory into the bundle instead of pointing to it", Var: &f.Copy},
		{Name: "force", Short: "f", Help: "replace an existing bundle", Var: &f.Force},
		{Name: "into-machines", Help: "put the tree into /var/lib/machines, where machinectl finds it, and the bundle beside it",
			Var: &f.IntoMachines},
		{Name: "max-size", Arg: "BYTES", Help: "refuse images of more than this, 0 for no limit", Default: "64G", Var: &f.MaxSize},
		{Name: "max-files", Arg: "N", Help: "refuse images of more entries than this, 0 for no limit", Default: "2000000",
			Var: &f.MaxFiles},
		{Name: "max-ratio", Arg: "N", Help: "refuse data that expands more than this, 0 for no limit", Default: "1100",
			Var: &f.MaxRatio},
		{Name: "no-sync", Help: "do not wait until the bundle is on the disk", Var: &f.NoSync},
		{Name: "quiet", Short: "q", Help: "show no progress and no notices", Var: &f.Quiet},
		{Name: "json", Help: "write the result as JSON to standard output", Var: &f.JSON},
	}
}

func (f *Flags) shape() []cli.Flag {
	return []cli.Flag{
		{Name: "boot", Arg: "MODE", Help: "boot the tree's init: auto, yes or no", Default: "auto", Var: &f.Boot},
		{Name: "machine", Short: "M", Arg: "NAME", Help: "the machine's name", Default: "made of the bundle's", Var: &f.Machine},
		{Name: "hostname", Arg: "NAME", Help: "the host name", Default: "the machine's name", Var: &f.Hostname},
		{Name: "private-users", Arg: "RANGE", Help: "a user namespace: pick, N[:M] or no", Default: "no", Var: &f.PrivateUsers},
		{Name: "network", Arg: "MODE", Help: "host, private or veth", Default: "host for a system, private for an application",
			Var: &f.Network},
		{Name: "read-only", Help: "mount the root file system read-only", Var: &f.ReadOnly},
		{Name: "volatile", Arg: "MODE", Help: "forget changes when the system ends: yes, state or overlay", Var: &f.Volatile},
		{Name: "volumes", Arg: "MODE", Help: "what the image's volumes become: keep or tmpfs", Default: "keep", Var: &f.Volumes},
		{Name: "bind", Arg: "SRC[:DST[:OPTS]]", Help: "mount a file or directory of the host", Var: &f.Binds},
		{Name: "bind-ro", Arg: "SRC[:DST[:OPTS]]", Help: "the same, read-only", Var: &f.BindsRO},
		{Name: "tmpfs", Arg: "PATH[:OPTS]", Help: "mount a tmpfs", Var: &f.Tmpfs},
		{Name: "env", Short: "e", Arg: "NAME=VALUE", Help: "set a variable; without a value take it from here", Var: &f.Env},
		{Name: "user", Short: "u", Arg: "USER[:GROUP]", Help: "run as this user of the image",
			Var: func(v string) error { f.User = &v; return nil }},
		{Name: "terminal", Short: "t", Help: "give the process a terminal", Var: &f.Terminal},
		{Name: "memory", Arg: "BYTES", Help: "memory limit", Var: &f.Memory},
		{Name: "cpus", Arg: "N", Help: "limit of processor time, in processors", Var: &f.CPUs},
		{Name: "pids", Arg: "N", Help: "limit of processes and threads", Var: &f.Pids},
		{Name: "system-call-filter", Arg: "LIST", Help: "allow further system calls or @groups; ~ first forbids", Var: &f.SystemCallFilter},
		{Name: "capability", Arg: "LIST", Help: "give further capabilities", Var: &f.Capability},
		{Name: "drop-capability", Arg: "LIST", Help: "take capabilities away", Var: &f.DropCapability},
		{Name: "settings", Arg: "FILE", Help: "apply a .nspawn file; options given here win", Var: &f.Settings},
	}
}

// ParseBytes reads an amount of memory or data as all commands do.
func ParseBytes(text string) (int64, error) { return cli.ParseBytes(text) }
