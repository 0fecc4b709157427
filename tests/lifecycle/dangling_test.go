package lifecycle

import (
	"os"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestDanglingDestination mounts on symlinks that lead to what is not there, as /etc/resolv.conf of a system with
// systemd-resolved does.
func TestDanglingDestination(t *testing.T) {
	src := source(t)
	links := map[string]string{
		"etc/resolv.conf": "../run/systemd/resolve/stub-resolv.conf",
		"lib64":           "/opt/" + fixtures.UniqueID("none") + "/data",
		"loop":            "loop",
	}
	tests := []struct {
		name         string
		mount        change
		script, want string
	}{
		{"file", bind("/etc/resolv.conf", src+"/file", "bind"),
			"cat /etc/resolv.conf; stat -c '%F %a %u' /run/systemd/resolve/stub-resolv.conf /run/systemd/resolve", "content\nregular file 644 0\ndirectory 755 0"},
		{"directory", bind("/lib64", src, "rbind"), "cat /lib64/file /lib64/sub/deep", "content\ndeep"},
		{"below", tmpfs("/lib64/a/b"), "touch /lib64/a/b/x && awk '$5 ~ \"^/opt\" { print $5 }' /proc/self/mountinfo | grep -o data.*", "data/a/b"},
		{"into a mount", func(s *specs.Spec) {
			tmpfs("/run")(s)
			bind("/etc/resolv.conf", src+"/file", "bind")(s)
		}, "cat /run/systemd/resolve/stub-resolv.conf", "content"},
		{"working directory", func(s *specs.Spec) { s.Process.Cwd = "/lib64/work" }, "pwd | grep -o data.*", "data/work"},
	}
	users := map[string]change{
		"root":           func(*specs.Spec) {},
		"user namespace": fixtures.WithUserNamespace(100000, 65536),
	}
	for user, as := range users {
		for _, tt := range tests {
			t.Run(user+" "+tt.name, func(t *testing.T) {
				if user != "root" && tt.name == "file" {
					tt.want = "content\nregular file 644 65534\ndirectory 755 0" // the mounted one is the host's
				}
				c := fixtures.New(t, as, tt.mount, fixtures.Shell("umask 077; "+tt.script))
				for name, target := range links {
					_ = os.RemoveAll(c.Rootfs(name))
					if err := os.Symlink(target, c.Rootfs(name)); err != nil {
						t.Fatal(err)
					}
				}
				if user != "root" {
					for _, dir := range []string{"", "run", "etc", "opt"} {
						if err := os.MkdirAll(c.Rootfs(dir), 0o755); err != nil {
							t.Fatal(err)
						}
						if err := os.Chown(c.Rootfs(dir), 100000, 100000); err != nil {
							t.Fatal(err)
						}
					}
				}
				defer unix.Umask(unix.Umask(0o077))
				r := c.Run()
				if r.Code != 0 {
					t.Fatalf("run: %+v", r)
				}
				want(t, tt.script, r.Stdout, tt.want)
				if _, err := os.Lstat(links["lib64"]); err == nil {
					t.Errorf("%s was made on the host", links["lib64"])
				}
			})
		}
	}
}

// TestDanglingRefused: a user who may not make the target makes nothing, and is told where it should be.
func TestDanglingRefused(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.WithUserNamespace(100000, 65536), tmpfs("/link/x"))
	if err := os.Symlink("/nowhere/at/all", c.Rootfs("link")); err != nil {
		t.Fatal(err)
	}
	r := c.Run()
	if r.Code != 1 {
		t.Errorf("run: %+v", r)
	}
	wantIn(t, "message", plain(r.Stderr), `make "/nowhere": permission denied`)
	wantIn(t, "message", r.Stderr, "plan step")
}
