package lifecycle

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// source is a directory of the host to be mounted: a file, a directory, and a tmpfs below it. It is a private mount,
// whatever the host's are.
func source(t *testing.T) string {
	t.Helper()
	require.Root(t)
	dir, err := os.MkdirTemp("", "gspawn-source-") //nolint:usetesting // above t.TempDir only the caller may pass, and no mapped root
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.Unmount(dir, unix.MNT_DETACH) // and all below
		_ = os.RemoveAll(dir)
	})
	for _, err := range []error{
		unix.Mount(dir, dir, "", unix.MS_BIND, ""), unix.Mount("", dir, "", unix.MS_PRIVATE, ""),
		os.Chmod(dir, 0o777), os.Mkdir(dir+"/sub", 0o777), os.WriteFile(dir+"/file", []byte("content\n"), 0o666),
		unix.Mount("tmpfs", dir+"/sub", "tmpfs", 0, "mode=777"), os.WriteFile(dir+"/sub/deep", []byte("deep\n"), 0o666),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func bind(destination, from string, options ...string) change {
	return fixtures.AddMount(specs.Mount{Destination: destination, Type: "bind", Source: from, Options: options})
}

func tmpfs(destination string, options ...string) change {
	return fixtures.AddMount(specs.Mount{Destination: destination, Type: "tmpfs", Source: "tmpfs", Options: options})
}

// attributes prints the options of a mount in the container, and its propagation.
func attributes(path string) change {
	return fixtures.Shell(`awk '$5 == "` + path + `" { p = "private"; for (i = 7; $i != "-"; i++) p = $i; sub(/:.*/, "", p); print $6, p }' /proc/self/mountinfo | tail -n 1`)
}

// TestMountAttributes looks at mountinfo.
func TestMountAttributes(t *testing.T) {
	src := source(t)
	tests := []struct {
		options []string
		want    string // attributes and propagation, in mountinfo's order
	}{
		{nil, "rw,relatime private"},
		{[]string{"ro"}, "ro,relatime private"},
		{[]string{"ro", "rw"}, "rw,relatime private"},
		{[]string{"nosuid", "nodev", "noexec"}, "rw,nosuid,nodev,noexec,relatime private"},
		{[]string{"noatime"}, "rw,noatime private"},
		{[]string{"strictatime"}, "rw private"},
		{[]string{"nodiratime"}, "rw,nodiratime,relatime private"},
		{[]string{"nosymfollow"}, "rw,relatime,nosymfollow private"},
		{[]string{"private"}, "rw,relatime private"},
		{[]string{"shared"}, "rw,relatime shared"},
		{[]string{"rshared"}, "rw,relatime shared"},
		{[]string{"unbindable"}, "rw,relatime unbindable"},
	}
	for _, tt := range tests {
		t.Run("bind "+strings.Join(tt.options, ","), func(t *testing.T) {
			got := output(t, bind("/m", src, append([]string{"bind"}, tt.options...)...), attributes("/m"))
			want(t, "mount", got, tt.want)
		})
		t.Run("tmpfs "+strings.Join(tt.options, ","), func(t *testing.T) {
			want(t, "mount", output(t, tmpfs("/m", tt.options...), attributes("/m")), tt.want)
		})
	}
	t.Run("slave", func(t *testing.T) {
		if err := unix.Mount("", src+"/sub", "", unix.MS_SHARED, ""); err != nil {
			t.Fatal(err)
		}
		want(t, "mount", output(t, bind("/m", src+"/sub", "bind", "slave"), attributes("/m")), "rw,relatime master")
		want(t, "mount", output(t, bind("/m", src+"/sub", "bind", "private"), attributes("/m")), "rw,relatime private")
	})
}

// TestMountBehaviour does what the options forbid or allow.
func TestMountBehaviour(t *testing.T) {
	src := source(t)
	file := filepath.Join(src, "file")
	tests := []struct {
		name   string
		mount  change
		script string
		want   string
	}{
		{"bind of a directory", bind("/m", src, "bind"), "cat /m/file; ls /m/sub", "content"},
		{"rbind has what is below", bind("/m", src, "rbind"), "cat /m/file /m/sub/deep", "content\ndeep"},
		{"bind without the word", bind("/m", src), "cat /m/file", "content"},
		{"bind of a file", bind("/etc/made", file, "bind"), "cat /etc/made", "content"},
		{"bind of a file over a file", bind("/etc/passwd", file, "bind"), "cat /etc/passwd", "content"},
		{"missing destination is made", bind("/made/for/it", src, "bind"), "cat /made/for/it/file", "content"},
		{"relative destination", bind("rel/dir", src, "bind"), "cat /rel/dir/file", "content"},
		{"destination by a symlink inside", bind("/link/m", src, "bind"), "cat /home/m/file", "content"},
		{"ro", bind("/m", src, "rbind", "ro"), "touch /m/x 2>/dev/null || echo top; touch /m/sub/x && echo below is writable", "top\nbelow is writable"},
		{"rro", bind("/m", src, "rbind", "rro"), "touch /m/x 2>/dev/null || echo top; touch /m/sub/x 2>/dev/null || echo below", "top\nbelow"},
		{"rnoexec", bind("/m", src, "rbind", "rnoexec"), "grep -c ' /m.* rw,noexec' /proc/self/mountinfo", "2"},
		{"noexec", tmpfs("/m", "noexec"), "cp() { cat $1 >$2; chmod 755 $2; }; cp /bin/busybox /m/true; /m/true 2>/dev/null || echo denied", "denied"},
		{"nodev", tmpfs("/m", "nodev"), "mknod /m/null c 1 3 2>/dev/null; cat /m/null 2>/dev/null || echo denied", "denied"},
		{"size and mode", tmpfs("/m", "size=1m", "mode=1770"), "df -k /m | tail -1 | awk '{print $2}'; stat -c %a /m", "1024\n1770"},
		{"an empty option", tmpfs("/m", "", "ro", ""), "touch /m/x 2>/dev/null || echo denied", "denied"},
		{"tmpfs ro", tmpfs("/m", "ro"), "touch /m/x 2>/dev/null || echo denied", "denied"},
		{"tmpcopyup", tmpfs("/etc", "tmpcopyup"), "grep -c root /etc/passwd; touch /etc/new && echo writable", "1\nwritable"},
		{"tmpcopyup ro", tmpfs("/etc", "tmpcopyup", "ro"), "grep -c root /etc/passwd; touch /etc/new 2>/dev/null || echo denied", "1\ndenied"},
		{"remount", func(s *specs.Spec) {
			tmpfs("/m")(s)
			fixtures.AddMount(specs.Mount{Destination: "/m", Options: []string{"remount", "ro"}})(s)
		}, "touch /m/x 2>/dev/null || echo denied", "denied"},
		{"later over earlier", func(s *specs.Spec) { bind("/m", src, "bind")(s); tmpfs("/m/sub")(s) }, "cat /m/file; ls /m/sub", "content"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := fixtures.New(t, tt.mount, fixtures.Shell(tt.script), grant("CAP_MKNOD"))
			if err := os.Symlink("/home", c.Rootfs("link")); err != nil {
				t.Fatal(err)
			}
			r := c.Run()
			if r.Code != 0 && r.Stdout == "" {
				t.Fatalf("run: %+v", r)
			}
			want(t, tt.script, r.Stdout, tt.want)
		})
	}
}

