package lifecycle

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// leaky starts the runtime with 20 descriptors from 3 on that nobody has told it of, and more that the caller of its
// caller forgot to close.
func leaky(t *testing.T, c *fixtures.Container, args ...string) string {
	t.Helper()
	out, err := os.Create(filepath.Join(filepath.Dir(c.Bundle), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := c.Cmd(args...)
	warnings, err := os.Create(out.Name() + ".err") // no pipe: the container holds it
	if err != nil {
		t.Fatal(err)
	}
	defer warnings.Close()
	cmd.Stdout, cmd.Stderr = out, warnings
	for range 20 {
		f, err := os.Open("/etc/passwd")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(warnings.Name())
		t.Fatalf("%q: %v\n%s", args, err, text)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// listFDs is a program that prints what it has open; `ls` itself has the directory open, as 3 or the lowest free.
var listFDs = []string{"/bin/sh", "-c", "exec ls /proc/self/fd"}

// TestDescriptors shows that nothing but stdio and what was asked for reaches the program.
func TestDescriptors(t *testing.T) {
	require.Root(t)
	const none = "0 1 2 3"
	list := func(s *specs.Spec) { s.Process.Args = listFDs }
	fields := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	t.Run("run", func(t *testing.T) {
		c := fixtures.New(t, list)
		want(t, "descriptors", fields(leaky(t, c, "run", c.ID)), none)
	})
	t.Run("user namespace", func(t *testing.T) {
		c := fixtures.New(t, list, fixtures.WithUserNamespace(100000, 65536))
		c.Spec.Process.Capabilities.Ambient = nil
		c.Write()
		want(t, "descriptors", fields(leaky(t, c, "run", c.ID)), none)
	})
	t.Run("time namespace", func(t *testing.T) {
		c := fixtures.New(t, list, fixtures.WithNamespace(specs.TimeNamespace, ""))
		want(t, "descriptors", fields(leaky(t, c, "run", c.ID)), none)
	})
	t.Run("create and start", func(t *testing.T) {
		c := fixtures.New(t, fixtures.Shell("exec ls /proc/self/fd >/fds"))
		leaky(t, c, "create", c.ID)
		leaky(t, c, "start", c.ID)
		c.WaitStatus(specs.StateStopped)
		text, err := os.ReadFile(c.Rootfs("fds"))
		if err != nil {
			t.Fatal(err)
		}
		want(t, "descriptors", fields(string(text)), none)
	})
	t.Run("exec", func(t *testing.T) {
		c := sleeping(t)
		want(t, "descriptors", fields(leaky(t, c, append([]string{"exec", c.ID}, listFDs...)...)), none)
	})
	t.Run("hooks", func(t *testing.T) { hookDescriptors(t, none) })
	t.Run("preserved", func(t *testing.T) {
		c := fixtures.New(t, list)
		want(t, "descriptors", fields(leaky(t, c, "run", "--preserve-fds", "2", c.ID)), "0 1 2 3 4 5")
	})
	t.Run("preserved by exec", func(t *testing.T) {
		c := sleeping(t)
		got := leaky(t, c, append([]string{"exec", "--preserve-fds", "2", c.ID}, listFDs...)...)
		want(t, "descriptors", fields(got), "0 1 2 3 4 5")
	})
	t.Run("preserved but not open", func(t *testing.T) {
		c := fixtures.New(t, list)
		r := c.Do("run", "--preserve-fds", "50", c.ID)
		if r.Code == 0 || !strings.Contains(r.Stderr, "--preserve-fds") {
			t.Errorf("run: %+v", r)
		}
	})
}

func hookDescriptors(t *testing.T, none string) {
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	outside := func(name string) []specs.Hook {
		return []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "exec ls /proc/self/fd >" + dir + "/" + name}, Env: []string{"PATH=/bin:/usr/bin"}}}
	}
	inside := func(name string) []specs.Hook {
		return []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "exec ls /proc/self/fd >/tmp/" + name}, Env: []string{"PATH=/bin"}}}
	}
	c := fixtures.New(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{
			Prestart:      outside("prestart"), //nolint:staticcheck // deprecated, and what docker uses
			CreateRuntime: outside("createRuntime"), StartContainer: inside("startContainer"),
			Poststart: outside("poststart"), Poststop: outside("poststop"),
		}
	})
	leaky(t, c, "create", c.ID)
	leaky(t, c, "start", c.ID)
	c.WaitStatus(specs.StateStopped)
	leaky(t, c, "delete", c.ID)
	for _, file := range []string{
		dir + "/prestart", dir + "/createRuntime", c.Rootfs("tmp/startContainer"), dir + "/poststart", dir + "/poststop",
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		want(t, "descriptors of the hook "+filepath.Base(file), strings.Join(strings.Fields(string(text)), " "), none)
	}
}

// TestStdioOwner shows that the program may open its own stdio again, and that what was there before stays its owner's: the
// host's devices, and what the caller who stays redirected to or from.
func TestStdioOwner(t *testing.T) {
	require.Root(t)
	owner := func(name string) string {
		out, err := exec.Command("stat", "-c", "%u", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	for _, uid := range []uint32{0, 1000} {
		c := fixtures.New(t, func(s *specs.Spec) { s.Process.User.UID = uid },
			fixtures.Shell("echo again >>/proc/self/fd/2; cat; echo again >>/proc/self/fd/1; stat -L -c %u /dev/null; exec sleep 300"))
		dir := filepath.Dir(c.Bundle)
		files := make([]*os.File, 2)
		for i, name := range []string{"in", "out"} {
			file, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			files[i] = file
		}
		read := func() string {
			text, _ := os.ReadFile(files[1].Name())
			return string(text)
		}
		// A caller who leaves made the file for it.
		cmd := c.Cmd("run", "--detach", c.ID)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[1]
		if err := cmd.Run(); err != nil {
			t.Fatalf("run --detach: %v\n%s", err, read())
		}
		eventually(t, "all is written", func() bool { return strings.HasSuffix(read(), "again\n0\n") })
		want(t, "owner of the detached one's file", owner(files[1].Name()), fmt.Sprint(uid))

		attended := fixtures.New(t, func(s *specs.Spec) { s.Process.User.UID = uid },
			fixtures.Shell("echo again >>/proc/self/fd/2; cat; echo again >>/proc/self/fd/1"))
		for _, command := range [][]string{{"run", "--bundle", attended.Bundle, attended.ID}, {"exec", c.ID, "/bin/sh", "-c", "echo again >>/proc/self/fd/2; cat; echo again >>/proc/self/fd/1"}} {
			for _, f := range files {
				if err := errors.Join(f.Truncate(0), f.Chown(0, 0), f.Chmod(0o644)); err != nil {
					t.Fatal(err)
				}
			}
			cmd := c.Cmd(command...)
			var out strings.Builder
			cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], &out, files[1]
			_ = cmd.Run() // another user cannot open the file
			wantIn(t, "the pipe", out.String(), "again\n")
			for _, f := range files {
				want(t, command[0]+": owner of "+f.Name(), owner(f.Name()), "0")
			}
			if strings.Contains(read(), "\nagain\n") != (uid == 0) {
				t.Errorf("%s: %q", command[0], read())
			}
		}
		want(t, "owner of the host's /dev/null", owner("/dev/null"), "0")
	}
}
