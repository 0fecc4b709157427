package hostile

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestRace has a neighbour who shares a volume with the container exchange a directory of it for a symlink that leads
// out, as fast as he can, while the runtime mounts below it (the way of CVE-2021-30465).
func TestRace(t *testing.T) {
	o := newOutside(t)
	runs := 100
	if testing.Short() {
		runs = 20
	}
	const mounts = 12
	c := fixtures.New(t, fixtures.Shell("cat /volume/swap/secret /volume/swap/dir/file; echo changed >/volume/swap/file; true"), func(s *specs.Spec) {
		for i := range mounts {
			m := specs.Mount{Destination: "/volume/swap/new" + strconv.Itoa(i) + "/below", Type: "tmpfs", Source: "tmpfs"}
			if i%2 == 0 {
				m = specs.Mount{Destination: "/volume/swap/file" + strconv.Itoa(i), Type: "bind", Source: "/etc/hostname", Options: []string{"bind"}}
			}
			s.Mounts = append(s.Mounts, m)
		}
		s.Linux.MaskedPaths = append(s.Linux.MaskedPaths, "/volume/swap/dir", "/volume/swap/file")
		s.Linux.ReadonlyPaths = append(s.Linux.ReadonlyPaths, "/volume/swap/dir")
		s.Linux.Devices = []specs.LinuxDevice{{Path: "/volume/swap/null", Type: "c", Major: 1, Minor: 3}}
		s.Process.Cwd = "/volume/swap/cwd"
	})
	must(t, os.MkdirAll(c.Rootfs("volume/swap"), 0o755))
	must(t, os.Symlink(o.dir, c.Rootfs("volume/link")))
	stop := swap(t, c.Rootfs("volume/swap"), c.Rootfs("volume/link"))
	done := 0
	for range runs {
		r := c.Run()
		if strings.Contains(r.Stdout, secret) {
			t.Errorf("the container sees the host's file: %s", r.Stdout)
		}
		if r.Code == 0 {
			done++
		}
	}
	stop()
	t.Logf("%d of %d runs came to their end", done, runs)
	o.check()
	if left := c.WaitClean(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// swap exchanges two names until the function that it returns is called.
func swap(t *testing.T, a, b string) (stop func()) {
	t.Helper()
	require.Root(t)
	quit := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		for n := 0; ; n++ {
			if n%16 == 0 {
				select {
				case <-quit:
					return
				default:
				}
			}
			_ = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
		}
	})
	return func() { close(quit); done.Wait() }
}
