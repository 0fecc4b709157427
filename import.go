package main

import (
	"github.com/gspawn/gspawn-oci/bundle/importflags"
	"github.com/gspawn/gspawn-oci/internal/cli"
)

func importCommand(g *globals) *cli.Command {
	f := new(importflags.Flags)
	return &cli.Command{
		Name: "import", Args: "<source> <bundle> [-- command [arguments...]]", Min: 1, Max: -1,
		Summary:     "make a bundle of a system's tree, an image's tarball or layout, or a root file system's tar",
		Description: importflags.Description,
		Example: "debootstrap trixie ./tree && " + name + " import ./tree box && " + name + " run box\n" +
			"docker save app:1 | " + name + " import - app\n" + name + " import oci-dir:tag app -- /bin/app --verbose",
		Flags: f.Table(),
		Run: func(args []string) (int, error) {
			f.Args, f.Log, f.LogFormat = args, g.log, g.logFormat
			return 0, runImport(f)
		},
	}
}