// TestPrivateSource binds a directory that the container's root may not enter.
func TestPrivateSource(t *testing.T) {
	src := source(t)
	if err := os.Chmod(src, 0o700); err != nil {
		t.Fatal(err)
	}
	script := fixtures.Shell("stat -c %a /mnt/m; ls /mnt/m 2>/dev/null || echo denied")
	want(t, "directory", output(t, fixtures.WithUserNamespace(100000, 65536), tmpfs("/mnt"), bind("/mnt/m", src, "rbind"), script), "700\ndenied")
}

func TestMountErrors(t *testing.T) {
	tests := []struct {
		name  string
		mount change
		says  string
	}{
		{"missing source", bind("/m", "/none/such", "bind"), "no such file or directory"},
		{"unknown type", fixtures.AddMount(specs.Mount{Destination: "/m", Type: "nonesuchfs", Source: "x"}), "no such device"},
		{"unknown option", tmpfs("/m", "nonesuch=1"), "invalid argument"},
		{"directory over a file", bind("/etc/passwd", "/etc", "bind"), "a directory goes on a directory"},
		{"file over a directory", bind("/etc", "/etc/passwd", "bind"), "a file on a file"},
		{"below a file", tmpfs("/etc/passwd/x"), "not a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			message := refused(t, tt.mount)
			wantIn(t, "message", message, tt.says)
			wantIn(t, "message", message, "plan step")
		})
	}
}

