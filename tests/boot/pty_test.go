//go:build boot

package boot

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
)

// terminal is a person's: a pty, whose session a shell leads that only starts `run`, with job control.
type terminal struct {
	t             *testing.T
	c             *fixtures.Container
	master, slave *os.File
	cmd           *exec.Cmd
	before        unix.Termios
	lock          sync.Mutex
	seen          bytes.Buffer
	end           chan struct{}
	shell         string // directory of its files
}

const rows, columns = 44, 99

// openTerminal makes the pty and reads what is printed on it.
func openTerminal(t *testing.T, c *fixtures.Container) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &terminal{t: t, c: c, master: os.NewFile(uintptr(fd), "master"), end: make(chan struct{})}
	t.Cleanup(func() { p.master.Close() })
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		p.slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.slave.Close() })
	p.resize(rows, columns)
	p.before = p.termios()
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := p.master.Read(buffer)
			if err != nil {
				return
			}
			p.lock.Lock()
			p.seen.Write(buffer[:n])
			p.lock.Unlock()
		}
	}()
	return p
}

// jobs is a shell with job control: it starts a job in the background, and types fg when a file appears, twice.
const jobs = `set -m
"$@" &
for n in 1 2; do
	until [ -e "$FG/$n" ]; do sleep 0.05; done
	fg %1 >/dev/null
done`

// foreground has the shell type fg, for the first or second time.
func (p *terminal) foreground(n int) {
	p.t.Helper()
	if err := os.WriteFile(p.shell+"/"+strconv.Itoa(n), nil, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// run starts `run` on the terminal, in the foreground or the background of the session.
func (p *terminal) run(background bool, flags ...string) {
	p.t.Helper()
	args := append([]string{"run"}, flags...)
	p.cmd = p.c.Cmd(append(args, "--bundle", p.c.Bundle, p.c.ID)...)
	if background {
		p.shell = p.t.TempDir()
		shell := exec.Command("/bin/sh", append([]string{"-c", jobs, "sh"}, p.cmd.Args...)...)
		shell.Dir, shell.Env = p.cmd.Dir, append(p.cmd.Env, "FG="+p.shell)
		p.cmd = shell
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = p.slave, p.slave, p.slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.end) }()
	p.t.Cleanup(func() {
		if !p.ended() {
			_ = p.cmd.Process.Kill()
			<-p.end
		}
	})
}

func (p *terminal) ended() bool {
	select {
	case <-p.end:
		return true
	default:
		return false
	}
}

func (p *terminal) code() int {
	p.t.Helper()
	if _, ok := within(40*time.Second, p.ended); !ok {
		p.t.Fatalf("run does not end; on the terminal: %q", p.text())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *terminal) text() string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.seen.String()
}

func (p *terminal) see(text string) {
	p.t.Helper()
	if _, ok := within(40*time.Second, func() bool { return strings.Contains(p.text(), text) }); !ok {
		p.t.Fatalf("no %q on the terminal: %q", text, p.text())
	}
}

func (p *terminal) typed(keys string) {
	p.t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

func (p *terminal) resize(rows, columns uint16) {
	p.t.Helper()
	raw, err := p.master.SyscallConn()
	if err != nil {
		p.t.Fatal(err)
	}
	_ = raw.Control(func(fd uintptr) {
		err = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns})
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *terminal) termios() unix.Termios {
	p.t.Helper()
	state, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	return *state
}

func (p *terminal) raw() bool { return p.termios() != p.before }

// sane checks that the terminal is as it was before.
func (p *terminal) sane() {
	p.t.Helper()
	if after := p.termios(); after != p.before {
		p.t.Errorf("the terminal is left as %+v, it was %+v", after, p.before)
	}
}
