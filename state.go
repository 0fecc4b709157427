package main

import (
	"os"

	"github.com/gspawn/gspawn-oci/internal/cli"
)

func stateCommand(g *globals) *cli.Command {
	return &cli.Command{
		Name: "state", Args: "<container-id>", Min: 1, Max: 1, TakesID: true,
		Summary:     "print the state of a container",
		Description: `Prints the state as the OCI runtime specification defines it, as JSON, with runc's further fields.`,
		Run: withID(func(id string) error {
			s, err := g.runtime().State(id)
			if err != nil {
				return err
			}
			return s.WriteJSON(os.Stdout)
		}),
	}
}
