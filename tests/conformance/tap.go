package main

import (
	"fmt"
	"regexp"
	"strings"
)

// result is how one program of the suite ended.
type result struct {
	passed, failed, skipped int
	failures                []string // descriptions of the failed assertions
	stdout, stderr          string
	err                     error
}

// tapLine is a test line of the Test Anything Protocol; indented ones belong to a diagnostic.
var tapLine = regexp.MustCompile(`^(not )?ok\b *[0-9]* *-? *(.*)$`)

// parseTAP counts the assertions. A skipped or to-do assertion is no failure (testanything.org, directives).
func parseTAP(text string) result {
	r := result{stdout: text}
	for line := range strings.Lines(text) {
		m := tapLine.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil {
			continue
		}
		directive := strings.ToUpper(m[2])
		switch {
		case strings.Contains(directive, "# SKIP"):
			r.skipped++
		case strings.Contains(directive, "# TODO"):
			r.skipped++
		case m[1] != "":
			r.failed++
			r.failures = append(r.failures, m[2])
		default:
			r.passed++
		}
	}
	return r
}

// silent programs make no assertion by their source: they print an error in a diagnostic, or end with an error, when
// something is wrong, and nothing otherwise.
var silent = map[string]bool{
	"hooks": true, "prestart": true, "prestart_fail": true, "poststart": true, "poststart_fail": true, "poststop": true,
	"poststop_fail": true, "process_rlimits_fail": true, "process_capabilities_fail": true,
}

// diagnosticError is how they tell.
var diagnosticError = regexp.MustCompile(`(?m)^\s*error: (.*)$`)

// conclude gives a silent program the assertion that it does not print.
func (r *result) conclude(program string) {
	if !silent[program] || r.passed+r.failed+r.skipped > 0 || r.err != nil {
		return
	}
	if m := diagnosticError.FindStringSubmatch(r.stdout); m != nil {
		r.failed, r.failures = 1, []string{m[1]}
		return
	}
	r.passed = 1
}

// status is "pass", "fail" or "skip". A program that says nothing has failed, and so has one that ends with an error.
func (r result) status() string {
	switch {
	case r.err != nil || r.failed > 0 || r.passed+r.skipped == 0:
		return "fail"
	case r.passed == 0:
		return "skip"
	}
	return "pass"
}

// verdict is status with the numbers, for the table.
func (r result) verdict() string {
	switch text := r.status(); {
	case text == "skip":
		return text
	case r.err != nil && r.failed == 0:
		return fmt.Sprintf("%s (%v)", text, r.err)
	case r.failed > 0:
		return fmt.Sprintf("%s (%d of %d)", text, r.failed, r.failed+r.passed)
	default:
		return fmt.Sprintf("%s (%d)", text, r.passed)
	}
}
