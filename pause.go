package main

import "github.com/gspawn/gspawn-oci/internal/cli"

func pauseCommand(g *globals) *cli.Command {
	return &cli.Command{
		Name: "pause", Args: "<container-id>", Min: 1, Max: 1, TakesID: true,
		Summary:     "suspend all processes of a container",
		Description: `Freezes the container's cgroup; "resume" lets it go on.`,
		Run: withID(func(id string) error {
			return g.runtime().Pause(id)
		}),
	}
}

func resumeCommand(g *globals) *cli.Command {
	return &cli.Command{
		Name: "resume", Args: "<container-id>", Min: 1, Max: 1, TakesID: true,
		Summary:     "let a paused container go on",
		Description: `Thaws the container's cgroup.`,
		Run: withID(func(id string) error {
			return g.runtime().Resume(id)
		}),
	}
}
