//go:build boot

package boot

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// consoleSystem is a busybox system with a shell on its console.
func consoleSystem(t *testing.T) *fixtures.Container {
	t.Helper()
	c, root := newSystem(t, "busybox", false)
	inittab, err := os.ReadFile(root + "/etc/inittab")
	if err == nil {
		err = os.WriteFile(root+"/etc/inittab", append(inittab, "\n::respawn:-/bin/sh\n"...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// onConsole starts it in the foreground of a terminal, and waits for the shell.
func onConsole(t *testing.T, flags ...string) *terminal {
	t.Helper()
	p := openTerminal(t, consoleSystem(t))
	p.run(false, flags...)
	p.see("# ")
	return p
}

const escape = "\x1d"

// TestConsole is a session at the console of a system: banner, sizes, and the terminal after each way that it ends.
func TestConsole(t *testing.T) {
	require.Root(t)
	t.Run("banner and size", func(t *testing.T) {
		p := onConsole(t)
		p.see("Spawning container " + p.c.ID + " on ")
		p.see("Press Ctrl-] three times within 1s to kill container.")
		p.typed("stty size; tty\n")
		p.see("44 99")
		p.see("/dev/")
		p.resize(30, 70)
		p.typed("sleep 0.3; stty size\n")
		p.see("30 70")
		if !p.raw() {
			t.Error("the terminal is not raw")
		}
	})
	pid := func(p *terminal) int { return p.c.State().Pid }
	for _, c := range []struct {
		name string
		end  func(t *testing.T, p *terminal)
		code int
		says string
	}{
		{"escape", func(_ *testing.T, p *terminal) { p.typed(escape + escape + escape) }, 1, "terminated by signal KILL"},
		{"poweroff inside", func(_ *testing.T, p *terminal) { p.typed("poweroff\n") }, 0, ""},
		{"SIGTERM", func(_ *testing.T, p *terminal) { _ = p.cmd.Process.Signal(syscall.SIGTERM) }, 0, ""},
		{"the init is killed", func(_ *testing.T, p *terminal) { _ = unix.Kill(pid(p), unix.SIGKILL) }, 137, "the init of the system crashed"},
		{"slow escape is none", func(t *testing.T, p *terminal) {
			for range 4 {
				p.typed(escape)
				time.Sleep(600 * time.Millisecond)
			}
			if p.ended() {
				t.Error("it ended")
			}
			p.typed("\npoweroff\n")
		}, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := onConsole(t)
			c.end(t, p)
			if code := p.code(); code != c.code {
				t.Errorf("exit code %d, want %d: %q", code, c.code, p.text())
			}
			p.see(c.says)
			p.sane()
		})
	}
	t.Run("the terminal is closed", func(t *testing.T) {
		p := onConsole(t)
		p.slave.Close()
		p.master.Close()
		if code := p.code(); code != 0 {
			t.Errorf("exit code %d, want 0, a shutdown", code)
		}
	})
}

// TestConsoleModes: what is not interactive takes no input, what is passive prints nothing, and a pipe is no console.
func TestConsoleModes(t *testing.T) {
	require.Root(t)
	up := func(p *terminal) {
		if _, ok := within(30*time.Second, func() bool { return bundled{p.c}.exec(up["busybox"]...).code == 0 }); !ok {
			p.t.Fatal("it does not come up")
		}
	}
	const mark = "ma''rk"
	for _, c := range []struct {
		mode            string
		prompt, console bool
	}{{"read-only", true, true}, {"passive", false, true}, {"pipe", true, false}} {
		t.Run(c.mode, func(t *testing.T) {
			p := openTerminal(t, consoleSystem(t))
			p.run(false, "--console="+c.mode)
			up(p)
			if c.prompt && c.console {
				p.see("# ")
			}
			if c.console { // else the terminal is the system's own
				if p.raw() {
					t.Error("the terminal is raw")
				}
				p.typed("echo " + mark + "\n" + escape + escape + escape)
				time.Sleep(300 * time.Millisecond)
				if strings.Contains(p.text(), "\nmark") || p.ended() {
					t.Errorf("input came through: %q", p.text())
				}
			}
			if c.mode == "passive" && strings.Contains(p.text(), "# ") {
				t.Errorf("output came through: %q", p.text())
			}
			if got := (bundled{p.c}).exec("/bin/sh", "-c", "test -c /dev/console").code == 0; got != c.console {
				t.Errorf("/dev/console is there: %t", got)
			}
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
			if code := p.code(); code != 0 {
				t.Errorf("exit code %d: %q", code, p.text())
			}
			if c.console {
				p.sane()
			}
		})
	}
}

// TestConsoleInBackground: job control stops what wants the terminal from the background, and it costs nothing then; in
// the foreground it goes on.
func TestConsoleInBackground(t *testing.T) {
	require.Root(t)
	for _, c := range []struct {
		name string
		make func(t *testing.T) *fixtures.Container
	}{
		{"system", consoleSystem},
		{"application", func(t *testing.T) *fixtures.Container {
			return fixtures.New(t, fixtures.Args("/bin/sh"), func(s *specs.Spec) { s.Process.Terminal = true })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := openTerminal(t, c.make(t))
			p.run(true)
			job := 0
			if _, ok := within(20*time.Second, func() bool {
				job = child(p.cmd.Process.Pid)
				return job > 0 && processState(job) == "T"
			}); !ok {
				t.Fatalf("the job %d in the background is in state %q, not stopped; it has used %d ticks", job, processState(job), ticks(job))
			}
			used := ticks(job)
			time.Sleep(300 * time.Millisecond)
			if more := ticks(job) - used; more != 0 {
				t.Errorf("it uses the processor: %d ticks in 0.3 s", more)
			}
			p.foreground(1)
			p.see("# ")
			p.typed("echo for''eground\n")
			p.see("\nforeground")
			// Ctrl-Z is the container's; a signal stops it, and the shell takes its terminal back meanwhile.
			_ = unix.Kill(job, unix.SIGTSTP)
			if _, ok := within(5*time.Second, func() bool { return processState(job) == "T" }); !ok {
				t.Fatalf("SIGTSTP leaves it in state %q", processState(job))
			}
			if err := unix.IoctlSetTermios(int(p.slave.Fd()), unix.TCSETS, &p.before); err != nil {
				t.Fatal(err)
			}
			p.foreground(2)
			if _, ok := within(5*time.Second, p.raw); !ok {
				t.Error("the terminal is not raw again")
			}
			p.typed("echo ag''ain\n")
			p.see("\nagain")
			if c.name == "system" {
				p.typed("poweroff\n")
			} else {
				p.typed("exit\n")
			}
			if code := p.code(); code != 0 {
				t.Errorf("exit code %d: %q", code, p.text())
			}
			p.sane()
		})
	}
}

// child is the first child of a process, 0 for none.
func child(pid int) int {
	raw, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
	if fields := strings.Fields(string(raw)); len(fields) > 0 {
		n, _ := strconv.Atoi(fields[0])
		return n
	}
	return 0
}

// stat gives the fields of proc_pid_stat(5) from the third on.
func stat(pid int) []string {
	raw, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(raw), ") ")
	return strings.Fields(rest)
}

func processState(pid int) string {
	if f := stat(pid); len(f) > 0 {
		return f[0]
	}
	return ""
}

func ticks(pid int) int {
	f := stat(pid)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	kernel, _ := strconv.Atoi(f[12])
	return user + kernel
}
