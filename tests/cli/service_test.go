package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestServicePrefix: the unit that is installed calls the program where that is installed.
func TestServicePrefix(t *testing.T) {
	cmd := exec.Command(require.Program(t, "make"), "-s", "--no-print-directory", "service", "PREFIX=/opt/x")
	cmd.Dir = fixtures.RepoRoot()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if n := strings.Count(string(out), "/opt/x/bin/gspawn-oci "); n != 2 || strings.Contains(string(out), "/usr/local") {
		t.Errorf("%d calls of the program below /opt/x in %s", n, out)
	}
}
