package hostile

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestCVE_2019_16884: an image with a symlink, or a volume, at /proc, so that labels and masks are written to a fake.
func TestCVE_2019_16884(t *testing.T) {
	o := newOutside(t)
	for _, target := range append(o.targets("dir"), "tmp", "/tmp", "../tmp") {
		c := fixtures.New(t, script("/proc"))
		replace(t, c, "proc", target)
		refuse(t, c, "/proc must be a directory and no symlink")
		o.check()
	}
	t.Run("volume over proc", func(t *testing.T) {
		c := fixtures.New(t, fixtures.AddMount(specs.Mount{Destination: "/proc", Type: "bind", Source: o.dir, Options: []string{"bind"}}))
		if r := tryRun(t, c); r.Code == 0 {
			t.Log("a bind mount over /proc is allowed")
		}
		o.check()
	})
}

// TestCVE_2019_19921: the same by a symlink in the middle, and for /sys.
func TestCVE_2019_19921(t *testing.T) {
	o := newOutside(t)
	for _, name := range []string{"sys", "proc"} {
		for _, target := range append(o.targets("dir"), "/proc/self/root", "/") {
			c := fixtures.New(t, script("/"+name))
			replace(t, c, name, target)
			refuse(t, c, "/"+name+" must be a directory and no symlink")
			o.check()
		}
	}
}

// TestCVE_2023_27561 is the regression of CVE-2019-19921: /proc as a symlink to a directory of the image, with the
// masked paths then under the wrong tree.
func TestCVE_2023_27561(t *testing.T) {
	o := newOutside(t)
	c := fixtures.New(t)
	must(t, os.MkdirAll(c.Rootfs("tmp/proc/self/attr"), 0o755))
	replace(t, c, "proc", "tmp/proc")
	refuse(t, c, "/proc must be a directory and no symlink")
	o.check()
}

// TestCVE_2023_28642: /proc a symlink with the mount of it bypassing LSM labels.
func TestCVE_2023_28642(t *testing.T) {
	o := newOutside(t)
	c := fixtures.New(t, func(s *specs.Spec) { s.Mounts[0].Destination = "/link/proc" })
	must(t, os.MkdirAll(c.Rootfs("fake/proc"), 0o755))
	replace(t, c, "link", "/fake")
	replace(t, c, "proc", "/fake/proc")
	tryRun(t, c)
	o.check()
}

// TestCVE_2021_30465: mount destinations that an image's symlinks lead out, absolutely and upwards.
func TestCVE_2021_30465(t *testing.T) {
	o := newOutside(t)
	for _, target := range o.targets("dir") {
		for _, m := range []specs.Mount{
			{Destination: "/link", Type: "tmpfs", Source: "tmpfs"},
			{Destination: "/link/below", Type: "tmpfs", Source: "tmpfs"},
			{Destination: "/link/file", Type: "bind", Source: "/etc/hostname", Options: []string{"bind"}},
			{Destination: "/link/../../escape", Type: "tmpfs", Source: "tmpfs"},
			{Destination: "link", Type: "bind", Source: "/etc", Options: []string{"rbind", "ro"}},
			{Destination: "../../../../../../link", Type: "tmpfs", Source: "tmpfs"},
		} {
			c := fixtures.New(t, script("/link"), fixtures.AddMount(m))
			replace(t, c, "link", target)
			tryRun(t, c)
			o.check()
		}
	}
}

// TestCVE_2024_21626: a working directory that is one of the runtime's descriptors, of create and of exec.
func TestCVE_2024_21626(t *testing.T) {
	require.Root(t)
	o := newOutside(t)
	running := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
	running.Create()
	running.Start()
	c := fixtures.New(t)
	for fd := 3; fd < 24; fd++ {
		for _, dir := range []string{"/proc/self/fd/", "/proc/1/fd/", "/proc/thread-self/fd/", "/dev/fd/"} {
			if dir != "/proc/self/fd/" && fd > 8 {
				continue
			}
			cwd := dir + strconv.Itoa(fd)
			c.Spec.Process.Cwd = cwd
			c.Spec.Process.Args = []string{"/bin/sh", "-c", "pwd; ls ../../../../../../../../" + filepath.Join(o.dir, "secret")}
			c.Write()
			if r := tryRun(t, c); r.Code == 0 {
				t.Errorf("cwd %s: the container runs:\n%s", cwd, r.Stdout)
			}
			r := running.Do("exec", "--cwd", cwd, running.ID, "/bin/sh", "-c", "pwd; ls ../../../../../../../../"+filepath.Join(o.dir, "secret"))
			if r.Code == 0 || !strings.Contains(r.Stderr, "level=error") {
				t.Errorf("exec with cwd %s: %+v", cwd, r)
			}
		}
	}
	for _, target := range append(o.targets("dir"), "/proc/self/fd/7", "/proc/self/cwd") {
		c := fixtures.New(t, fixtures.Shell("pwd; cat file || true"), func(s *specs.Spec) { s.Process.Cwd = "/link" })
		replace(t, c, "link", target)
		tryRun(t, c)
		o.check()
	}
}

