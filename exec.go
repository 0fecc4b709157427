package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

func execCommand(g *globals) *cli.Command {
	o := new(libcontainer.ExecOptions)
	var process string
	return &cli.Command{
		Name: "exec", Args: "<container-id> <command> [arguments...] | -p process.json <container-id>",
		Min: 1, Max: -1, StopAtFirst: true, TakesID: true,
		Summary: "run one more program in a running container",
		Description: `The program gets the environment, the working directory, the user and the capabilities of the container's process,
changed by the options; with --process a file says all of that (the process object of config.json).

The exit code is the one of the program, 128+n if a signal n ended it, and 255 if it could not be run.`,
		Example: name + " exec -t web1 sh\n" + name + " exec -u 1000:1000 --cwd /tmp web1 id",
		Flags:   execFlags(o, &process),
		Run: func(args []string) (int, error) {
			o.ID, o.Args = args[0], args[1:]
			err := checkExec(o, process)
			if err == nil {
				var status int
				if status, err = g.runtime().Exec(*o); err == nil {
					return status, nil
				}
			}
			return exitExecFailed, fmt.Errorf("exec failed: %w", err)
		},
	}
}

func execFlags(o *libcontainer.ExecOptions, process *string) []cli.Flag {
	return []cli.Flag{
		{Name: "console-socket", Arg: "SOCKET",
			Help: "AF_UNIX socket that receives the master side of the program's terminal", Var: &o.ConsoleSocket},
		{Name: "pidfd-socket", Arg: "SOCKET", Help: "AF_UNIX socket that receives a pidfd of the program",
			Var: &o.PidfdSocket},
		{Name: "cwd", Arg: "DIR", Help: "working directory in the container", Var: &o.Cwd},
		{Name: "env", Short: "e", Arg: "NAME=VALUE", Help: "set an environment variable; may be repeated", Var: &o.Env},
		{Name: "tty", Short: "t", Help: "give the program a terminal", Var: &o.TTY},
		{Name: "user", Short: "u", Arg: "UID[:GID]", Help: "numeric user and group id", Var: &o.User},
		{Name: "additional-gids", Short: "g", Arg: "GID", Help: "a further group id; may be repeated",
			Var: func(s string) error { return addGID(&o.AdditionalGids, s) }},
		{Name: "process", Short: "p", Arg: "FILE", Help: "read the process object from this file", Var: process},
		{Name: "detach", Short: "d", Help: "return when the program runs", Var: &o.Detach},
		{Name: "pid-file", Arg: "FILE", Help: "write the program's process id to this file", Var: &o.PidFile},
		{Name: "process-label", Arg: "LABEL", Help: "SELinux label of the program", Var: &o.ProcessLabel},
		{Name: "apparmor", Arg: "PROFILE", Help: "AppArmor profile of the program", Var: &o.AppArmor},
		{Name: "no-new-privs", Help: "the program can gain no privileges by executing others", Var: &o.NoNewPrivs},
		{Name: "cap", Short: "c", Arg: "CAPABILITY", Help: "give the program this capability too; may be repeated",
			Var: &o.Caps},
		{Name: "preserve-fds", Arg: "N", Help: "pass N more file descriptors (stdio + N in total)",
			Default: "0", Var: &o.PreserveFDs},
		{Name: "cgroup", Arg: "[CONTROLLERS:]PATH",
			Help: "an existing cgroup below the container's to run in; may be repeated", Var: &o.Cgroups},
		{Name: "ignore-paused", Help: "allow a program to be put in a paused container", Var: &o.IgnorePaused},
		{Name: "no-subreaper", Hidden: true, Var: new(bool)}, // long obsolete in runc, still accepted there
	}
}

// checkExec checks what does not need the container and reads the process file.
func checkExec(o *libcontainer.ExecOptions, process string) error {
	if err := checkID(o.ID); err != nil {
		return err
	}
	if err := checkPreserve(o.PreserveFDs); err != nil {
		return err
	}
	if process != "" {
		p, err := spec.LoadProcess(process)
		if err != nil {
			return err
		}
		o.Process = p
	}
	return absolutes(&o.PidFile, &o.ConsoleSocket, &o.PidfdSocket)
}

func addGID(gids *[]uint32, text string) error {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return errors.New("not a group id")
	}
	*gids = append(*gids, uint32(n))
	return nil
}
