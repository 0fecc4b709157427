package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// knownHeading is "## program" or "## program (v1)": a failure that is explained, on both layouts or one.
var knownHeading = regexp.MustCompile(`^## ([a-z0-9_]+)(?: \((v[12])\))?\s*$`)

// readKnown returns the programs whose failure the file explains on the layout. A heading without text is an error.
func readKnown(file, layout string) (map[string]bool, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	heading, explained := "", true
	for n, line := range strings.Split(string(text)+"\n## end", "\n") {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		if !strings.HasPrefix(line, "## ") {
			explained = explained || strings.TrimSpace(line) != ""
			continue
		}
		if !explained {
			return nil, fmt.Errorf("%s:%d: %q is not explained", file, n, heading)
		}
		heading, explained = line, false
		if m := knownHeading.FindStringSubmatch(line); m != nil && (m[2] == "" || m[2] == layout) {
			known[m[1]] = true
		}
	}
	delete(known, "end")
	return known, nil
}

// report makes the table and counts the programs that ended otherwise than known says. whole tells that every program
// was run.
func report(programs []string, subjects []*subject, known map[string]bool, whole bool) (table string, missed int) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nopencontainers/runtime-tools validation on cgroup %s\n\n| program |", layout())
	rule := "\n|---|"
	for _, s := range subjects {
		b.WriteString(" " + s.name + " |")
		rule += "---|"
	}
	b.WriteString(" note |" + rule + "---|\n")
	totals := make([]int, len(subjects))
	for _, p := range programs {
		b.WriteString("| " + p + " |")
		for i, s := range subjects {
			r := s.results[p]
			b.WriteString(" " + r.verdict() + " |")
			if r.status() == "pass" {
				totals[i]++
			}
		}
		note, bad := judge(p, subjects[0].results[p], known)
		if bad {
			missed++
		}
		b.WriteString(" " + note + " |\n")
	}
	b.WriteString("\n")
	for i, s := range subjects {
		fmt.Fprintf(&b, "%s passes %d of %d programs.\n", s.name, totals[i], len(programs))
	}
	if whole {
		for name := range known {
			if !contains(programs, name) {
				fmt.Fprintf(&b, "known.md explains %s, which the suite does not have\n", name)
				missed++
			}
		}
	}
	fmt.Fprintf(&b, "%d ended otherwise than known.md says.\n", missed)
	for _, p := range programs {
		if _, bad := judge(p, subjects[0].results[p], known); bad {
			details(&b, p, subjects[0].results[p])
		}
	}
	return b.String(), missed
}

// judge compares the first subject's result with what is known.
func judge(program string, r result, known map[string]bool) (note string, bad bool) {
	failed := r.status() == "fail"
	switch {
	case failed && known[program]:
		return "see known.md", false
	case failed:
		return "UNEXPECTED", true
	case known[program]:
		return "known.md says that it fails: remove it there", true
	}
	return "", false
}

func details(b *strings.Builder, program string, r result) {
	fmt.Fprintf(b, "\n%s:\n", program)
	for _, f := range r.failures {
		fmt.Fprintf(b, "  not ok: %s\n", f)
	}
	if r.err != nil {
		fmt.Fprintf(b, "  %v\n", r.err)
	}
	for line := range strings.Lines(r.stderr[:min(len(r.stderr), 600)]) {
		b.WriteString("  | " + strings.TrimRight(line, "\n") + "\n")
	}
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if s == want {
			return true
		}
	}
	return false
}
