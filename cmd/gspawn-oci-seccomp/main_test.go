//go:build linux && cgo

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
)

const asMain = "GSPAWN_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// invoke runs this binary as the command.
func invoke(t *testing.T, stdin string, args ...string) (stdout []byte, stderr string, code int) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = []string{asMain + "=1"}
	cmd.Stdin = strings.NewReader(stdin)
	var errText bytes.Buffer
	cmd.Stderr = &errText
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out, errText.String(), cmd.ProcessState.ExitCode()
}

const profile = `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mount","no_such_call"],"action":"SCMP_ACT_ERRNO"}]}`

func TestCommand(t *testing.T) {
	cases := []struct {
		name, stdin    string
		args           []string
		code           int
		stdout, stderr string // parts
	}{
		{"bad profile", `{"defaultAction":"x"}`, nil, 1, "", `gspawn-oci-seccomp: linux.seccomp.defaultAction: unknown action "x"`},
		{"no profile", ``, nil, 1, "", "gspawn-oci-seccomp: linux.seccomp: parse JSON: "},
		{"unknown argument", profile, []string{"-x"}, 1, "", `unknown argument "-x"`},
		{"verbose", profile, []string{"--verbose"}, 0, "", "ignored, unknown to libseccomp: no_such_call"},
		{"version", "", []string{"--version"}, 0, "gspawn-oci-seccomp\nlibseccomp: 2.", ""},
		{"help", "", []string{"--help"}, 0, "usage: ", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, errText, code := invoke(t, c.stdin, c.args...)
			if code != c.code || !strings.Contains(string(out), c.stdout) || !strings.Contains(errText, c.stderr) {
				t.Errorf("exit %d, stdout %.200q, stderr %q", code, out, errText)
			}
		})
	}
}

func TestProgramOnStdout(t *testing.T) {
	bpf, errText, code := invoke(t, profile)
	if code != 0 || errText != "" || len(bpf) == 0 || len(bpf)%8 != 0 {
		t.Fatalf("exit %d, %d bytes, stderr %q", code, len(bpf), errText)
	}
	whole, _, _ := invoke(t, profile, "--program")
	if !bytes.HasSuffix(whole, bpf) || !bytes.HasPrefix(whole, []byte("gsp-bpf")) {
		t.Error("--program does not contain the program")
	}
}

func TestFeatures(t *testing.T) {
	out, _, _ := invoke(t, "", "--features")
	var s seccomp.Support
	if err := json.Unmarshal(out, &s); err != nil || s.Version == "" || len(s.Archs) == 0 {
		t.Errorf("%s: %v", out, err)
	}
}
