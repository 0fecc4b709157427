package require

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestSkipOrFail runs the needs of a test that cannot be met in a child, and asserts how the child ended.
func TestSkipOrFail(t *testing.T) {
	if os.Getenv("REQUIRE_CHILD") == "1" {
		Program(t, "no-such-program-anywhere")
		t.Fatal("a missing program did not stop the test")
	}
	for _, c := range []struct{ name, all, want string }{
		{"skips with the reason", "0", "--- SKIP: TestSkipOrFail"},
		{"fails when all is required", "1", "--- FAIL: TestSkipOrFail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestSkipOrFail$", "-test.v")
			cmd.Env = append(os.Environ(), "REQUIRE_CHILD=1", "REQUIRE_ALL="+c.all)
			out, _ := cmd.CombinedOutput()
			if !strings.Contains(string(out), c.want) || !strings.Contains(string(out), "no-such-program-anywhere") {
				t.Errorf("want %q and the program's name in:\n%s", c.want, out)
			}
		})
	}
}
