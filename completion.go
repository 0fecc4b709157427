package main

import (
	"os"

	"github.com/gspawn/gspawn-oci/internal/cli"
)

func completionCommand(g *globals) *cli.Command {
	return &cli.Command{
		Name: "completion", Args: "bash|zsh|fish", Min: 1, Max: 1,
		Summary:     "print a completion script for a shell",
		Description: `Prints the script that completes commands, options and container ids.`,
		Example: name + " completion bash >/usr/share/bash-completion/completions/" + name + "\n" +
			"source <(" + name + " completion bash)",
		Run: func(args []string) (int, error) {
			return 0, g.app().Complete(os.Stdout, args[0])
		},
	}
}

// manCommand writes the manual pages; `make install` calls it.
func manCommand(g *globals) *cli.Command {
	return &cli.Command{
		Name: "man", Args: "<directory>", Min: 1, Max: 1, Hidden: true,
		Summary:     "write the manual pages",
		Description: `Writes ` + name + `.8 and a page for each command into the directory, which must exist.`,
		Run: func(args []string) (int, error) {
			app := g.app()
			if err := os.WriteFile(args[0]+"/"+name+".8", []byte(app.ManPage()), 0o644); err != nil {
				return 0, err
			}
			for _, c := range app.Shown() {
				if err := os.WriteFile(args[0]+"/"+name+"-"+c.Name+".8", []byte(c.ManPage(app)), 0o644); err != nil {
					return 0, err
				}
			}
			return 0, nil
		},
	}
}

// manSections are the parts of gspawn-oci(8) that help does not show.
func manSections() []cli.Section {
	return []cli.Section{
		{Title: "EXIT STATUS", Text: `0 on success, 1 on an error, 3 for an unknown command. run and exec exit as the container's program: with its exit
code, or 128+n if signal n ended it; exec exits with 255 if the program could not be run.`},
		{Title: "FILES", Text: `/run/gspawn-oci (of a user $XDG_RUNTIME_DIR/gspawn-oci): the state of containers, and the cache of compiled seccomp
profiles.`},
	}
}
