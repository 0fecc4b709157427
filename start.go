package main

import "github.com/gspawn/gspawn-oci/internal/cli"

func startCommand(g *globals) *cli.Command {
	return &cli.Command{
		Name: "start", Args: "<container-id>", Min: 1, Max: 1, TakesID: true,
		Summary:     "run the program of a created container",
		Description: `Lets the container go on to its program. Returns when the program has been executed, or could not be.`,
		Run: withID(func(id string) error {
			return g.runtime().Start(id)
		}),
	}
}

// withID is the body of a command whose only argument is a container.
func withID(do func(id string) error) func([]string) (int, error) {
	return func(args []string) (int, error) {
		if err := checkID(args[0]); err != nil {
			return 0, err
		}
		return 0, do(args[0])
	}
}
