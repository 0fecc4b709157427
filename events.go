package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer"
)

func eventsCommand(g *globals) *cli.Command {
	var stats bool
	interval := 5 * time.Second
	return &cli.Command{
		Name: "events", Args: "<container-id>", Min: 1, Max: 1, TakesID: true,
		Summary: "print statistics and out-of-memory events of a container",
		Description: `Prints one JSON object a line: the statistics of the container's cgroups at each interval, and an event each time
the kernel ends a process for want of memory. Ends when the container has stopped.`,
		Flags: []cli.Flag{
			{Name: "interval", Arg: "DURATION", Help: "time between two statistics", Default: "5s", Var: &interval},
			{Name: "stats", Help: "print the statistics once", Var: &stats},
		},
		Run: withID(func(id string) error {
			if interval <= 0 {
				return &cli.UsageError{Msg: "duration interval must be greater than 0"}
			}
			enc := json.NewEncoder(os.Stdout)
			if stats {
				s, err := g.runtime().Stats(id)
				if err != nil {
					return err
				}
				return enc.Encode(libcontainer.Event{Type: "stats", ID: id, Data: s})
			}
			return g.runtime().Events(context.Background(), id, interval, func(e libcontainer.Event) error {
				return enc.Encode(e)
			})
		}),
	}
}