// TestIDMappedMounts shows files of one owner as another's.
func TestIDMappedMounts(t *testing.T) {
	src := source(t)
	if err := os.Chown(src+"/file", 1000, 2000); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(src+"/sub/deep", 1000, 2000); err != nil {
		t.Fatal(err)
	}
	mapped := func(options ...string) change {
		return fixtures.AddMount(specs.Mount{
			Destination: "/m", Type: "bind", Source: src, Options: options,
			UIDMappings: []specs.LinuxIDMapping{{ContainerID: 1000, HostID: 5000, Size: 10}},
			GIDMappings: []specs.LinuxIDMapping{{ContainerID: 2000, HostID: 6000, Size: 10}},
		})
	}
	const script = "stat -c %u:%g /m/file; stat -c %u:%g /m/sub/deep"
	t.Run("idmap", func(t *testing.T) {
		want(t, "owners", output(t, mapped("rbind", "idmap"), fixtures.Shell(script)), "5000:6000\n1000:2000")
	})
	t.Run("ridmap", func(t *testing.T) {
		want(t, "owners", output(t, mapped("rbind", "ridmap"), fixtures.Shell(script)), "5000:6000\n5000:6000")
	})
	t.Run("no word", func(t *testing.T) {
		want(t, "owners", output(t, mapped("bind"), fixtures.Shell("stat -c %u:%g /m/file")), "5000:6000")
	})
	t.Run("in a user namespace", func(t *testing.T) {
		c := fixtures.WithUserNamespace(100000, 65536)
		m := fixtures.AddMount(specs.Mount{Destination: "/mnt", Type: "bind", Source: src, Options: []string{"bind", "idmap"}})
		want(t, "owners", output(t, c, m, fixtures.Shell("stat -c %u:%g /mnt/file")), "1000:2000")
	})
	t.Run("in a user namespace of another", func(t *testing.T) { // whose mappings need not be repeated
		pid := sleeping(t, fixtures.WithUserNamespace(100000, 65536)).State().Pid
		join := fixtures.WithNamespace(specs.UserNamespace, fmt.Sprintf("/proc/%d/ns/user", pid))
		for option, deep := range map[string]string{"idmap": "65534:65534", "ridmap": "1000:2000"} {
			m := fixtures.AddMount(specs.Mount{Destination: "/mnt", Type: "bind", Source: src, Options: []string{"rbind", option}})
			want(t, "owners with "+option, output(t, join, m, fixtures.Shell(strings.ReplaceAll(script, "/m/", "/mnt/"))), "1000:2000\n"+deep)
		}
	})
	if info, err := os.Stat(src + "/file"); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the source is %v, %v", info, err)
	}
}

