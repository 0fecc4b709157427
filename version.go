package main

import (
	"os"
	"runtime"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/internal/cli"
)

// Set by the linker (see Makefile).
var (
	version = "0.1.0-dev"
	commit  = "unknown"
)

// versionText has runc's shape: engines show the first line and what follows "commit: ".
func versionText() string {
	return version + "\ncommit: " + commit + "\nspec: " + specs.Version + "\ngo: " + runtime.Version()
}

// printVersion answers --version. It asks nobody: docker calls it often.
func printVersion() error {
	_, err := os.Stdout.WriteString(name + " version " + versionText() + "\n")
	return err
}

func versionCommand(*globals) *cli.Command {
	return &cli.Command{
		Name: "version", Min: 0, Max: 0,
		Summary: "print the version of the program and of what it works with",
		Description: `Like --version, and further the seccomp library, and this machine's kernel, layout of the control groups and security
modules.`,
		Run: func([]string) (int, error) {
			if err := printVersion(); err != nil {
				return 0, err
			}
			return 0, printSurroundings(os.Stdout)
		},
	}
}
