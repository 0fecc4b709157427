package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// peakOrder is the order of the peak memory rows.
var peakOrder = []string{"run", "create", "start", "delete", "exec", "state", "list"}

// write makes results.md, results.svg and results.json in dir, prints the table, and returns the number of bars missed.
func (d *results) write(dir string) (missed int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	d.addPeaks()
	verdicts := d.judge()
	for _, v := range verdicts {
		if v.Result == "FAIL" {
			missed++
		}
	}
	text := d.markdown(verdicts)
	fmt.Print("\n" + text)
	if err := os.WriteFile(filepath.Join(dir, "results.md"), []byte(text), 0o644); err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(dir, "results.svg"), []byte(d.svg()), 0o644); err != nil {
		return 0, err
	}
	return missed, writeJSON(filepath.Join(dir, "results.json"), d)
}

// addPeaks turns the peaks into rows.
func (d *results) addPeaks() {
	for _, command := range peakOrder {
		if len(d.Peaks[command]) == 0 {
			continue
		}
		c := d.add("peak-"+command, "peak memory of `"+command+"`", "kB")
		for name, values := range d.Peaks[command] {
			if m, ok := median(values); ok && !slices.Contains(values, 0) {
				c.Values[name] = []float64{m}
			}
		}
	}
}

func (d *results) markdown(verdicts []verdict) string {
	var b strings.Builder
	b.WriteString("# Speed and memory, side by side\n\n")
	for _, line := range d.Machine {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	for _, r := range d.Setup.Runtimes {
		fmt.Fprintf(&b, "- %s: %s", r.Name, strings.TrimPrefix(r.Version, r.Name+" "))
		if r.Note != "" {
			fmt.Fprintf(&b, " (%s)", r.Note)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\nMedians of %d interleaved rounds (`list` %d, burst %d); in brackets how many times gspawn-oci's figure it is. ",
		d.Setup.Rounds, min(d.Setup.Rounds, 7), min(d.Setup.Rounds, 3))
	b.WriteString("Whole process, from vfork to wait4, without a shell, on cgroup v2; state directories are on a tmpfs, as /run is. The floor is a C program that makes the container's system calls and nothing else.\n\n")
	d.table(&b)
	d.notes(&b)
	b.WriteString("\n## Bars\n\n| figure | bar | measured | |\n|---|---|---|---|\n")
	for _, v := range verdicts {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", v.Title, v.Bar, v.Measured, v.Result)
	}
	b.WriteString("\n![plot](results.svg)\n")
	return b.String()
}

func (d *results) table(b *strings.Builder) {
	b.WriteString("| case |")
	rule := "|---|"
	for _, r := range d.Setup.Runtimes {
		b.WriteString(" " + r.Name + " |")
		rule += "--:|"
	}
	b.WriteString("\n" + rule + "\n")
	for _, c := range d.Cases {
		fmt.Fprintf(b, "| %s, %s |", c.Title, c.Unit)
		ours, haveOurs := c.median(ourName)
		for _, r := range d.Setup.Runtimes {
			m, ok := c.median(r.Name)
			switch {
			case !ok && c.Failed[r.Name] != "":
				b.WriteString(" failed |")
			case !ok:
				b.WriteString(" – |")
			case r.Name == ourName || !haveOurs || ours == 0:
				fmt.Fprintf(b, " %s |", figure(m))
			default:
				fmt.Fprintf(b, " %s (%.2f×) |", figure(m), m/ours)
			}
		}
		b.WriteString("\n")
	}
}

// figure prints three digits, or all before the point.
func figure(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func (d *results) notes(b *strings.Builder) {
	b.WriteString("\n")
	for _, c := range d.Cases {
		if c.Note != "" {
			fmt.Fprintf(b, "- %s: %s\n", c.Title, c.Note)
		}
		for _, r := range d.Setup.Runtimes {
			if why := c.Failed[r.Name]; why != "" {
				fmt.Fprintf(b, "- %s, %s failed: %s\n", c.Title, r.Name, strings.ReplaceAll(why, "\n", " "))
			}
		}
	}
}
