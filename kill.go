package main

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
)

func killCommand(g *globals) *cli.Command {
	var all bool
	return &cli.Command{
		Name: "kill", Args: "<container-id> [signal]", Min: 1, Max: 2, TakesID: true,
		Summary: "send a signal to the init process of a container",
		Description: `The signal is a number or a name, with or without SIG, RTMIN+n included. If none is given it is SIGTERM, and for a booted
system the one that shuts it down (SIGRTMIN+3 for systemd). What engines send unasked, SIGTERM and SIGRTMIN+3, becomes that
signal, too, unless the bundle names another stop signal, or the init's own.`,
		Example: name + " kill web1 KILL\n" + name + " kill web1 SIGRTMIN+3",
		Flags: []cli.Flag{
			{Name: "all", Short: "a", Help: "send the signal to all processes of the container", Var: &all},
		},
		Run: func(args []string) (int, error) {
			sig := libcontainer.DefaultSignal
			if err := checkID(args[0]); err != nil {
				return 0, err
			}
			if len(args) > 1 {
				var err error
				if sig, err = parseSignal(args[1]); err != nil {
					return 0, err
				}
			}
			return 0, g.runtime().Kill(args[0], sig, all)
		},
	}
}

// parseSignal reads a signal's number or name, as kill(1) and runc do.
func parseSignal(text string) (unix.Signal, error) {
	number, ok := nspawn.ParseSignal(text)
	if !ok {
		return 0, unknownSignal(text)
	}
	return unix.Signal(number), nil
}

func unknownSignal(text string) error { return errors.New("unknown signal " + quote(text)) }
