package main

import "github.com/gspawn/gspawn-oci/internal/cli"

func deleteCommand(g *globals) *cli.Command {
	var force bool
	return &cli.Command{
		Name: "delete", Args: "<container-id>", Min: 1, Max: 1, TakesID: true,
		Summary: "remove what a stopped container still holds",
		Description: `Removes the cgroups and the state of a container that has stopped, and runs its poststop hooks. With --force a
container that still runs is killed first, and one that does not exist is no error.`,
		Flags: []cli.Flag{
			{Name: "force", Short: "f", Help: "kill the container first if it still runs (SIGKILL)", Var: &force},
		},
		Run: withID(func(id string) error {
			return g.runtime().Delete(id, force)
		}),
	}
}
