//go:build linux

package seccomp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// HelperName is the binary that has libseccomp.
const HelperName = "gspawn-oci-seccomp"

// helperDirs are looked into after the directory of the running binary.
// No environment variable adds to them: what the helper answers is the filter of
// every container, and engines hand on environments they did not write.
var helperDirs = []string{"../libexec/gspawn-oci", "/usr/libexec/gspawn-oci", "/usr/local/libexec/gspawn-oci"}

// Helper returns the path of the compiler's binary: beside the running binary,
// then in ../libexec/gspawn-oci from there, /usr/libexec/gspawn-oci and
// /usr/local/libexec/gspawn-oci.
func Helper() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the directory of this binary: %w", err)
	}
	return findHelper(filepath.Dir(self))
}

func findHelper(beside string) (string, error) {
	tried := make([]string, 0, 1+len(helperDirs))
	for _, dir := range append([]string{beside}, helperDirs...) {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(beside, dir)
		}
		path := dir + "/" + HelperName
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, nil
		}
		tried = append(tried, dir)
	}
	// Not "no such file or directory": engines take that for a missing command of the container's.
	return "", fmt.Errorf("the seccomp compiler %s is not installed (looked in %s); install it there, or build gspawn-oci with CGO_ENABLED=1", HelperName, strings.Join(tried, ", "))
}

// runHelper runs the helper with input on its standard input, and returns what it
// wrote. os/exec would do, but for the price of its initialisation.
func runHelper(input []byte, arg string) ([]byte, error) {
	path, err := Helper()
	if err != nil {
		return nil, err
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
