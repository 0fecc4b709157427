package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
)

// tally is what was counted so far.
type tally struct {
	out                     io.Writer
	strict                  bool
	allowed                 []expectation
	passed, failed, skipped int
	tests                   map[string]*test // running now, by package and name
	skips, unexpected       []string
}

// test is the output of a test or, without a name, of a package.
type test struct {
	output                  strings.Builder
	passed, failed, skipped int // of a package
}

const module = "github.com/gspawn/gspawn-oci/"

func (t *tally) event(e *event) {
	switch e.Action {
	case "build-output":
		fmt.Fprint(t.out, e.Output)
		return
	case "build-fail", "start":
		return
	}
	key := e.Package + "\x00" + e.Test
	running := t.tests[key]
	if running == nil {
		running = new(test)
		t.tests[key] = running
	}
	switch e.Action {
	case "output":
		running.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		delete(t.tests, key)
		if e.Test == "" {
			t.packageEnd(e, running)
		} else {
			t.testEnd(e, running)
		}
	}
}

// testEnd counts the tests and subtests of a package.
func (t *tally) testEnd(e *event, ended *test) {
	p := t.tests[e.Package+"\x00"]
	if p == nil {
		p = new(test)
		t.tests[e.Package+"\x00"] = p
	}
	name := strings.TrimPrefix(e.Package, module) + "." + e.Test
	switch e.Action {
	case "pass":
		p.passed++
	case "fail":
		p.failed++
		fmt.Fprintf(t.out, "---- FAIL %s\n%s", name, ended.output.String())
	case "skip":
		p.skipped++
		reason := skipReason(ended.output.String())
		if t.strict && !t.expects(name, reason) {
			p.failed++
			p.skipped--
			t.unexpected = append(t.unexpected, name+": "+reason)
			return
		}
		t.skips = append(t.skips, name+": "+reason)
	}
}

func (t *tally) packageEnd(e *event, p *test) {
	if e.Action == "fail" {
		t.died(e.Package, p)
	}
	if e.Action == "fail" && p.failed == 0 { // it did not build, or died between tests
		p.failed = 1
		fmt.Fprintf(t.out, "---- FAIL %s\n%s", e.Package, p.output.String())
	}
	t.passed += p.passed
	t.failed += p.failed
	t.skipped += p.skipped
	verdict := "ok  "
	switch {
	case p.failed > 0:
		verdict = "FAIL"
	case p.passed+p.skipped == 0:
		return // no tests
	}
	fmt.Fprintf(t.out, "%s  %-42s %4d passed %3d failed %3d skipped %7.1f s\n", verdict,
		strings.TrimPrefix(e.Package, module), p.passed, p.failed, p.skipped, e.Elapsed)
}

// died counts the tests that were running when their process came to its end.
func (t *tally) died(pkg string, p *test) {
	for key, running := range t.tests {
		if name, ok := strings.CutPrefix(key, pkg+"\x00"); ok && name != "" {
			p.failed++
			fmt.Fprintf(t.out, "---- FAIL %s.%s did not end\n%s", strings.TrimPrefix(pkg, module), name, running.output.String())
			delete(t.tests, key)
		}
	}
}

// close prints what is worth knowing at the end.
func (t *tally) close() {
	list := func(title string, names []string) {
		if len(names) == 0 {
			return
		}
		fmt.Fprintln(t.out, title)
		for _, n := range names {
			fmt.Fprintln(t.out, "  "+n)
		}
	}
	list("skipped:", t.skips)
	list("skipped, which nothing expects (a failure):", t.unexpected)
	fmt.Fprintf(t.out, "%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
}

var fileLine = regexp.MustCompile(`^\s*[\w.-]+\.go:\d+: `)

// skipReason is what the test said last before it was skipped.
func skipReason(output string) string {
	reason := "no reason given"
	for line := range strings.Lines(output) {
		if fileLine.MatchString(line) {
			reason = strings.TrimSpace(fileLine.ReplaceAllString(line, ""))
		}
	}
	return reason
}

// expectation is one line of the file of expected skips: a pattern of the
// test's name, the reason it must give, and why that is all right.
type expectation struct{ test, reason string }

// readExpected reads lines "PATTERN | REASON'S WORDS | WHY"; * in a pattern
// stands for anything within a name, # begins a comment.
func readExpected(name string) ([]expectation, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var all []expectation
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "|")
		if len(fields) != 3 || strings.TrimSpace(fields[2]) == "" {
			return nil, errors.New(name + ": want \"test | reason | why\", have " + line)
		}
		all = append(all, expectation{strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1])})
	}
	return all, nil
}

func (t *tally) expects(name, reason string) bool {
	for _, e := range t.allowed {
		// path.Match's * stops at slashes; a test's name may have many.
		flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x01") }
		if ok, _ := path.Match(flat(e.test), flat(name)); ok && strings.Contains(reason, e.reason) {
			return true
		}
	}
	return false
}
