package lifecycle

import (
	"os"
	"os/exec"
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

// TestDanglingAsRoot: what is made in a user namespace is made with the rights of its root, which are more than those of its
// ID outside, and less than the runtime's.
func TestDanglingAsRoot(t *testing.T) {
	require.Root(t)
	host := source(t)
	if err := os.Chmod(host, 0o775); err != nil { // for a group of the caller
		t.Fatal(err)
	}
	tests := []struct {
		name, target string
		owner        int // of /home/user
		says         string
	}{
		{"another mapped user's", "/home/user/conf/x", 101000, ""},
		{"the host's root's", "/home/user/conf/x", 0, `make "/home/user/conf": permission denied`},
		{"a group's of the caller", "/host/conf/x", 101000, `make "/host/conf": permission denied`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fixtures.New(t, fixtures.WithUserNamespace(100000, 65536), bind("/host", host, "bind"), tmpfs("/link"),
				fixtures.Shell("touch /link/made && stat -c %u /home/user/conf"))
			for _, err := range []error{
				os.MkdirAll(c.Rootfs("home/user"), 0o755), os.Chown(c.Rootfs("home/user"), tt.owner, tt.owner), os.Symlink(tt.target, c.Rootfs("link")),
				os.Mkdir(c.Rootfs("host"), 0o755),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			command := c.Cmd("run", "--bundle", c.Bundle, c.ID)
			out, err := exec.Command("setpriv", append([]string{"--groups", "0"}, command.Args...)...).CombinedOutput()
			if tt.says == "" {
				if err != nil {
					t.Fatalf("run: %v\n%s", err, out)
				}
				wantIn(t, "owner in the container", string(out), "0\n")
				return
			}
			if err == nil {
				t.Errorf("run: %s", out)
			}
			wantIn(t, "message", plain(string(out)), tt.says)
			wantIn(t, "message", string(out), "plan step")
		})
	}
}
