// Command gspawn-oci is an OCI runtime with runc's command line.
//
// The files of this package hold one command each: its table (flags, help) and a few lines that parse, call the
// libcontainer package and print. What all share is in main.go, the choice of the command, in globals.go, the global
// flags and the list of commands, and in log.go, the one place where an error is reported. Nothing here touches a
// container itself.
package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer"
)

const name = "gspawn-oci"

// Exit codes that are not a container's own, as runc's.
const (
	exitError          = 1
	exitUnknownCommand = 3
	exitExecFailed     = 255
)

// globals are the options that stand before the command.
type globals struct {
	root          string
	log           string
	logFormat     string
	rootless      string
	rootlessMode  libcontainer.Rootless // that rootless names
	criu          string
	bootMode      string
	inherited     int // descriptors, see passedDescriptors
	debug         bool
	systemdCgroup bool
	version       bool
}

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is the program but for the exit. Its order is its contract: whatever goes wrong after the global flags are
// known is reported in the place that they name.
func run(args []string) int {
	g := globals{logFormat: "text", rootless: "auto", inherited: passedDescriptors(args)}
	flags := globalFlags(&g)
	args, err := cli.Parse(flags, args, true)
	help := errors.Is(err, cli.ErrHelp)
	if err != nil && !help {
		return g.fail(exitError, &cli.UsageError{Msg: err.Error()})
	}
	if err := g.setup(); err != nil {
		return g.fail(exitError, err)
	}
	switch {
	case g.version:
		return g.finish(0, printVersion())
	case help, len(args) == 0:
		return g.finish(0, g.app().Help(os.Stdout))
	}
	return g.dispatch(args[0], args[1:])
}

// passedDescriptors counts what the caller passed besides stdio, where something says that it is to be passed on. That
// is done first of all: a log file would get the lowest number that is free, and be taken for the caller's.
func passedDescriptors(args []string) int {
	asked := os.Getenv("LISTEN_FDS") != ""
	for _, a := range args {
		asked = asked || strings.Contains(a, "preserve-fds")
	}
	if !asked {
		return 0
	}
	return libcontainer.Inherited()
}

// dispatch finds, parses and runs one command.
func (g *globals) dispatch(verb string, args []string) int {
	if verb == "help" || verb == "h" {
		if len(args) == 0 {
			return g.finish(0, g.app().Help(os.Stdout))
		}
		verb, args = args[0], []string{"--help"}
	}
	c := g.command(verb)
	if c == nil {
		return g.fail(exitUnknownCommand, errors.New("unknown command "+quote(verb)+"; see "+name+" --help"))
	}
	rest, err := cli.Parse(c.Flags, args, c.StopAtFirst)
	switch {
	case errors.Is(err, cli.ErrHelp):
		return g.finish(0, c.Help(os.Stdout, name))
	case err != nil:
		err = &cli.UsageError{Command: c, Msg: err.Error()}
	default:
		err = c.CheckArgs(name, len(rest))
	}
	if err != nil {
		return g.fail(exitError, err)
	}
	status, err := c.Run(rest)
	if usage, ok := errors.AsType[*cli.UsageError](err); ok && usage.Command == nil {
		usage.Command = c
	}
	return g.finish(status, err)
}

// finish turns a command's result into the exit code, and reports its error.
func (g *globals) finish(status int, err error) int {
	if err == nil {
		g.flushLog()
		return status
	}
	if status == 0 {
		status = exitError
	}
	return g.fail(status, err)
}

// runtime is the library's entry, as the global flags want it.
func (g *globals) runtime() *libcontainer.Runtime {
	return &libcontainer.Runtime{
		Root:          g.root,
		SystemdCgroup: g.systemdCgroup,
		Rootless:      g.rootlessMode,
		BootMode:      g.bootMode,
		Inherited:     g.inherited,
		Warn:          func(text string) { logrus.Warn(text) },
		Debug:         func(text string) { logrus.Debug(text) },
	}
}

// setup checks the global flags and fills in what the environment decides.
func (g *globals) setup() error {
	if err := g.setupLog(); err != nil {
		return err
	}
	switch g.rootless {
	case "auto":
	case "true", "1", "t", "T", "TRUE", "True":
		g.rootlessMode = libcontainer.RootlessYes
	case "false", "0", "f", "F", "FALSE", "False":
		g.rootlessMode = libcontainer.RootlessNo
	default:
		return errors.New("invalid value " + quote(g.rootless) + " for --rootless: one of true, false, auto")
	}
	if g.root == "" {
		g.root = defaultRoot()
	}
	return absolute(&g.root)
}

// absolute makes a path independent of the working directory; an empty one stays empty.
func absolute(path *string) error {
	if *path == "" || filepath.IsAbs(*path) {
		return nil
	}
	abs, err := filepath.Abs(*path)
	if err != nil {
		return errors.New("resolve " + quote(*path) + ": " + err.Error())
	}
	*path = abs
	return nil
}
