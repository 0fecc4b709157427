package main

import (
	"os"
	"strconv"

	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer"
)

func quote(s string) string { return strconv.Quote(s) }

func globalFlags(g *globals) []cli.Flag {
	return []cli.Flag{
		{Name: "debug", Help: "write debug messages to the log", Var: &g.debug},
		{Name: "log", Arg: "FILE", Help: "append messages and errors to this file",
			Default: "standard error", Var: &g.log},
		{Name: "log-format", Arg: "FORMAT", Help: "format of the messages: text or json", Default: "text",
			Var: &g.logFormat},
		{Name: "root", Arg: "DIR", Help: "directory for the state of containers; should be on a tmpfs",
			Default: "/run/" + name + "; of a user $XDG_RUNTIME_DIR/" + name, Var: &g.root},
		{Name: "systemd-cgroup", Help: "let systemd make the cgroups; cgroupsPath then has the form slice:prefix:name",
			Var: &g.systemdCgroup},
		{Name: "rootless", Arg: "MODE", Help: "go on without cgroups where they may not be changed: true, false or auto",
			Default: "auto", Var: &g.rootless},
		{Name: "boot-mode", Arg: "MODE",
			Help:    "boot containers whose process is an init as systems: auto, yes or no",
			Default: "auto, or what /etc/gspawn-oci/config.toml says", Var: &g.bootMode},
		{Name: "criu", Arg: "FILE", Hidden: true, Var: &g.criu},
		{Name: "version", Short: "v", Hidden: true, Var: &g.version},
	}
}

// defaultRoot is where the state of containers lies when --root does not say.
//
// Like runc, root uses a user's runtime directory only as the root of a user namespace that a user set up (USER is not
// root there); conmon hands XDG_RUNTIME_DIR to the real root's runtime as well.
func defaultRoot() string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return "/run/" + name
	}
	if os.Geteuid() == 0 && (os.Getenv("USER") == "root" || !libcontainer.InUserNamespace()) {
		return "/run/" + name
	}
	return dir + "/" + name
}

// entry names a command and the function that makes its table.
type entry struct {
	verb  string
	table func(*globals) *cli.Command
}

// entries has all commands in the order of the help. It is a function, as the tables of help and completion refer to it.
func entries() []entry {
	return []entry{
		{"import", importCommand},
		{"run", runCommand},
		{"create", createCommand},
		{"start", startCommand},
		{"state", stateCommand},
		{"kill", killCommand},
		{"delete", deleteCommand},
		{"exec", execCommand},
		{"list", listCommand},
		{"ps", psCommand},
		{"pause", pauseCommand},
		{"resume", resumeCommand},
		{"update", updateCommand},
		{"events", eventsCommand},
		{"spec", specCommand},
		{"plan", planCommand},
		{"features", featuresCommand},
		{"checkpoint", checkpointCommand},
		{"restore", restoreCommand},
		{"version", versionCommand},
		{"completion", completionCommand},
		{"man", manCommand},
	}
}

// command makes the table of one command, nil when there is none of that name.
func (g *globals) command(verb string) *cli.Command {
	for _, e := range entries() {
		if e.verb == verb {
			return e.table(g)
		}
	}
	return nil
}

// app is the whole program as one table, for help, completions and manuals.
func (g *globals) app() *cli.App {
	return &cli.App{
		Name:        name,
		Summary:     "run containers and boot systems from OCI bundles",
		Description: appDescription,
		Version:     versionText(),
		Flags:       globalFlags(g),
		Sections:    manSections(),
		Commands: func() []*cli.Command {
			all := make([]*cli.Command, 0, 32)
			for _, e := range entries() {
				all = append(all, e.table(g))
			}
			return all
		},
	}
}

const appDescription = `A low-level container runtime with the command line of runc: containerd, podman, docker and Kubernetes can call it in
runc's place. It runs what a bundle describes, a directory with a config.json (OCI runtime specification) and a root
file system.

    gspawn-oci import SOURCE BUNDLE     an image or a system's tree becomes a bundle
    gspawn-oci run BUNDLE               the container is named as the directory
    gspawn-oci run -b BUNDLE ID         runc's form
    gspawn-oci plan BUNDLE              what would be done, step by step; needs no privilege`
