package arch

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// pure are the packages that touch no machine, so that they can be tested and
// used on any. That they compile for another system shows that they name none
// of Linux's system calls.
var pure = []string{
	"libcontainer/spec/...",
	"libcontainer/plan",
	"libcontainer/caps",
	"libcontainer/rlimit",
	"libcontainer/annotation",
	"libcontainer/jsonout",
	"libcontainer/nspawn/siphash",
	"libcontainer/nspawn/syscalls",
	"libcontainer/nspawn/naming",
	"libcontainer/nspawn/profile",
	"internal/cli",
	"bundle/stream",
}

func TestPurePackagesCompileForDarwin(t *testing.T) {
	args := []string{"build"}
	for _, p := range pure {
		args = append(args, "./"+p)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("GOOS=darwin go build: %v\n%s", err, out)
	}
}

// TestPureImports is for what any system has, and a pure package leaves alone.
func TestPureImports(t *testing.T) {
	// spec reads a file, and asks syscall for the number of an error.
	machine := []string{"os/exec", "golang.org/x/sys/unix", "net", "os/signal"}
	for _, p := range allPackages(t) {
		name := short(p.ImportPath)
		if !within(name, "libcontainer/plan/...") && !within(name, "libcontainer/spec") {
			continue
		}
		for _, imported := range p.Imports {
			for _, m := range machine {
				if imported == m || strings.HasPrefix(imported, m+"/") {
					t.Errorf("%s imports %s, and is pure", name, imported)
				}
			}
		}
	}
}
