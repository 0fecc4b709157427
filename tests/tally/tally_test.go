package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const events = `{"Action":"start","Package":"github.com/gspawn/gspawn-oci/a"}
{"Action":"run","Package":"github.com/gspawn/gspawn-oci/a","Test":"TestGood"}
{"Action":"output","Package":"github.com/gspawn/gspawn-oci/a","Test":"TestGood","Output":"quiet\n"}
{"Action":"pass","Package":"github.com/gspawn/gspawn-oci/a","Test":"TestGood"}
{"Action":"output","Package":"github.com/gspawn/gspawn-oci/a","Test":"TestBad","Output":"loud\n"}
{"Action":"fail","Package":"github.com/gspawn/gspawn-oci/a","Test":"TestBad"}
{"Action":"output","Package":"github.com/gspawn/gspawn-oci/a","Test":"TestNot/x/y","Output":"    a_test.go:7: needs a moon\n"}
{"Action":"skip","Package":"github.com/gspawn/gspawn-oci/a","Test":"TestNot/x/y"}
{"Action":"fail","Package":"github.com/gspawn/gspawn-oci/a","Elapsed":1.5}
`

func TestTally(t *testing.T) {
	for _, c := range []struct {
		name, expected string
		strict         bool
		want           string
	}{
		{"a skip is a skip", "", false, "1 passed, 1 failed, 1 skipped\n"},
		{"a strict tally wants reasons", "", true, "1 passed, 2 failed, 0 skipped\n"},
		{"an expected skip", "a.TestNot* | needs a moon | there is none here", true, "1 passed, 1 failed, 1 skipped\n"},
		{"the same test for another reason", "a.TestNot* | needs a sun | it is night", true, "1 passed, 2 failed, 0 skipped\n"},
		{"another test for the same reason", "a.TestYes* | needs a moon | there is none here", true, "1 passed, 2 failed, 0 skipped\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "expected")
			if err := os.WriteFile(file, []byte("# comment\n\n"+c.expected+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			allowed, err := readExpected(file)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			tally := &tally{out: &out, strict: c.strict, allowed: allowed, tests: make(map[string]*test)}
			tally.read(strings.NewReader(events))
			tally.close()
			if text := out.String(); !strings.HasSuffix(text, c.want) || !strings.Contains(text, "loud") || strings.Contains(text, "quiet") {
				t.Errorf("got:\n%s\nwant the output of the failed test alone, and at the end %q", text, c.want)
			}
			if !strings.Contains(out.String(), "needs a moon") {
				t.Errorf("the reason of the skip is missing:\n%s", out.String())
			}
		})
	}
}

func TestTallyOfABrokenBuild(t *testing.T) {
	var out strings.Builder
	tally := &tally{out: &out, tests: make(map[string]*test)}
	tally.read(strings.NewReader(`{"ImportPath":"p","Action":"build-output","Output":"p.go:1: bad\n"}
{"ImportPath":"p","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p"}
`))
	tally.close()
	if !strings.Contains(out.String(), "p.go:1: bad") || tally.failed != 1 {
		t.Errorf("%d failed, want 1, and the compiler's words in:\n%s", tally.failed, out.String())
	}
}

func TestTallyOfAProcessThatDied(t *testing.T) {
	var out strings.Builder
	tally := &tally{out: &out, tests: make(map[string]*test)}
	tally.read(strings.NewReader(`{"Action":"run","Package":"p","Test":"TestHangs"}
{"Action":"output","Package":"p","Test":"TestHangs","Output":"last words\n"}
{"Action":"fail","Package":"p"}
`))
	tally.close()
	if !strings.Contains(out.String(), "p.TestHangs did not end\nlast words") || tally.failed != 1 {
		t.Errorf("%d failed, want 1, and the test named in:\n%s", tally.failed, out.String())
	}
}

func TestExpectedSkipsNeedReasons(t *testing.T) {
	file := filepath.Join(t.TempDir(), "expected")
	for _, text := range []string{"a.Test | needs", "a.Test | needs | "} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readExpected(file); err == nil {
			t.Errorf("%q was accepted without a reason why", text)
		}
	}
	if _, err := readExpected("expected-skips.txt"); err != nil {
		t.Error(err)
	}
}
