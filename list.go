package main

import (
	"encoding/json"
	"os"
	"strconv"
	"time"

	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer"
)

func listCommand(g *globals) *cli.Command {
	var quiet bool
	format := "table"
	return &cli.Command{
		Name: "list", Min: 0, Max: 0,
		Summary:     "list the containers of the state directory",
		Description: `Lists the containers whose state is below --root, running or not.`,
		Flags: []cli.Flag{
			{Name: "format", Short: "f", Arg: "FORMAT", Help: "table or json", Default: "table", Var: &format},
			{Name: "quiet", Short: "q", Help: "print only the container ids", Var: &quiet},
		},
		Run: func([]string) (int, error) {
			if format != "table" && format != "json" {
				return 0, &cli.UsageError{Msg: "invalid format option " + quote(format) + ": table or json"}
			}
			all, err := g.runtime().List()
			if err != nil {
				return 0, err
			}
			if format == "json" && !quiet {
				g.runtime().LoadAnnotations(all)
			}
			return 0, printList(all, format, quiet)
		},
	}
}

func printList(all []libcontainer.ContainerInfo, format string, quiet bool) error {
	if format == "json" && !quiet {
		return json.NewEncoder(os.Stdout).Encode(all)
	}
	rows := make([][]string, 0, len(all)+1)
	if !quiet {
		rows = append(rows, []string{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"})
	}
	for i := range all {
		c := &all[i]
		if quiet {
			rows = append(rows, []string{c.ID})
			continue
		}
		rows = append(rows, []string{c.ID, strconv.Itoa(c.Pid), string(c.Status), c.Bundle,
			c.Created.Format(time.RFC3339Nano), c.Owner})
	}
	return printTable(rows)
}

// printTable aligns columns as runc's tables are: at least twelve wide, three blanks between them.
func printTable(rows [][]string) error {
	const minWidth, gap = 12, 3
	widths := make([]int, 8)
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], len(cell)+gap, minWidth)
		}
	}
	var out []byte
	for _, r := range rows {
		for i, cell := range r {
			out = append(out, cell...)
			for n := len(cell); i < len(r)-1 && n < widths[i]; n++ {
				out = append(out, ' ')
			}
		}
		out = append(out, '\n')
	}
	_, err := os.Stdout.Write(out)
	return err
}
