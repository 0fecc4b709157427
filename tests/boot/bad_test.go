//go:build boot

package boot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

const bootAnnotation = "io.gspawn.boot"

func demandBoot(s *specs.Spec) { s.Annotations = map[string]string{bootAnnotation: "yes"} }

// TestWithoutInit: what is missing is named, with the places that were looked at, and nothing is left.
func TestWithoutInit(t *testing.T) {
	require.Root(t)
	empty := func(s *specs.Spec) { s.Root.Path = t.TempDir() }
	for _, c := range []struct {
		name    string
		changes []func(*specs.Spec)
		want    []string
	}{
		{"empty tree, boot mode demanded", []func(*specs.Spec){empty, fixtures.Args("/sbin/init"), demandBoot},
			[]string{"/sbin/init", "/usr/lib/systemd/systemd", "does not exist"}},
		{"empty tree", []func(*specs.Spec){empty, fixtures.Args("/sbin/init")}, []string{"/sbin/init", "no such file"}},
		{"application, boot mode demanded", []func(*specs.Spec){fixtures.Args("/bin/sh"), demandBoot}, []string{"init", "does not exist"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			con := fixtures.New(t, c.changes...)
			r := con.Run()
			if r.Code == 0 {
				t.Error("it ran")
			}
			for _, part := range c.want {
				if !strings.Contains(r.Stderr, part) {
					t.Errorf("the message has no %q: %s", part, r.Stderr)
				}
			}
			if left := con.WaitClean(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// TestInitExits: an init that ends without reboot(2) is the end of the container, with the init's own exit code; one
// that a signal ends has crashed, which is said.
func TestInitExits(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		for _, c := range []struct {
			name, script string
			code         int
			says         string
		}{
			{"exit 7", "exit 7", 7, "the init of the system ended with exit code 7"},
			{"exit 0", "exit 0", 0, ""},
			{"exit 133 is no reboot", "exit 133", 1, "the init of the system ended with exit code 133"},
			// The kernel spares PID 1 its own signals.
			{"segmentation fault", "kill -SEGV $$; sleep 1; exit 3", 3, "the init of the system ended with exit code 3"},
		} {
			t.Run(c.name, func(t *testing.T) {
				con := fixtures.New(t, demandBoot, fixtures.Args("/sbin/init"))
				if err := os.MkdirAll(con.Rootfs("sbin"), 0o755); err != nil {
					t.Fatal(err)
				}
				script := "#!/bin/sh\n# s6-linux-init\n" + c.script + "\n"
				if err := os.WriteFile(con.Rootfs("sbin/init"), []byte(script), 0o755); err != nil {
					t.Fatal(err)
				}
				r := con.Run()
				if r.Code != c.code {
					t.Errorf("exit code %d, want %d: %s", r.Code, c.code, r.Stderr)
				}
				if said := strings.Contains(r.Stderr, "the init of the system"); said != (c.says != "") || !strings.Contains(r.Stderr, c.says) {
					t.Errorf("run says %q, want %q in it", r.Stderr, c.says)
				}
			})
		}
		t.Run("systemd crashes", func(t *testing.T) {
			f := runForeground(t, "trixie")
			f.up(t, "trixie")
			f.c.Must("kill", f.c.ID, "SEGV") // systemd's handler says so, and exits
			if code := f.code(t); code != 255 || !strings.Contains(f.out.String(), "the init of the system ended with exit code 255") {
				t.Errorf("exit code %d, want 255: %s", code, f.out.String())
			}
		})
		t.Run("killed from outside", func(t *testing.T) {
			f := runForeground(t, "busybox")
			f.up(t, "busybox")
			f.c.Must("kill", f.c.ID, "KILL")
			if code := f.code(t); code == 0 {
				t.Error("exit code 0 for an init that was killed")
			}
			if !strings.Contains(f.out.String(), "crashed") {
				t.Errorf("run does not say that the init crashed: %s", f.out.String())
			}
		})
	})
}

// TestSupervisorKilled kills `run` at moments of a boot; the next start finds nothing in its way, whether the container
// was deleted or not.
func TestSupervisorKilled(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		for _, after := range []time.Duration{5, 20, 60, 300, 1500} {
			after *= time.Millisecond
			for _, deleted := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/deleted=%t", after, deleted), func(t *testing.T) {
					c, _ := newSystem(t, "trixie", false)
					f := foregroundOf(t, c)
					time.Sleep(after)
					_ = f.cmd.Process.Kill()
					<-f.end
					if deleted {
						if r := c.Do("delete", "--force", c.ID); r.Code != 0 {
							t.Fatalf("delete --force: %s", r.Stderr)
						}
						if left := c.WaitClean(); len(left) > 0 {
							t.Errorf("left behind: %q", left)
						}
					}
					again := foregroundOf(t, c)
					again.up(t, "trixie")
					_ = again.cmd.Process.Signal(syscall.SIGTERM)
					if code := again.code(t); code != 0 {
						t.Errorf("exit code %d after SIGTERM to run: %s", code, again.out.String())
					}
				})
			}
		}
	})
}

