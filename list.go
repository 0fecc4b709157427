package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strconv"
	"time"
	"unicode/utf8"

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
	if quiet {
		return printTable(len(all), func(i int, row []string) []string { return append(row, all[i].ID) })
	}
	return printTable(len(all)+1, func(i int, row []string) []string {
		if i == 0 {
			return append(row, "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")
		}
		c := &all[i-1]
		return append(row, c.ID, strconv.Itoa(c.Pid), string(c.Status), c.Bundle, c.Created.Format(time.RFC3339Nano), c.Owner)
	})
}

// printTable aligns columns as runc's tables are: at least twelve wide, three blanks between them. It asks for each row
// twice and keeps none, as there may be thousands.
func printTable(rows int, appendRow func(i int, row []string) []string) error {
	const minWidth, gap = 12, 3
	var widths [8]int
	row := make([]string, 0, len(widths))
	for i := range rows {
		row = appendRow(i, row[:0])
		for j, cell := range row {
			widths[j] = max(widths[j], utf8.RuneCountInString(cell)+gap, minWidth)
		}
	}
	out := bufio.NewWriter(os.Stdout) // whose first error is the last one's
	for i := range rows {
		row = appendRow(i, row[:0])
		for j, cell := range row {
			_, _ = out.WriteString(cell)
			for n := utf8.RuneCountInString(cell); j < len(row)-1 && n < widths[j]; n++ {
				_ = out.WriteByte(' ')
			}
		}
		_ = out.WriteByte('\n')
	}
	return out.Flush()
}