// TestCVE_2024_45310: empty files and directories that are made on the host for a mount's destination.
func TestCVE_2024_45310(t *testing.T) {
	o := newOutside(t)
	for _, name := range []string{"new", "dir/new", "dir/a/b/c"} {
		for _, target := range o.targets(name) {
			for _, m := range []specs.Mount{
				{Destination: "/link", Type: "tmpfs", Source: "tmpfs"},
				{Destination: "/link", Type: "bind", Source: "/etc/hostname", Options: []string{"bind"}},
				{Destination: "/link/x/y", Type: "bind", Source: "/etc/hostname", Options: []string{"bind"}},
			} {
				c := fixtures.New(t, fixtures.AddMount(m))
				replace(t, c, "link", target)
				tryRun(t, c)
				o.check()
			}
		}
	}
}

// TestCVE_2025_31133: masked paths, with a /dev/null of the image's making under them.
func TestCVE_2025_31133(t *testing.T) {
	o := newOutside(t)
	noDev := func(s *specs.Spec) {
		kept := s.Mounts[:0]
		for _, m := range s.Mounts {
			if !strings.HasPrefix(m.Destination, "/dev") {
				kept = append(kept, m)
			}
		}
		s.Mounts = kept
	}
	masked := func(s *specs.Spec) {
		s.Linux.MaskedPaths = []string{"/proc/kcore", "/proc/sys/kernel/core_pattern", "/link", "/etc/group"}
	}
	for _, target := range append(o.targets("file"), "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger") {
		c := fixtures.New(t, noDev, masked, fixtures.Shell("cat /etc/group /proc/sys/kernel/core_pattern; echo x >/proc/sys/kernel/core_pattern; true"))
		replace(t, c, "dev/null", target)
		replace(t, c, "link", target)
		before, err := os.ReadFile("/proc/sys/kernel/core_pattern")
		must(t, err)
		r := tryRun(t, c)
		if r.Code == 0 && strings.TrimSpace(r.Stdout) != "" {
			t.Errorf("/dev/null is %s: masked files can be read: %q", target, r.Stdout)
		}
		if after, _ := os.ReadFile("/proc/sys/kernel/core_pattern"); string(after) != string(before) {
			must(t, os.WriteFile("/proc/sys/kernel/core_pattern", before, 0o644))
			t.Fatalf("/dev/null is %s: core_pattern was changed to %q", target, after)
		}
		o.check()
	}
	t.Run("masked path is a symlink", func(t *testing.T) {
		for _, target := range append(o.targets("dir"), o.targets("file")...) {
			c := fixtures.New(t, func(s *specs.Spec) {
				s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, "/link")
				s.Linux.ReadonlyPaths = append(s.Linux.ReadonlyPaths, "/link")
			})
			replace(t, c, "link", target)
			tryRun(t, c)
			o.check()
		}
	})
}

// TestCVE_2025_52565: /dev/console and /dev/pts as symlinks, when the terminal is bound on them.
func TestCVE_2025_52565(t *testing.T) {
	o := newOutside(t)
	for _, path := range []string{"dev", "dev/console", "dev/pts", "dev/pts/ptmx", "dev/ptmx", "dev/null"} {
		for _, target := range []string{o.targets("dir")[0], o.targets("console")[1], "/proc/self/fd/5"} {
			c := fixtures.New(t, func(s *specs.Spec) {
				s.Process.Terminal = true
				kept := s.Mounts[:0]
				for _, m := range s.Mounts {
					if m.Destination != "/dev" { // the image's own
						kept = append(kept, m)
					}
				}
				s.Mounts = kept
			}, fixtures.Shell("for p in /dev/console /dev/pts /dev/ptmx; do (echo changed >$p; echo changed >$p/file; cat $p/file) 2>/dev/null; done; true"))
			replace(t, c, path, target)
			tryRun(t, c)
			o.check()
		}
	}
}

// TestCVE_2025_52881: writes to /proc that are redirected, by a mount over it, to another file of it or of the image.
func TestCVE_2025_52881(t *testing.T) {
	o := newOutside(t)
	before, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	must(t, err)
	for _, over := range []string{"/proc/sys/net/ipv4/ping_group_range", "/proc/sys/net/ipv4", "/proc/sys", "/proc/self/attr/exec", "/proc/self"} {
		for _, source := range []string{filepath.Join(o.dir, "file"), "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", o.dir, "/proc/sys/kernel"} {
			c := fixtures.New(t, func(s *specs.Spec) {
				s.Linux.Sysctl = map[string]string{"net.ipv4.ping_group_range": "0 1"}
				s.Linux.ReadonlyPaths = nil
			}, fixtures.AddMount(specs.Mount{Destination: over, Type: "bind", Source: source, Options: []string{"rbind"}}))
			tryRun(t, c)
			if after, _ := os.ReadFile("/proc/sys/kernel/core_pattern"); string(after) != string(before) {
				must(t, os.WriteFile("/proc/sys/kernel/core_pattern", before, 0o644))
				t.Fatalf("%s over %s: core_pattern was changed to %q", source, over, after)
			}
			o.check()
		}
	}
}
