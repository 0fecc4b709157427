package cli

import (
	"io"
	"strings"
)

// indent of help texts, and the column at which the description of a flag may begin at the latest.
const (
	indent    = "   "
	maxColumn = 34
)

// usage is how the program is called, after its name.
const usage = "[global options] command [command options] [arguments...]"

// Help writes the program's help: what it is, its commands, the global flags.
func (a *App) Help(w io.Writer) error {
	var b strings.Builder
	b.WriteString("NAME:\n" + indent + a.Name + " - " + a.Summary + "\n\n")
	b.WriteString("USAGE:\n" + indent + a.Name + " " + usage + "\n\n")
	paragraphs(&b, "VERSION", a.Version)
	paragraphs(&b, "DESCRIPTION", a.Description)
	b.WriteString("COMMANDS:\n")
	var rows [][2]string
	for _, c := range a.Shown() {
		rows = append(rows, [2]string{c.Name, c.Summary})
	}
	columns(&b, append(rows, [2]string{"help, h", "show the help of the program or of one command"}))
	b.WriteString("\nGLOBAL OPTIONS:\n")
	columns(&b, append(flagRows(a.Flags), [2]string{"--help, -h", "show help"}, [2]string{"--version, -v", "print the version"}))
	_, err := io.WriteString(w, b.String())
	return err
}

// Help writes the help of one command.
func (c *Command) Help(w io.Writer, app string) error {
	var b strings.Builder
	b.WriteString("NAME:\n" + indent + app + " " + c.Name + " - " + c.Summary + "\n\n")
	b.WriteString("USAGE:\n" + indent + c.Usage(app) + "\n\n")
	paragraphs(&b, "DESCRIPTION", c.Description)
	paragraphs(&b, "EXAMPLE", c.Example)
	b.WriteString("OPTIONS:\n")
	columns(&b, append(flagRows(c.Flags), [2]string{"--help, -h", "show help"}))
	_, err := io.WriteString(w, b.String())
	return err
}

// Usage is the line that shows how to call the command.
func (c *Command) Usage(app string) string {
	s := app + " " + c.Name
	if len(c.Flags) > 0 {
		s += " [command options]"
	}
	if c.Args != "" {
		s += " " + c.Args
	}
	return s
}

// WriteUsage says briefly what is wrong with a command line and how to call the command. It is short on purpose: the
// standard error of `create` is the container's.
func (e *UsageError) WriteUsage(w io.Writer, app *App) {
	call, help := app.Name+" "+usage, app.Name+" --help"
	if e.Command != nil {
		call, help = e.Command.Usage(app.Name), app.Name+" "+e.Command.Name+" --help"
	}
	_, _ = io.WriteString(w, "Incorrect Usage: "+e.Msg+"\n\nUSAGE:\n"+indent+call+"\n\nSee '"+help+"'.\n")
}

func paragraphs(b *strings.Builder, title, text string) {
	if text == "" {
		return
	}
	b.WriteString(title + ":\n")
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if line != "" {
			b.WriteString(indent)
		}
		b.WriteString(line + "\n")
	}
	b.WriteString("\n")
}

// flagRows gives "--name ARG, -n ARG" and the help of each shown flag.
func flagRows(flags []Flag) [][2]string {
	rows := make([][2]string, 0, len(flags)+2)
	for i := range flags {
		f := &flags[i]
		if f.Hidden {
			continue
		}
		left, right := "--"+f.Name, f.Help
		if f.Short != "" {
			left += ", -" + f.Short
		}
		if f.Arg != "" {
			left += " " + f.Arg
		}
		if f.Default != "" {
			right += " (default: " + f.Default + ")"
		}
		rows = append(rows, [2]string{left, right})
	}
	return rows
}

// columns aligns the right side; a left side that is too long gets a line of its own.
func columns(b *strings.Builder, rows [][2]string) {
	width := 0
	for _, r := range rows {
		if len(r[0]) <= maxColumn {
			width = max(width, len(r[0]))
		}
	}
	for _, r := range rows {
		b.WriteString(indent + r[0])
		if len(r[0]) > maxColumn {
			b.WriteString("\n" + indent + strings.Repeat(" ", width))
		} else {
			b.WriteString(strings.Repeat(" ", width-len(r[0])))
		}
		b.WriteString("  " + r[1] + "\n")
	}
}