// TestCgroupMount shows /sys/fs/cgroup in the container, with and without a cgroup namespace.
func TestCgroupMount(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		own := "/sys/fs/cgroup/pids"
		if require.IsCgroupV2() {
			own = "/sys/fs/cgroup"
		}
		// Its own processes are at the root of what it sees: with no namespace by the bind mount of v1.
		script := fixtures.Shell("grep -qx $$ " + own + "/cgroup.procs && echo own; mkdir " + own + "/x 2>/dev/null || echo read-only")
		t.Run("namespace", func(t *testing.T) {
			want(t, "cgroup", output(t, script, fixtures.WithNamespace(specs.CgroupNamespace, "")), "own\nread-only")
		})
		t.Run("writable", func(t *testing.T) {
			got := output(t, fixtures.WithNamespace(specs.CgroupNamespace, ""), func(s *specs.Spec) {
				s.Mounts[len(s.Mounts)-1].Options = []string{"nosuid", "noexec", "nodev", "rw"}
			}, fixtures.Shell("mkdir "+own+"/x && echo made && rmdir "+own+"/x"))
			want(t, "cgroup", got, "made")
		})
		t.Run("user namespace", func(t *testing.T) {
			got := output(t, fixtures.WithNamespace(specs.CgroupNamespace, ""), fixtures.WithUserNamespace(100000, 65536), script)
			want(t, "cgroup", got, "own\nread-only")
		})
		if require.IsCgroupV2() {
			t.Run("namespace of the host, with a user namespace", func(t *testing.T) {
				for _, kind := range []string{"cgroup", "cgroup2"} {
					got := output(t, fixtures.WithNamespace(specs.CgroupNamespace, "/proc/self/ns/cgroup"), fixtures.WithUserNamespace(100000, 65536),
						func(s *specs.Spec) { s.Mounts[len(s.Mounts)-1].Type = kind }, script)
					want(t, kind, got, "own\nread-only")
				}
			})
			t.Run("no namespace", func(t *testing.T) {
				before := hierarchyOptions(t)
				if !strings.Contains(before, "memory_recursiveprot") { // systemd has it; without the memory controller it does nothing
					remount := func(options string) {
						if err := unix.Mount("", "/sys/fs/cgroup", "", unix.MS_REMOUNT, options); err != nil {
							t.Errorf("mount -o remount,%s /sys/fs/cgroup: %v", options, err)
						}
					}
					remount("memory_recursiveprot")
					t.Cleanup(func() { remount("") })
					before = hierarchyOptions(t)
				}
				want(t, "cgroup", output(t, script), "read-only")
				want(t, "options of the host's hierarchy", hierarchyOptions(t), before)
			})
		} else {
			t.Run("no namespace", func(t *testing.T) {
				want(t, "cgroup", output(t, script), "own\nread-only")
			})
			t.Run("links", func(t *testing.T) {
				got := output(t, fixtures.Shell("ls /sys/fs/cgroup | tr '\\n' ' '; touch /sys/fs/cgroup/x 2>/dev/null || echo read-only"))
				wantIn(t, "cgroup", got, "memory")
				wantIn(t, "cgroup", got, "systemd")
				wantIn(t, "cgroup", got, "read-only")
			})
		}
	})
}

// hierarchyOptions returns the options of the unified hierarchy, which all mounts of it share.
func hierarchyOptions(t *testing.T) string {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if mount, super, ok := strings.Cut(line, " - cgroup2 "); ok && strings.Contains(mount, " /sys/fs/cgroup ") {
			return super
		}
	}
	t.Fatal("no cgroup2 on /sys/fs/cgroup")
	return ""
}

// TestMountOrder: mountinfo lists the mounts in the order of the configuration, whatever is bound among them.
func TestMountOrder(t *testing.T) {
	src := source(t)
	got := output(t, tmpfs("/mnt/a"), bind("/mnt/b", src, "rbind"), tmpfs("/mnt/c"), bind("/mnt/d", src, "bind"), tmpfs("/mnt/e"),
		fixtures.Shell(`awk '$5 ~ "^/mnt/.$" { printf "%s", $5 }' /proc/self/mountinfo`))
	want(t, "order", got, "/mnt/a/mnt/b/mnt/c/mnt/d/mnt/e")
}

// TestBindRoot binds the host's /, by name and through a symlink; the container's own tree, which lies over / while that is
// done, is not in the way, nor is one that was mounted on the container's / afterwards.
func TestBindRoot(t *testing.T) {
	src := source(t)
	if err := os.Symlink("/", filepath.Join(src, "root")); err != nil {
		t.Fatal(err)
	}
	other := fixtures.New(t)
	script := fixtures.Shell("cat /mnt/host" + src + "/file /mnt/host" + src + "/sub/deep")
	for _, name := range []string{"/", filepath.Join(src, "root")} {
		want(t, "bind of "+name, output(t, bind("/mnt/host", name, "rbind", "rslave"), script), "content\ndeep")
		got := output(t, bind("/", other.Rootfs(""), "bind"), bind("/mnt/host", name, "rbind", "rslave"), script)
		want(t, "bind of "+name+" below another /", got, "content\ndeep")
	}
}
