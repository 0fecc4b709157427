package main

import (
	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer"
)

func runCommand(g *globals) *cli.Command {
	o := new(libcontainer.RunOptions)
	return &cli.Command{
		Name: "run", Args: "<bundle> | [-b <bundle>] <container-id>", Min: 1, Max: 1,
		Summary: "create a container, start it, wait for it and delete it",
		Description: `The argument is either a bundle (a directory with config.json), and the container is then named as the directory, or
the container-id, and the bundle is then --bundle or the working directory.

The exit code is the one of the container's program, 128+n if a signal n ended it, and 1 if it could not be run.`,
		Example: name + " run /containers/web\n" + name + " run -b /containers/web web1",
		Flags: append(createFlags(&o.CreateOptions),
			cli.Flag{Name: "detach", Short: "d", Help: "return when the program runs", Var: &o.Detach},
			cli.Flag{Name: "keep", Help: "do not delete the container when it has ended", Var: &o.Keep},
			cli.Flag{Name: "keep-unit", Help: "end with exit code 133 when a booted system reboots, instead of starting it again",
				Var: &o.KeepUnit},
			cli.Flag{Name: "console", Arg: "MODE",
				Help:    "console of a booted system: interactive, read-only, passive, pipe or autopipe",
				Default: "interactive on a terminal, else read-only", Var: &o.Console},
			cli.Flag{Name: "notify-ready", Help: "a booted system tells by itself when it is ready", Var: &o.NotifyReady},
			cli.Flag{Name: "set-credential", Arg: "ID:VALUE", Help: "give a booted system a credential; may be repeated",
				Var: &o.SetCredentials},
			cli.Flag{Name: "load-credential", Arg: "ID:PATH",
				Help: "give a booted system a credential from a file; may be repeated", Var: &o.LoadCredentials},
			cli.Flag{Name: "register", Help: "register the container with systemd-machined, if it is an application, too",
				Var: &o.Register},
			cli.Flag{Name: "no-register", Help: "do not register a booted system with systemd-machined", Var: &o.NoRegister},
			cli.Flag{Name: "quiet", Short: "q", Help: "say nothing but what the container says", Var: &o.Quiet},
			cli.Flag{Name: "no-subreaper", Help: "do not adopt and reap processes that the container leaves behind",
				Var: &o.NoSubreaper},
		),
		Run: func(args []string) (int, error) {
			o.ID = args[0]
			if o.Bundle == "" {
				if bundle, id, ok := bundleArgument(args[0]); ok {
					o.Bundle, o.ID = bundle, id
				}
			}
			if err := checkCreate(&o.CreateOptions); err != nil {
				return 0, err
			}
			return g.runtime().Run(*o)
		},
	}
}
