//go:build engines

package engines

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// commandTimeout ends an engine's command that hangs.
const commandTimeout = 60 * time.Second

// answer is how an engine's command ended.
type answer struct {
	out  string // stdout; with a terminal, all that it showed, carriage returns removed
	err  string
	code int
}

// command runs an engine's command line with more environment.
type command struct {
	argv []string
	env  []string
}

func (c command) cmd(ctx context.Context, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.argv[0], append(append([]string{}, c.argv[1:]...), args...)...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.WaitDelay = 2 * time.Second // a detached process may keep the pipe
	return cmd
}

// do runs to the end and gives whatever came of it.
func (c command) do(t *testing.T, args ...string) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := c.cmd(ctx, args)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%v: no end within %v\nstdout: %s\nstderr: %s", args, commandTimeout, out.String(), errOut.String())
	}
	if cmd.ProcessState == nil {
		t.Fatalf("%v: %v", args, err)
	}
	return answer{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}

// must is do for a command that has to succeed; it returns stdout without the last newline.
func (c command) must(t *testing.T, args ...string) string {
	t.Helper()
	a := c.do(t, args...)
	if a.code != 0 {
		t.Fatalf("%s %v: exit code %d\nstdout: %s\nstderr: %s", c.argv[0], args, a.code, a.out, a.err)
	}
	return strings.TrimRight(a.out, "\n")
}

// onTerminal runs the command with a new pseudo terminal of 33 rows and 99 columns as its controlling terminal, types
// input into it, and gives what was shown.
func (c command) onTerminal(t *testing.T, input string, args ...string) answer {
	t.Helper()
	master, slave := openTerminal(t)
	defer master.Close()
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := c.cmd(ctx, args)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	shown := make(chan string, 1)
	go func() {
		var b bytes.Buffer
		_, _ = io.Copy(&b, master) // ends with EIO when the last slave is closed
		shown <- strings.ReplaceAll(b.String(), "\r", "")
	}()
	if input != "" {
		time.Sleep(500 * time.Millisecond) // what is typed before the client sets its terminal raw would be echoed twice
		if _, err := io.WriteString(master, input); err != nil {
			t.Error(err)
		}
	}
	_ = cmd.Wait()
	if ctx.Err() != nil {
		t.Errorf("%v on a terminal: no end within %v", args, commandTimeout)
	}
	select {
	case out := <-shown:
		return answer{out: out, code: cmd.ProcessState.ExitCode()}
	case <-time.After(5 * time.Second):
		t.Fatalf("%v: the terminal is still open after its end", args)
	}
	return answer{}
}

// showSize waits until an engine has passed the terminal's size on, which it does some time after the start, prints it,
// and exits with 5; with 6 when it never comes.
const showSize = "for i in $(seq 60); do stty size 2>/dev/null | grep -x '33 99' && exit 5; usleep 50000; done; exit 6\n"

// openTerminal opens a pseudo terminal pair (pty(7)).
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 99}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// eventually polls until the condition holds, for ten seconds at most.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 200 {
		if holds() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("not within ten seconds: %s", what)
}
