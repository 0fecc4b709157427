package main

import (
	"encoding/json"
	"os"

	"github.com/gspawn/gspawn-oci/internal/cli"
)

func featuresCommand(g *globals) *cli.Command {
	return &cli.Command{
		Name: "features", Min: 0, Max: 0,
		Summary: "print what this runtime supports",
		Description: `Prints the features structure of the OCI runtime specification as JSON: namespaces, capabilities, mount options,
cgroup and seccomp support, hooks, annotations.`,
		Run: func([]string) (int, error) {
			f := g.runtime().Features()
			f.Annotations[annotationPrefix+"version"] = version
			f.Annotations[annotationPrefix+"commit"] = commit
			enc := json.NewEncoder(os.Stdout)
			enc.SetIndent("", "    ")
			return 0, enc.Encode(f)
		},
	}
}

const annotationPrefix = "io.github.gspawn.gspawn-oci."
