package hostile

import (
	"crypto/sha256"
	"os"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestCVE_2019_5736: a program `#!/proc/self/exe` makes the process that is about to run it run itself. What it finds
// there is the sealed memory of the init, which nobody can write, and never the runtime on the disk.
func TestCVE_2019_5736(t *testing.T) {
	require.Root(t)
	runtime := fixtures.RuntimePath(t)
	before, err := os.ReadFile(runtime)
	must(t, err)
	self := func(t *testing.T, c *fixtures.Container) {
		must(t, os.WriteFile(c.Rootfs("self"), []byte("#!/proc/self/exe\n"), 0o755))
	}
	t.Run("run", func(t *testing.T) {
		c := fixtures.New(t, fixtures.Args("/self"))
		self(t, c)
		tryRunSelf(t, c.Run())
	})
	t.Run("exec", func(t *testing.T) {
		c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
		self(t, c)
		c.Create()
		c.Start()
		tryRunSelf(t, c.Do("exec", c.ID, "/self"))
		// While others enter, a program inside tries to write to every executable that it can see.
		const hunt = `for i in $(seq 300); do for p in /proc/[0-9]*; do case $(readlink $p/exe) in *memfd*|*gspawn*) echo "found $(readlink $p/exe)"; (echo x >$p/exe) 2>/dev/null && echo WRITTEN; (exec 9>>$p/exe) 2>/dev/null && echo WRITTEN;; esac; done; done; echo done`
		hunter := make(chan fixtures.Result)
		go func() { hunter <- c.Do("exec", c.ID, "/bin/sh", "-c", hunt) }()
		for done := false; !done; {
			select {
			case r := <-hunter:
				done = true
				if strings.Contains(r.Stdout, "WRITTEN") || !strings.Contains(r.Stdout, "done") || strings.Contains(r.Stdout, runtime) {
					t.Errorf("the hunter says %s%s", r.Stdout, r.Stderr)
				}
			default:
				c.Do("exec", c.ID, "/self")
			}
		}
	})
	t.Run("library", func(t *testing.T) {
		// Nothing that an image can give the init to load: the tape is static.
		c := fixtures.New(t, fixtures.Args("/proc/self/exe"), func(s *specs.Spec) {
			s.Process.Env = append(s.Process.Env, "LD_PRELOAD=/evil.so", "LD_LIBRARY_PATH=/")
		})
		tryRunSelf(t, c.Run())
	})
	after, err := os.ReadFile(runtime)
	must(t, err)
	if sha256.Sum256(after) != sha256.Sum256(before) {
		t.Error("the runtime's file was changed")
	}
}

func tryRunSelf(t *testing.T, r fixtures.Result) {
	t.Helper()
	if r.Code == 0 || strings.Contains(r.Stderr+r.Stdout, "Usage") {
		t.Errorf("the runtime runs inside of the container: %+v", r)
	}
}
