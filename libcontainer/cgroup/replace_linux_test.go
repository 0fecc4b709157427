package cgroup

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestReplaceIsKnown looks for the library's variables that replace_linux.go names: linking does not miss them.
func TestReplaceIsKnown(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/opencontainers/cgroups").Output()
	if err != nil {
		t.Skipf("no go command to find the library with: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "devices/ebpf_linux.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"haveBpfProgReplaceBool bool", "haveBpfProgReplaceOnce sync.Once", "haveBpfProgReplaceOnce.Do(func() {", "haveBpfProgReplaceBool = true"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("the library has no %q any more: see replace_linux.go", line)
		}
	}
	knowReplace()
	if !haveReplace {
		t.Error("not known")
	}
}
