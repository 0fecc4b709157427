package main

import (
	"errors"

	"github.com/gspawn/gspawn-oci/internal/cli"
)

// errCheckpoint is what checkpoint and restore answer until they exist. Engines probe their --help and flags.
var errCheckpoint = errors.New("checkpoint and restore are not supported by " + name + " yet")

func notYet([]string) (int, error) { return 0, errCheckpoint }

// unused takes the value of a flag that nothing reads yet.
func unused(string) error { return nil }

func checkpointCommand(*globals) *cli.Command {
	return &cli.Command{
		Name: "checkpoint", Args: "<container-id>", Min: 1, Max: 1, TakesID: true,
		Summary:     "save the state of a running container (not supported yet)",
		Description: `The options are those of runc, so that callers find them; the command itself only says that it is not supported yet.`,
		Flags: append(criuFlags(),
			cli.Flag{Name: "parent-path", Arg: "DIR", Help: "image files of an earlier --pre-dump", Var: unused},
			cli.Flag{Name: "leave-running", Help: "leave the container running", Var: unused},
			cli.Flag{Name: "status-fd", Arg: "FD", Help: "file descriptor told when lazy pages are ready", Var: unused},
			cli.Flag{Name: "page-server", Arg: "ADDRESS:PORT", Help: "send memory to this page server", Var: unused},
			cli.Flag{Name: "pre-dump", Help: "save memory only and leave the container running", Var: unused},
		),
		Run: notYet,
	}
}

func restoreCommand(*globals) *cli.Command {
	return &cli.Command{
		Name: "restore", Args: "<container-id>", Min: 1, Max: 1,
		Summary:     "restore a container from a checkpoint (not supported yet)",
		Description: `The options are those of runc, so that callers find them; the command itself only says that it is not supported yet.`,
		Flags: append(criuFlags(),
			cli.Flag{Name: "console-socket", Arg: "SOCKET", Help: "AF_UNIX socket that receives the master side of the terminal",
				Var: unused},
			cli.Flag{Name: "bundle", Short: "b", Arg: "DIR", Help: "the bundle", Default: "the working directory", Var: unused},
			cli.Flag{Name: "detach", Short: "d", Help: "return when the container runs", Var: unused},
			cli.Flag{Name: "pid-file", Arg: "FILE", Help: "write the process id to this file", Var: unused},
			cli.Flag{Name: "no-subreaper", Help: "do not adopt processes that the container leaves behind", Var: unused},
			cli.Flag{Name: "no-pivot", Help: "do not use pivot_root", Var: unused},
			cli.Flag{Name: "lsm-profile", Arg: "TYPE:NAME", Help: "LSM profile to restore with", Var: unused},
			cli.Flag{Name: "lsm-mount-context", Arg: "CONTEXT", Help: "LSM mount context to restore with", Var: unused},
		),
		Run: notYet,
	}
}

// criuFlags are the options that checkpoint and restore share.
func criuFlags() []cli.Flag {
	return []cli.Flag{
		{Name: "image-path", Arg: "DIR", Help: "where the image files are", Var: unused},
		{Name: "work-path", Arg: "DIR", Help: "where work files and logs are", Var: unused},
		{Name: "tcp-established", Help: "allow open TCP connections", Var: unused},
		{Name: "ext-unix-sk", Help: "allow connections to unix sockets outside", Var: unused},
		{Name: "shell-job", Help: "allow shell jobs", Var: unused},
		{Name: "lazy-pages", Help: "restore memory on demand, by userfaultfd", Var: unused},
		{Name: "file-locks", Help: "handle file locks", Var: unused},
		{Name: "manage-cgroups-mode", Arg: "MODE", Help: "cgroups mode: soft, full, strict or ignore", Var: unused},
		{Name: "empty-ns", Arg: "NAMESPACE", Help: "make a namespace without restoring its properties", Var: unused},
		{Name: "auto-dedup", Help: "drop duplicates in memory images", Var: unused},
	}
}
