package lifecycle

import (
	"os"

	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestExecRoot: a container that shares the host's mount namespace has a root of its own all the same, and so has every
// process that joins it, with its working directory and what it is told to execute.
func TestExecRoot(t *testing.T) {
	require.Root(t)
	host := t.TempDir() // is not to be seen
	for name, kinds := range map[string][]specs.LinuxNamespaceType{
		"none":    nil,
		"network": {specs.NetworkNamespace},
		"pid":     {specs.PIDNamespace, specs.NetworkNamespace, specs.IPCNamespace, specs.UTSNamespace},
	} {
		t.Run(name, func(t *testing.T) {
			c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"), func(s *specs.Spec) {
				s.Linux.Namespaces, s.Hostname = nil, ""
				for _, k := range kinds {
					fixtures.WithNamespace(k, "")(s)
				}
				s.Mounts, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil, nil
			})
			for name, text := range map[string]string{"mark": "the container's", "work/mark": "below"} {
				if err := os.MkdirAll(c.Rootfs(name+"/.."), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(c.Rootfs(name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("/work", c.Rootfs("link")); err != nil {
				t.Fatal(err)
			}
			c.Create()
			c.Start()
			want(t, "/", c.Must("exec", c.ID, "cat", "/mark"), "the container's")
			want(t, "the default directory", c.Must("exec", c.ID, "cat", "mark"), "the container's")
			for _, cwd := range []string{"/work", "/link", "/../../work"} {
				want(t, "directory "+cwd, c.Must("exec", "--cwd", cwd, c.ID, "cat", "mark"), "below")
			}
			want(t, "above /", c.Must("exec", "--cwd", "/work", c.ID, "cat", "../../../mark"), "the container's")
			for _, args := range [][]string{{c.ID, "cat", c.Bundle + "/config.json"}, {"--cwd", host, c.ID, "/bin/true"}, {c.ID, c.Runtime}} {
				if r := c.Do(append([]string{"exec"}, args...)...); r.Code == 0 {
					t.Errorf("exec %q led to the host: %s", args, r.Stdout)
				}
			}
		})
	}
}
