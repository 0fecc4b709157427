package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/gspawn/gspawn-oci/bundle/importflags"
	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

func specCommand(g *globals) *cli.Command {
	var bundle string
	var rootless, boot, app bool
	return &cli.Command{
		Name: "spec", Min: 0, Max: 0,
		Summary: "write a config.json to begin with",
		Description: `Writes config.json for a container that runs "sh" on a terminal, with the root file system in the directory rootfs
beside it, read-only. Edit what the container is to be. An existing config.json is never written over.

    mkdir -p bundle/rootfs
    tar -C bundle/rootfs -xf busybox.tar
    gspawn-oci spec -b bundle
    gspawn-oci run bundle

With --boot or --app it is what ` + "`import`" + ` would write without an image or options: the configuration in which an init
boots as under systemd-nspawn, or an application's. These are printed, or with --bundle written to config.json there.`,
		Flags: []cli.Flag{
			{Name: "bundle", Short: "b", Arg: "DIR", Help: "where to write config.json", Default: "the working directory",
				Var: &bundle},
			{Name: "boot", Help: "print the configuration of a system that boots", Var: &boot},
			{Name: "app", Help: "print the configuration of an application", Var: &app},
			{Name: "rootless", Help: "make it one that an unprivileged user can run", Var: &rootless},
		},
		Run: func([]string) (int, error) {
			switch {
			case boot && app || rootless && (boot || app):
				return 0, &cli.UsageError{Msg: "--boot, --app and --rootless exclude each other"}
			case boot:
				return 0, runImport(&importflags.Flags{Template: importflags.Boot, TemplateDir: bundle, Log: g.log, LogFormat: g.logFormat})
			case app:
				return 0, runImport(&importflags.Flags{Template: importflags.App, TemplateDir: bundle, Log: g.log, LogFormat: g.logFormat})
			}
			s := spec.Default()
			if cgroup.Mode() == cgroup.Unified { // v2 alone: containers want a cgroup namespace
				spec.AddCgroupNamespace(s)
			}
			if rootless {
				spec.Rootless(s, uint32(os.Geteuid()), uint32(os.Getegid()))
			}
			if bundle == "" {
				bundle = "."
			}
			raw, err := json.MarshalIndent(s, "", "\t")
			if err != nil {
				return 0, fmt.Errorf("encode config.json: %w", err)
			}
			return 0, writeNew(bundle+"/config.json", raw)
		},
	}
}

// writeNew writes a file that must not exist yet.
func writeNew(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("file %s exists. Remove it first", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Close())
}