// TestSupervisorKilledThenCreated: what a killed supervisor left is in nobody's way, and what was kept on purpose is.
func TestSupervisorKilledThenCreated(t *testing.T) {
	require.Root(t)
	for _, command := range [][]string{{"run", "--detach"}, {"create"}} {
		t.Run(command[0], func(t *testing.T) {
			f := runForeground(t, "busybox")
			f.up(t, "busybox")
			_ = f.cmd.Process.Kill()
			<-f.end
			f.c.Must(append(command, "--bundle", f.c.Bundle, f.c.ID)...)
			if r := f.c.Do(append(command, "--bundle", f.c.Bundle, f.c.ID)...); r.Code == 0 || !strings.Contains(r.Stderr, "already exists") {
				t.Errorf("a second time: exit code %d, %s", r.Code, r.Stderr)
			}
			f.c.Must("delete", "--force", f.c.ID)
		})
	}
	t.Run("kept", func(t *testing.T) {
		f := runForeground(t, "busybox", "--keep")
		f.up(t, "busybox")
		f.exec("poweroff")
		if code := f.code(t); code != 0 {
			t.Errorf("exit code %d: %s", code, f.out.String())
		}
		if r := f.c.Run(); r.Code != 1 || !strings.Contains(r.Stderr, "already exists") {
			t.Errorf("exit code %d, %s", r.Code, r.Stderr)
		}
	})
}

// TestWrongAnnotations names the annotation.
func TestWrongAnnotations(t *testing.T) {
	require.Root(t)
	for name, value := range map[string]string{
		"io.gspawn.machine": "a_b/../c d", "io.gspawn.machine-id": "box", "io.gspawn.credential.a/b": "x",
		"io.gspawn.keep-sigterm": "maybe", "io.gspawn.register": "maybe",
	} {
		c, _ := newSystem(t, "busybox", false, func(s *specs.Spec) { s.Annotations = map[string]string{name: value} })
		if r := c.Run(); r.Code != 1 || !strings.Contains(r.Stderr, name) {
			t.Errorf("%s=%s: exit code %d, %s", name, value, r.Code, r.Stderr)
		}
	}
}

// TestFlagsForSystems: what an application has no use for is said, and what nobody has is refused.
func TestFlagsForSystems(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t)
	r := c.Do("run", "--console=pipe", "--set-credential=a:b", "--notify-ready", "--keep-unit", "--bundle", c.Bundle, c.ID)
	if r.Code != 0 || strings.Count(r.Stderr, "booted systems") != 1 || !strings.Contains(r.Stderr, "--console, --set-credential, --notify-ready, --keep-unit") {
		t.Errorf("exit code %d, %s", r.Code, r.Stderr)
	}
	if r := c.Do("run", "--console=loud", "--bundle", c.Bundle, c.ID); r.Code != 1 || !strings.Contains(r.Stderr, "--console=loud") {
		t.Errorf("exit code %d, %s", r.Code, r.Stderr)
	}
}

