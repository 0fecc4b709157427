package lifecycle

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
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

// TestHookStopped: a signal to a command whose hook hangs ends the hook with all that it started, and undoes what a
// hook that failed would. The process group is what Ctrl-C reaches.
func TestHookStopped(t *testing.T) {
	require.Root(t)
	in := func(h *specs.Hooks, group string, list []specs.Hook) {
		switch group {
		case "createRuntime":
			h.CreateRuntime = list
		case "createContainer":
			h.CreateContainer = list
		case "startContainer":
			h.StartContainer = list
		case "poststart":
			h.Poststart = list
		}
	}
	tests := []struct {
		command, group string
		signal         unix.Signal
	}{
		{"run", "createRuntime", unix.SIGINT}, {"run", "createContainer", unix.SIGTERM},
		{"run", "startContainer", unix.SIGQUIT}, {"run", "poststart", unix.SIGHUP},
		{"run --detach", "createRuntime", unix.SIGTERM}, {"run --detach", "poststart", unix.SIGINT},
		{"create", "createRuntime", unix.SIGHUP}, {"create", "createContainer", unix.SIGINT},
		{"start", "startContainer", unix.SIGINT}, {"start", "poststart", unix.SIGTERM},
	}
	for _, tt := range tests {
		for _, group := range []bool{false, true} {
			name := tt.command + " " + tt.group
			if group {
				name += " to the group"
			}
			t.Run(name, func(t *testing.T) {
				c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"))
				pids, stopped := c.Rootfs("tmp/hook"), filepath.Join(filepath.Dir(c.Bundle), "stopped")
				c.Spec.Hooks = &specs.Hooks{Poststop: outsideHook("sleep 0.1; echo >" + stopped)}
				script := "trap '' INT TERM HUP QUIT; sleep 300 & cut -d' ' -f4,5 /proc/self/stat >" + pids + "; wait"
				hook := outsideHook(script)
				if tt.group == "startContainer" {
					hook = insideHook("trap '' INT TERM HUP QUIT; sleep 300 & echo inside >/tmp/hook; wait")
				}
				in(c.Spec.Hooks, tt.group, hook)
				c.Write()
				args := append(strings.Fields(tt.command), "--bundle", c.Bundle, c.ID)
				if tt.command == "start" {
					c.Create()
					args = []string{"start", c.ID}
				}
				r := interrupted(t, c, args, tt.signal, group, pids)
				if r.Code != 1 {
					t.Errorf("exit code %d", r.Code)
				}
				wantIn(t, "the error", plain(r.Stderr), "run "+tt.group+` hook #0 "/bin/sh": stopped by a signal to this command`)
				if tt.command == "start" {
					c.WaitStatus(specs.StateStopped)
					c.Must("delete", c.ID)
				}
				if left := c.WaitClean(); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
				if _, err := os.Stat(stopped); err != nil {
					t.Errorf("poststop did not run: %v", err)
				}
				goneGroup(t, pids)
			})
		}
	}
}

// interrupted starts a command in a process group of its own, signals it twice, as timeout(1) does, once its hook runs,
// and returns its end.
func interrupted(t *testing.T, c *fixtures.Container, args []string, s unix.Signal, group bool, running string) fixtures.Result {
	t.Helper()
	errOut, err := os.Create(filepath.Join(filepath.Dir(c.Bundle), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer errOut.Close()
	// Who runs the tests may ignore some (nohup), and the command would then: what has a handler here has the default there.
	handled := make(chan os.Signal, 1)
	signal.Notify(handled, s)
	defer signal.Stop(handled)
	cmd := c.Cmd(args...)
	cmd.Stderr, cmd.SysProcAttr = errOut, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	eventually(t, "the hook runs", func() bool { text, _ := os.ReadFile(running); return len(text) > 0 })
	pid := cmd.Process.Pid
	if group {
		pid = -pid
	}
	for range 2 {
		if err := unix.Kill(pid, s); err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	err = cmd.Wait()
	text, readErr := os.ReadFile(errOut.Name())
	if readErr != nil {
		t.Fatal(readErr)
	}
	return fixtures.Result{Code: cmd.ProcessState.ExitCode(), Err: err, Stderr: string(text)}
}

// goneGroup looks for what is left of a process group that a hook outside of the container's namespaces told of. Inside,
// the PID namespace ends with the container.
func goneGroup(t *testing.T, file string) {
	t.Helper()
	text, _ := os.ReadFile(file)
	fields := strings.Fields(string(text))
	if len(fields) != 2 {
		return
	}
	group, err := strconv.Atoi(fields[1])
	if err != nil || group <= 1 {
		return
	}
	// Zombies count as gone: whoever they came to reaps them.
	eventually(t, "the hook's processes are gone", func() bool {
		return exec.Command("pgrep", "-r", "R,S,D,T,I", "-g", strconv.Itoa(group)).Run() != nil
	})
}

// TestSecondBoot: signals to a booted system are received otherwise than an application's, but not while it is made once
// more: a hook that hangs then can be stopped, and what comes later reaches the system.
func TestSecondBoot(t *testing.T) {
	require.Root(t)
	for name, tt := range map[string]struct{ hook, says string }{
		"a hook hangs":    {"echo >$0; sleep 300", `run createRuntime hook #0 "/bin/sh": stopped by a signal to this command`},
		"the system runs": {":", "terminated by signal KILL"}, // by the second SIGTERM
	} {
		t.Run(name, func(t *testing.T) {
			c := fixtures.New(t, fixtures.Args("/sbin/init"), grant("CAP_SYS_BOOT", "CAP_KILL"), func(s *specs.Spec) {
				s.Annotations = map[string]string{"io.gspawn.boot": "yes"}
			})
			if err := os.MkdirAll(c.Rootfs("sbin"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("../bin/busybox", c.Rootfs("sbin/init")); err != nil {
				t.Fatal(err)
			}
			once := "if [ -e /tmp/booted ]; then echo >/tmp/second; else touch /tmp/booted; busybox reboot -f; fi"
			if err := os.WriteFile(c.Rootfs("etc/inittab"), []byte("::once:/bin/sh -c '"+once+"'\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			hook := outsideHook("if [ -e " + c.Rootfs("tmp/booted") + " ]; then " + tt.hook + "; fi")
			hook[0].Args = append(hook[0].Args, c.Rootfs("tmp/second"))
			c.Spec.Hooks = &specs.Hooks{CreateRuntime: hook}
			c.Write()
			r := interrupted(t, c, []string{"run", "--bundle", c.Bundle, c.ID}, unix.SIGTERM, false, c.Rootfs("tmp/second"))
			wantIn(t, "the error", plain(r.Stderr), tt.says)
			if r.Code != 1 {
				t.Errorf("exit code %d", r.Code)
			}
			if left := c.WaitClean(); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}
