package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"github.com/gspawn/gspawn-oci/internal/cli"
)

func psCommand(g *globals) *cli.Command {
	format := "table"
	return &cli.Command{
		Name: "ps", Args: "<container-id> [ps options]", Min: 1, Max: -1, StopAtFirst: true, TakesID: true,
		Summary: "list the processes of a container",
		Description: `As a table the lines of ps(1) that belong to the container are printed; further arguments are given to ps, whose
output must have a PID column (default: -ef). As json only the process ids are printed.`,
		Flags: []cli.Flag{
			{Name: "format", Short: "f", Arg: "FORMAT", Help: "table or json", Default: "table", Var: &format},
		},
		Run: func(args []string) (int, error) {
			if format != "table" && format != "json" {
				return 0, &cli.UsageError{Msg: "invalid format option " + quote(format) + ": table or json"}
			}
			if err := checkID(args[0]); err != nil {
				return 0, err
			}
			pids, err := g.runtime().Ps(args[0])
			if err != nil {
				return 0, err
			}
			if format == "json" {
				return 0, json.NewEncoder(os.Stdout).Encode(pids)
			}
			return 0, printProcesses(pids, args[1:])
		},
	}
}

// printProcesses runs ps(1) and passes on the heading and the lines of pids.
func printProcesses(pids []int, options []string) error {
	if len(options) == 0 {
		options = []string{"-ef"}
	}
	out, err := exec.Command("ps", options...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("run ps: %w: %s", err, bytes.TrimSpace(out))
	}
	lines := bytes.SplitAfter(out, []byte("\n"))
	column := slices.IndexFunc(bytes.Fields(lines[0]), func(f []byte) bool { return string(f) == "PID" })
	if column < 0 {
		return errors.New("read output of ps: it has no PID column")
	}
	kept := slices.Clone(lines[0])
	for _, line := range lines[1:] {
		fields := bytes.Fields(line)
		if len(fields) <= column {
			continue
		}
		pid, err := strconv.Atoi(string(fields[column]))
		if err != nil {
			return fmt.Errorf("read output of ps: %w", err)
		}
		if slices.Contains(pids, pid) {
			kept = append(kept, line...)
		}
	}
	_, err = os.Stdout.Write(kept)
	return err
}
