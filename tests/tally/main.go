// Command tally runs go test and counts: one line a package, the whole output
// of tests that fail and of nothing else, each skipped test with its reason,
// and the closing line "N passed, N failed, N skipped".
//
//	tally [-strict] [-expected FILE] [-count FILE] -- [go test's flags and packages]
//
// With -strict a skip counts as a failure unless FILE expects it, so that a
// machine which is meant to run everything cannot pass by skipping. It must
// never change a test's verdict otherwise. It imports the standard library only.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	strict := flag.Bool("strict", os.Getenv("TALLY_STRICT") == "1", "a skip that is not expected is a failure (TALLY_STRICT=1)")
	expected := flag.String("expected", "tests/tally/expected-skips.txt", "file of the skips that are expected")
	count := flag.String("count", os.Getenv("TALLY_COUNT"), "append \"PASSED FAILED SKIPPED\" to this file (TALLY_COUNT)")
	flag.Parse()
	ok, err := run(*strict, *expected, *count, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(strict bool, expected, count string, args []string) (ok bool, err error) {
	t := &tally{out: os.Stdout, tests: make(map[string]*test)}
	if strict {
		if t.allowed, err = readExpected(expected); err != nil {
			return false, err
		}
		t.strict = true
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	t.read(events)
	failed := cmd.Wait() != nil
	if failed && t.failed == 0 {
		t.failed++
		fmt.Fprintln(t.out, "FAIL  go test itself")
	}
	t.close()
	if count != "" {
		if err := appendCount(count, t); err != nil {
			return false, err
		}
	}
	return t.failed == 0, nil
}

func appendCount(name string, t *tally) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, t.passed, t.failed, t.skipped)
	return err
}

// event is one line of go test -json (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// read follows the events to their end.
func (t *tally) read(r io.Reader) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if text := strings.TrimSpace(line); text != "" {
			var e event
			if json.Unmarshal([]byte(text), &e) != nil {
				fmt.Fprintln(t.out, text) // not an event: the go command speaks
			} else {
				t.event(&e)
			}
		}
		if err != nil {
			return
		}
	}
}
