package cli

import "strings"

// ManPage makes the program's manual page in man(7) format. The version stands in the footer; there is no date, so
// that the same source always makes the same bytes.
func (a *App) ManPage() string {
	var b strings.Builder
	b.WriteString(header(a.Name, a.Version))
	b.WriteString(".SH NAME\n" + roff(a.Name) + ` \- ` + roff(a.Summary) + "\n")
	b.WriteString(".SH SYNOPSIS\n.B " + roff(a.Name) + "\n" + usage + "\n")
	b.WriteString(".SH DESCRIPTION\n" + text(a.Description))
	b.WriteString(".SH COMMANDS\n")
	var pages []string
	for _, c := range a.Shown() {
		b.WriteString(".TP\n.B " + roff(c.Name) + "\n" + sentence(c.Summary))
		pages = append(pages, ".BR "+roff(a.Name+"-"+c.Name)+" (8)")
	}
	b.WriteString(".SH GLOBAL OPTIONS\n" + options(a.Flags))
	b.WriteString(".TP\n.BR \\-\\-version \", \" \\-v\nPrint the version.\n")
	for _, s := range a.Sections {
		b.WriteString(".SH " + roff(s.Title) + "\n" + text(s.Text))
	}
	b.WriteString(".SH SEE ALSO\n" + strings.Join(pages, ",\n") + "\n")
	return b.String()
}

// ManPage makes the manual page of one command.
func (c *Command) ManPage(a *App) string {
	var b strings.Builder
	b.WriteString(header(a.Name+"-"+c.Name, a.Version))
	b.WriteString(".SH NAME\n" + roff(a.Name+"-"+c.Name) + ` \- ` + roff(c.Summary) + "\n")
	b.WriteString(".SH SYNOPSIS\n.B " + roff(a.Name+" "+c.Name) + "\n")
	if len(c.Flags) > 0 {
		b.WriteString("[command options] ")
	}
	b.WriteString(roff(c.Args) + "\n")
	if c.Description != "" {
		b.WriteString(".SH DESCRIPTION\n" + text(c.Description))
	}
	b.WriteString(".SH OPTIONS\n" + options(c.Flags))
	if c.Example != "" {
		b.WriteString(".SH EXAMPLE\n.nf\n" + roff(c.Example) + "\n.fi\n")
	}
	b.WriteString(".SH SEE ALSO\n.BR " + roff(a.Name) + " (8)\n")
	return b.String()
}

func header(page, version string) string {
	first, _, _ := strings.Cut(version, "\n")
	return ".TH " + strings.ToUpper(roff(page)) + ` 8 "" "` + roff(first) + "\"\n"
}

func options(flags []Flag) string {
	var b strings.Builder
	for i := range flags {
		f := &flags[i]
		if f.Hidden {
			continue
		}
		b.WriteString(".TP\n\\fB" + roff("--"+f.Name) + `\fR`)
		if f.Short != "" {
			b.WriteString(`, \fB` + roff("-"+f.Short) + `\fR`)
		}
		if f.Arg != "" {
			b.WriteString(` \fI` + roff(f.Arg) + `\fR`)
		}
		help := f.Help
		if f.Default != "" {
			help += " (default: " + f.Default + ")"
		}
		b.WriteString("\n" + sentence(help))
	}
	b.WriteString(".TP\n\\fB\\-\\-help\\fR, \\fB\\-h\\fR\nShow help.\n")
	return b.String()
}

// sentence gives a table's one-liner its capital and its full stop.
func sentence(s string) string {
	if s == "" {
		return "\n"
	}
	return roff(strings.ToUpper(s[:1])+s[1:]) + ".\n"
}

// text sets paragraphs; lines that begin with a blank are an example and keep their shape.
func text(s string) string {
	var b strings.Builder
	for p := range strings.SplitSeq(strings.TrimSpace(s), "\n\n") {
		if strings.HasPrefix(p, " ") || strings.HasPrefix(p, "\t") {
			b.WriteString(".PP\n.nf\n" + roff(p) + "\n.fi\n")
		} else {
			b.WriteString(".PP\n" + roff(p) + "\n")
		}
	}
	return b.String()
}

// roff protects what troff would read as its own: backslashes, dashes, quotes and dots at the start of a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
