// Package cli is the command line of gspawn-oci: one table a command, from which parsing, help, shell
// completions and manual pages are all made.
//
// It must never do what a command does, never end the process, and cost nothing at start: it has no package-level
// tables, and imports neither text/template nor regexp nor reflect-driven flag packages. It may import small packages
// of the standard library only.
package cli

// Flag is one option of a command.
type Flag struct {
	Name    string // long name, without dashes
	Short   string // one letter, or empty
	Arg     string // what stands for the value in help ("PATH"); empty for a switch
	Help    string // one sentence, lower case, no full stop
	Default string // shown in help only; Var holds the working default
	Hidden  bool   // accepted, but in no help, completion or manual
	// Var receives the value: *bool, **bool (nil when the flag is absent), *string, *int, *time.Duration,
	// *[]string (once an occurrence) or func(string) error.
	Var any
}

// Command is one verb. Tables are made by a function a command, so that a call pays only for its own.
type Command struct {
	Name        string
	Args        string // the positional arguments as shown in the usage line
	Summary     string // one line, lower case, no full stop
	Description string // plain text, paragraphs divided by an empty line
	Example     string // shell lines, without indent
	Flags       []Flag
	Min, Max    int  // number of positional arguments; Max < 0 is no limit
	StopAtFirst bool // what follows the first positional argument is not ours to parse (exec, ps)
	TakesID     bool // the first positional argument is an existing container; for completions
	Hidden      bool
	// Run does the work. A status of 0 with an error becomes exit code 1.
	Run func(args []string) (status int, err error)
}

// App is the program: global flags, then a command.
type App struct {
	Name        string
	Summary     string
	Description string
	Version     string
	Flags       []Flag
	// Commands makes all tables, in the order shown. Only help, completions and manuals call it, by Shown.
	Commands func() []*Command
	// Sections are further parts of the program's manual page.
	Sections []Section
}

// Shown gives the commands that are not hidden.
func (a *App) Shown() []*Command {
	var out []*Command
	for _, c := range a.Commands() {
		if !c.Hidden {
			out = append(out, c)
		}
	}
	return out
}

// Section is a titled part of a manual page.
type Section struct{ Title, Text string }

// UsageError is a command line that does not fit the command's table, or that Run finds wrong.
type UsageError struct {
	Command *Command // nil when the global flags are wrong, and as Run returns it
	Msg     string
}

func (e *UsageError) Error() string { return e.Msg }

// CheckArgs says whether the number of positional arguments fits, in runc's words.
func (c *Command) CheckArgs(app string, n int) error {
	want := ""
	switch {
	case c.Min == c.Max && n != c.Min:
		want = "exactly " + itoa(c.Min)
	case n < c.Min:
		want = "a minimum of " + itoa(c.Min)
	case c.Max >= 0 && n > c.Max:
		want = "a maximum of " + itoa(c.Max)
	default:
		return nil
	}
	return &UsageError{Command: c, Msg: app + `: "` + c.Name + `" requires ` + want + " argument(s)"}
}