// TestTreeTakenDetached: so it is where the system runs detached and nothing holds a lock, unless both only read the tree.
func TestTreeTakenDetached(t *testing.T) {
	require.Root(t)
	_, root := newSystem(t, "busybox", false)
	for _, tt := range []struct {
		first, second string // how the root file system is
		busy          bool
	}{{"rw", "rw", true}, {"ro", "rw", true}, {"rw", "ro", true}, {"ro", "ro", false}} {
		t.Run(tt.first+" "+tt.second, func(t *testing.T) {
			readOnly := func(how string) func(*specs.Spec) { return func(s *specs.Spec) { s.Root.Readonly = how == "ro" } }
			first := fixtures.New(t, system(root, false), readOnly(tt.first))
			first.Must("run", "--detach", "--bundle", first.Bundle, first.ID)
			second := fixtures.New(t, system(root, false), readOnly(tt.second))
			second.Root = first.Root
			r := second.Do("create", "--bundle", second.Bundle, second.ID)
			if tt.busy && (r.Code == 0 || !strings.Contains(r.Stderr, "busy") || !strings.Contains(r.Stderr, first.ID)) {
				t.Errorf("on the tree of a running system: exit code %d, %s", r.Code, r.Stderr)
			}
			if !tt.busy && r.Code != 0 {
				t.Errorf("beside a system that reads too: exit code %d, %s", r.Code, r.Stderr)
			}
			second.Do("delete", "--force", second.ID)
			first.Must("kill", first.ID, "KILL")
			first.Must("delete", "--force", first.ID)
			if r := second.Do("create", "--bundle", second.Bundle, second.ID); r.Code != 0 {
				t.Errorf("when it is gone: exit code %d, %s", r.Code, r.Stderr)
			}
			second.Must("delete", "--force", second.ID)
		})
	}
}

// TestExecWithoutPath: a bundle without PATH has the one that its init got.
func TestExecWithoutPath(t *testing.T) {
	require.Root(t)
	c, _ := newSystem(t, "busybox", false, func(s *specs.Spec) { s.Process.Env = nil })
	f := foregroundOf(t, c)
	f.up(t, "busybox")
	if a := f.exec("sh", "-c", "echo $PATH"); a.code != 0 || !strings.HasPrefix(a.out, "/usr/local/sbin:") {
		t.Errorf("%v", a)
	}
}

// TestTreeTaken: a tree that a system runs on is not given to another, as nspawn's lock has it.
func TestTreeTaken(t *testing.T) {
	require.Root(t)
	c, root := newSystem(t, "busybox", false)
	f := foregroundOf(t, c)
	f.up(t, "busybox")
	other := fixtures.New(t, system(root, false))
	r := other.Do("run", "--console=passive", "--bundle", other.Bundle, other.ID)
	if r.Code == 0 || !strings.Contains(r.Stderr, root) {
		t.Errorf("a second system on the tree: exit code %d, %s", r.Code, r.Stderr)
	}
	for _, command := range [][]string{{"run", "--detach"}, {"create"}} {
		r := other.Do(append(command, "--bundle", other.Bundle, other.ID)...)
		if r.Code == 0 || !strings.Contains(r.Stderr, root) || !strings.Contains(r.Stderr, "busy") {
			t.Errorf("%v on the tree: exit code %d, %s", command, r.Code, r.Stderr)
		}
	}
	if nspawn, err := exec.LookPath("systemd-nspawn"); err == nil {
		a := do(nil, nspawn, "--quiet", "--register=no", "--keep-unit", "-D", root, "/bin/true")
		if a.code == 0 {
			t.Errorf("systemd-nspawn runs on a tree that is in use")
		}
		t.Logf("systemd-nspawn on %s: %v", filepath.Base(root), a)
	}
}
