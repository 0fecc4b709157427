package main

import (
	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer"
)

// createFlags are what create and run have in common.
func createFlags(o *libcontainer.CreateOptions) []cli.Flag {
	return []cli.Flag{
		{Name: "bundle", Short: "b", Arg: "DIR", Help: "the bundle: a directory with config.json",
			Default: "the working directory", Var: &o.Bundle},
		{Name: "pid-file", Arg: "FILE", Help: "write the process id of the container's init to this file", Var: &o.PidFile},
		{Name: "console-socket", Arg: "SOCKET",
			Help: "AF_UNIX socket that receives the master side of the container's terminal", Var: &o.ConsoleSocket},
		{Name: "pidfd-socket", Arg: "SOCKET",
			Help: "AF_UNIX socket that receives a pidfd of the container's init", Var: &o.PidfdSocket},
		{Name: "no-pivot", Help: "change the root by moving the mount, not by pivot_root, for a root file system on a ramdisk",
			Var: &o.NoPivot},
		{Name: "no-new-keyring", Help: "keep the caller's session keyring instead of making a new one", Var: &o.NoNewKeyring},
		{Name: "preserve-fds", Arg: "N", Help: "pass N more file descriptors (stdio + $LISTEN_FDS + N in total)",
			Default: "0", Var: &o.PreserveFDs},
	}
}

func createCommand(g *globals) *cli.Command {
	o := new(libcontainer.CreateOptions)
	return &cli.Command{
		Name: "create", Args: "<container-id>", Min: 1, Max: 1,
		Summary: "create a container without starting its program",
		Description: `Makes the container that the bundle's config.json describes, up to the point where only its program is missing.
The program runs when "start" is called. The container-id must be unique within the state directory (--root).`,
		Example: name + " create -b /containers/web web1",
		Flags:   createFlags(o),
		Run: func(args []string) (int, error) {
			o.ID = args[0]
			if err := checkCreate(o); err != nil {
				return 0, err
			}
			return 0, g.runtime().Create(*o)
		},
	}
}

// checkCreate checks the id and makes the paths absolute, the bundle's default included.
func checkCreate(o *libcontainer.CreateOptions) error {
	if err := checkID(o.ID); err != nil {
		return err
	}
	if err := checkPreserve(o.PreserveFDs); err != nil {
		return err
	}
	if o.Bundle == "" {
		o.Bundle = "."
	}
	return absolutes(&o.Bundle, &o.PidFile, &o.ConsoleSocket, &o.PidfdSocket)
}

func checkPreserve(n int) error {
	if n < 0 {
		return &cli.UsageError{Msg: "invalid value for flag -preserve-fds: must not be negative"}
	}
	return nil
}

func absolutes(paths ...*string) error {
	for _, p := range paths {
		if err := absolute(p); err != nil {
			return err
		}
	}
	return nil
}
