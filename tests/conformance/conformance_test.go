package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name, tap, want string
		err             error
	}{
		{"passes", "TAP version 13\n1..2\nok 1 - a\nok 2 - b\n", "pass", nil},
		{"one fails", "ok 1 - a\nnot ok 2 - b\n", "fail", nil},
		{"fails within a diagnostic", "ok 1 - a\n  ---\n  stdout: |\n    not ok 1\n", "pass", nil},
		{"skips", "1..1\nok 1 # SKIP no such thing\n", "skip", nil},
		{"to do", "not ok 1 - a # TODO later\nok 2\n", "pass", nil},
		{"says nothing", "", "fail", nil},
		{"ends with an error after passing", "ok 1\n", "fail", errors.New("exit status 1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := parseTAP(c.tap)
			r.err = c.err
			if got := r.status(); got != c.want {
				t.Errorf("%s, want %s (%+v)", got, c.want, r)
			}
		})
	}
}

func TestKnown(t *testing.T) {
	file := filepath.Join(t.TempDir(), "known.md")
	text := "# Known\n\nText.\n\n## kill\n\nBecause.\n\n## mounts (v1)\n\nBecause.\n\n## hooks (v2)\n\nBecause.\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	known, err := readKnown(file, "v1")
	if err != nil || !known["kill"] || !known["mounts"] || known["hooks"] {
		t.Errorf("known on v1: %v, %v", known, err)
	}
	if err := os.WriteFile(file, []byte("## kill\n\n## mounts\nBecause.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readKnown(file, "v1"); err == nil || !strings.Contains(err.Error(), "kill") {
		t.Errorf("a heading without a reason: %v", err)
	}
}

// TestJudge: an explained program that passes is as bad as an unexplained one that fails.
func TestJudge(t *testing.T) {
	pass, fail := parseTAP("ok 1\n"), parseTAP("not ok 1\n")
	known := map[string]bool{"explained": true}
	for _, c := range []struct {
		program string
		r       result
		bad     bool
	}{{"explained", fail, false}, {"explained", pass, true}, {"other", fail, true}, {"other", pass, false}} {
		if _, bad := judge(c.program, c.r, known); bad != c.bad {
			t.Errorf("%s %s: bad is %v", c.program, c.r.status(), bad)
		}
	}
}

// TestSilent: a program that makes no assertion is judged by its diagnostic; any other that says nothing has failed.
func TestSilent(t *testing.T) {
	for _, c := range []struct{ name, program, text, want string }{
		{"nothing is wrong", "poststop", "TAP version 13\n1..0\n", "pass"},
		{"an error", "poststop", "TAP version 13\n  ---\n  error: hooks MUST be invoked\n  ...\n1..0\n", "fail"},
		{"another program", "mounts", "", "fail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := parseTAP(c.text)
			r.conclude(c.program)
			if r.status() != c.want {
				t.Errorf("%s, want %s", r.status(), c.want)
			}
		})
	}
}
