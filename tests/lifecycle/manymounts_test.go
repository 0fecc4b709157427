package lifecycle

import (
	"fmt"
	"os"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestManyMounts: more mounts than the init may have files open by default, which its program still may not.
func TestManyMounts(t *testing.T) {
	src := source(t)
	tests := []struct {
		name  string
		add   func(s *specs.Spec, i int)
		n     int
		limit string
	}{
		{"binds", func(s *specs.Spec, i int) { bind(fmt.Sprintf("/m/%d", i), src, "bind")(s) }, 1500, "1024"},
		{"few files", func(s *specs.Spec, i int) { bind(fmt.Sprintf("/m/%d", i), src, "bind")(s) }, 150, "256"},
		{"binds to missing directories", func(s *specs.Spec, i int) { bind(fmt.Sprintf("/m/%d/b/c/d/e/f/g", i), src, "bind")(s) }, 150, "1024"},
		{"tmpfs", func(s *specs.Spec, i int) { tmpfs(fmt.Sprintf("/m/%d", i))(s) }, 300, "1024"},
		{"masked directories", func(s *specs.Spec, i int) {
			s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, fmt.Sprintf("/dirs/%d", i))
		}, 600, "1024"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fixtures.New(t, func(s *specs.Spec) {
				s.Process.Rlimits = nil
				for i := range tt.n {
					tt.add(s, i)
				}
			}, fixtures.Shell("ulimit -Sn; grep -cE ' /(m|dirs)/' /proc/self/mountinfo"))
			for i := range tt.n {
				if err := os.MkdirAll(c.Rootfs(fmt.Sprintf("dirs/%d", i)), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			command := c.Cmd("run", "--bundle", c.Bundle, c.ID)
			command.Args = append([]string{"/bin/sh", "-c", `ulimit -Sn ` + tt.limit + `; exec "$0" "$@"`}, command.Args...)
			command.Path = "/bin/sh"
			out, err := command.Output()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			want(t, "limit and mounts", string(out), fmt.Sprintf("%s\n%d", tt.limit, tt.n))
		})
	}
}

// TestReadonlyFilledFirst: what is read-only for the container is not while the container is made.
func TestReadonlyFilledFirst(t *testing.T) {
	require.Root(t)
	const denied = "; touch /m/x 2>/dev/null || echo denied"
	src := source(t)
	t.Run("mounts in a tmpfs", func(t *testing.T) {
		got := output(t, tmpfs("/m", "ro"), bind("/m/a/dir", src, "bind"), tmpfs("/m/b"), fixtures.Shell("cat /m/a/dir/file; ls /m"+denied))
		want(t, "files", got, "content\na\nb\ndenied")
	})
	t.Run("working directory", func(t *testing.T) {
		got := output(t, tmpfs("/m", "rro"), func(s *specs.Spec) { s.Process.Cwd = "/m/made" }, fixtures.Shell("pwd"+denied))
		want(t, "files", got, "/m/made\ndenied")
	})
	t.Run("covered", func(t *testing.T) {
		got := output(t, tmpfs("/m", "ro"), tmpfs("/m"), fixtures.Shell("touch /m/x && echo writable"))
		want(t, "files", got, "writable")
	})
	t.Run("dev", func(t *testing.T) {
		got := output(t, func(s *specs.Spec) {
			for i := range s.Mounts {
				if s.Mounts[i].Destination == "/dev" {
					s.Mounts[i].Options = append(s.Mounts[i].Options, "ro")
				}
			}
			s.Linux.Devices = append(s.Linux.Devices, specs.LinuxDevice{Path: "/dev/deep/node", Type: "c", Major: 1, Minor: 5})
		}, fixtures.Shell("echo >/dev/null; test -c /dev/deep/node && echo device; touch /dev/x 2>/dev/null || echo denied"))
		want(t, "files", got, "device\ndenied")
	})
}

// TestRecursiveWords: of a new file system, too.
func TestRecursiveWords(t *testing.T) {
	got := output(t, tmpfs("/m", "rnosuid", "rnodev", "rnoexec", "rro"), attributes("/m"))
	want(t, "mount", got, "ro,nosuid,nodev,noexec,relatime private")
	got = output(t, fixtures.AddMount(specs.Mount{Destination: "/m", Type: "proc", Source: "proc", Options: []string{"rro", "rnosuid"}}), attributes("/m"))
	want(t, "mount", got, "ro,nosuid,relatime private")
}

// TestPropagationAlone changes a mount that is there, and binds nothing of the bundle.
func TestPropagationAlone(t *testing.T) {
	shared := fixtures.AddMount(specs.Mount{Destination: "/m", Options: []string{"rshared"}})
	want(t, "mount", output(t, tmpfs("/m", "nosuid"), shared, attributes("/m")), "rw,nosuid,relatime shared")
	shared = fixtures.AddMount(specs.Mount{Destination: "/etc", Options: []string{"rshared"}})
	wantIn(t, "message", refused(t, shared), "nothing is mounted on the destination")
}
