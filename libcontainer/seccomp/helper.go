//go:build linux

package seccomp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/companion"
)

// HelperName is the binary that has libseccomp.
const HelperName = "gspawn-oci-seccomp"

// runHelper runs the helper with input on its standard input, and returns what it
// wrote. os/exec would do, but for the price of its initialisation.
func runHelper(input []byte, arg string) ([]byte, error) {
	path, err := companion.Find(HelperName)
	if err != nil {
		return nil, fmt.Errorf("compile a seccomp profile: %w", err)
	}
	var files [6]*os.File // read and write ends of stdin, stdout, stderr
	defer func() {
		for _, f := range files {
			if f != nil {
				f.Close() // a second Close of those closed below does no harm
			}
		}
	}()
	for i := 0; i < len(files); i += 2 {
		if files[i], files[i+1], err = os.Pipe(); err != nil {
			return nil, fmt.Errorf("make a pipe to %s: %w", HelperName, err)
		}
	}
	proc, err := os.StartProcess(path, []string{HelperName, arg}, &os.ProcAttr{
		Dir: "/", Env: []string{}, Files: []*os.File{files[0], files[3], files[5]},
	})
	if err != nil {
		return nil, fmt.Errorf("run the seccomp compiler: %w", err)
	}
	files[0].Close()
	files[3].Close()
	files[5].Close()
	go func() {
		_, _ = files[1].Write(input) // a helper that stops reading says why itself
		files[1].Close()
	}()
	errText := make(chan []byte, 1)
	go func() {
		b, _ := io.ReadAll(io.LimitReader(files[4], 1<<16))
		errText <- b
	}()
	out, readErr := io.ReadAll(io.LimitReader(files[2], maxEntry))
	state, err := proc.Wait()
	if err != nil {
		return nil, fmt.Errorf("wait for %s: %w", path, err)
	}
	return helperAnswer(path, state, out, <-errText, readErr)
}

func helperAnswer(path string, state *os.ProcessState, out, errText []byte, readErr error) ([]byte, error) {
	text := string(bytes.TrimSpace(errText))
	switch {
	case state.Success() && readErr == nil:
		return out, nil
	case state.Success():
		return nil, fmt.Errorf("read from %s: %w", path, readErr)
	case text != "" && state.ExitCode() == 1:
		return nil, errors.New(strings.TrimPrefix(text, HelperName+": "))
	}
	return nil, fmt.Errorf("compile the profile by %s: %s: %s", path, state, text)
}
