//go:build boot

package boot

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

func stopSignal(text string) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Annotations = map[string]string{"org.opencontainers.image.stopSignal": text}
	}
}

// TestStopSignal stops systems whose bundles name a stop signal as engines write it: they are off and not rebooting, by
// how `run` ends.
func TestStopSignal(t *testing.T) {
	require.Root(t)
	for _, c := range []struct {
		name, tree, annotation string
		signal                 []string
	}{
		{"podman's for systemd", "trixie", "37", nil},
		{"podman's default", "trixie", "15", []string{"15"}},
		{"by name", "trixie", "RTMIN+4", nil},
		{"podman's default for busybox", "busybox", "15", []string{"TERM"}},
		{"podman takes busybox for systemd", "busybox", "37", []string{"37"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			con, root := newSystem(t, c.tree, false, stopSignal(c.annotation))
			f := foregroundOf(t, con)
			f.up(t, c.tree)
			con.Must(append([]string{"kill", con.ID}, c.signal...)...)
			if code := f.code(t); code != 0 {
				t.Errorf("exit code %d: %s", code, f.out.String())
			}
			if c.tree == "trixie" && !stoppedCleanly(root) {
				t.Error("it stopped without shutting its services down")
			}
		})
	}
}

// TestStopSignalUnknown refuses a signal that there is not.
func TestStopSignalUnknown(t *testing.T) {
	require.Root(t)
	con, _ := newSystem(t, "busybox", false, stopSignal("SIGNONE"))
	if r := con.Run(); r.Code != 1 || !strings.Contains(r.Stderr, "SIGNONE") || !strings.Contains(r.Stderr, "stopSignal") {
		t.Errorf("exit code %d: %s", r.Code, r.Stderr)
	}
}

// TestSignalsToRun: what is sent to `run` as a wish to stop ends the system, however early it comes; what comes twice
// kills it, which is no crash.
func TestSignalsToRun(t *testing.T) {
	require.Root(t)
	const terminated = "terminated by signal KILL"
	for _, c := range []struct {
		name, tree string
		early      bool // as soon as it is attended, instead of when it is up
		signals    []syscall.Signal
		code       int
		says       string
	}{
		{"TERM", "trixie", false, []syscall.Signal{syscall.SIGTERM}, 0, ""},
		{"INT", "busybox", false, []syscall.Signal{syscall.SIGINT}, 0, ""},
		{"QUIT", "trixie", false, []syscall.Signal{syscall.SIGQUIT}, 0, ""},
		{"HUP", "trixie", false, []syscall.Signal{syscall.SIGHUP}, 0, ""},
		{"TERM and HUP, as of a service manager", "trixie", false, []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP}, 0, ""},
		{"TERM twice", "trixie", false, []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM}, 1, terminated},
		{"TERM at once", "trixie", true, []syscall.Signal{syscall.SIGTERM}, 0, ""},
		{"TERM at once", "bookworm", true, []syscall.Signal{syscall.SIGTERM}, 0, ""},
		{"TERM at once", "busybox", true, []syscall.Signal{syscall.SIGTERM}, 0, ""},
	} {
		t.Run(c.tree+"/"+c.name, func(t *testing.T) {
			f := runForeground(t, c.tree)
			if !c.early {
				f.up(t, c.tree)
			} else if _, ok := within(10*time.Second, func() bool { return catches(f.cmd.Process.Pid, syscall.SIGCONT) }); !ok {
				t.Fatal("it is not attended")
			}
			for _, s := range c.signals {
				if err := f.cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Millisecond) // two of a kind would be one
			}
			if _, ok := within(30*time.Second, f.ended); !ok {
				t.Fatal("it does not end")
			}
			if code := f.code(t); code != c.code || !strings.Contains(f.out.String(), c.says) || strings.Contains(f.out.String(), "crashed") {
				t.Errorf("exit code %d, want %d; it says %s", code, c.code, f.out.String())
			}
		})
	}
}

// catches says whether a process has a handler for a signal, by proc(5); Go has one for SIGCONT only where it is asked for.
func catches(pid int, signal syscall.Signal) bool {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(raw), "SigCgt:\t")
	mask, _, _ := strings.Cut(rest, "\n")
	bits, err := strconv.ParseUint(mask, 16, 64)
	return err == nil && bits&(1<<(signal-1)) != 0
}

// TestPodmanStop: what podman stops as it stops anything powers off, by the words of its init.
func TestPodmanStop(t *testing.T) {
	require.Root(t)
	s, _ := startByPodman(t, "busybox", false)
	if _, ok := within(30*time.Second, func() bool { return s.exec(up["busybox"]...).code == 0 }); !ok {
		t.Fatal("did not come up")
	}
	e := s.(engine)
	if a := e.stop(); a.code != 0 {
		t.Fatal(a)
	}
	logs := append(slices.Clone(e.end[:slices.Index(e.end, "stop")]), "logs", e.end[len(e.end)-1])
	if a := do(e.env, logs...); !strings.Contains(a.out+a.err, "poweroff") {
		t.Errorf("busybox does not say that it powers off: %v", a)
	}
}

// TestStopBetweenBoots: who asks for the stop of a system that reboots is heard while there is none.
func TestStopBetweenBoots(t *testing.T) {
	require.Root(t)
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			meeting := t.TempDir()
			c := fixtures.New(t, demandBoot, fixtures.Args("/sbin/init"), func(s *specs.Spec) {
				boot := []string{"CAP_SYS_BOOT"}
				s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: boot, Permitted: boot, Effective: boot}
				wait := "touch " + meeting + "/hook; until [ -e " + meeting + "/go ]; do sleep 0.02; done"
				s.Hooks = &specs.Hooks{Poststop: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", wait}}}}
			})
			if err := os.MkdirAll(c.Rootfs("sbin"), 0o755); err != nil {
				t.Fatal(err)
			}
			const script = "#!/bin/sh\n# s6-linux-init\necho boot >>/boots\n[ $(grep -c boot /boots) = 1 ] || exit 9\nbusybox reboot -f\nexit 8\n"
			if err := os.WriteFile(c.Rootfs("sbin/init"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			f := foregroundOf(t, c)
			if _, ok := within(20*time.Second, func() bool {
				_, err := os.Stat(meeting + "/hook")
				return err == nil || f.ended()
			}); !ok || f.ended() {
				t.Fatalf("it does not reboot: %s", f.out.String())
			}
			if err := f.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(meeting+"/go", nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if code := f.code(t); code != 0 {
				t.Errorf("exit code %d, want 0: %s", code, f.out.String())
			}
			if boots, _ := os.ReadFile(c.Rootfs("boots")); string(boots) != "boot\n" {
				t.Errorf("it booted again: %q", boots)
			}
		})
	}
}
