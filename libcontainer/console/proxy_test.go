package console

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// session is the terminal of the one who calls the runtime: keyboard is what it
// types on and sees, tty what the runtime has.
type session struct {
	keyboard, tty *os.File
	slave         *os.File // in the container
	proxy         *Proxy
}

func begin(t *testing.T, o Options) *session {
	t.Helper()
	s := &session{}
	s.keyboard, s.tty = openPty(t)
	size(t, s.tty, 40, 100)
	master, slave := openPty(t)
	s.slave = slave
	own, err := unix.FcntlInt(master.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	master.Close()
	if s.proxy, err = Start(own, s.tty, s.tty, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.proxy.Close()
		ended(t, s.proxy)
	})
	return s
}

func ended(t *testing.T, p *Proxy) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second):
		t.Error("the proxy goes on after its end")
	}
}

func size(t *testing.T, f *os.File, rows, cols uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(f.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols}); err != nil {
		t.Fatal(err)
	}
}

func wantSize(t *testing.T, f *os.File, rows, cols uint16) {
	t.Helper()
	w, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		t.Fatal(err)
	}
	if w.Row != rows || w.Col != cols {
		t.Errorf("size %dx%d, want %dx%d", w.Row, w.Col, rows, cols)
	}
}

func flags(t *testing.T, f *os.File) uint32 {
	t.Helper()
	a, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return a.Lflag
}

// expect reads f until it has seen want.
func expect(t *testing.T, f *os.File, want string) {
	t.Helper()
	var got []byte
	b := make([]byte, 4096)
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(string(got), want); {
		fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
		if n, _ := unix.Poll(fds, 100); n == 1 {
			n, err := unix.Read(int(f.Fd()), b)
			if err != nil {
				t.Fatalf("read %q, then %v, want %q", got, err, want)
			}
			got = append(got, b[:n]...)
		}
		if time.Now().After(deadline) {
			t.Fatalf("read %q, want %q", got, want)
		}
	}
}

func say(t *testing.T, f *os.File, s string) {
	t.Helper()
	if _, err := f.WriteString(s); err != nil {
		t.Fatal(err)
	}
}

func TestProxyBothWays(t *testing.T) {
	s := begin(t, Options{})
	say(t, s.slave, "login: ")
	expect(t, s.keyboard, "login: ")
	say(t, s.keyboard, "root\r")
	expect(t, s.slave, "root\n")
	expect(t, s.keyboard, "root\r\n") // the container's terminal echoes
}

func TestProxyRaw(t *testing.T) {
	master, tty := openPty(t)
	_ = master
	before := flags(t, tty)
	container, slave := openPty(t)
	defer slave.Close()
	p, err := Start(dup(t, container), tty, tty, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if raw := flags(t, tty); raw&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
		t.Errorf("local modes %#x are not raw", raw)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if after := flags(t, tty); after != before {
			t.Errorf("local modes %#x after Close, want %#x", after, before)
		}
	}
	ended(t, p)
	if err := p.Resize(); err != nil {
		t.Errorf("Resize after the end: %v", err)
	}
	if err := p.Drain(time.Second); err != nil {
		t.Errorf("Drain after the end: %v", err)
	}
}

func dup(t *testing.T, f *os.File) int {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	return fd
}

func TestProxySize(t *testing.T) {
	s := begin(t, Options{})
	wantSize(t, s.slave, 40, 100)
	size(t, s.tty, 50, 132)
	wantSize(t, s.slave, 40, 100)
	if err := s.proxy.Resize(); err != nil {
		t.Fatal(err)
	}
	wantSize(t, s.slave, 50, 132)
}

func TestProxyKeepSize(t *testing.T) {
	s := begin(t, Options{KeepSize: true})
	wantSize(t, s.slave, 0, 0)
	if err := s.proxy.Resize(); err != nil {
		t.Fatal(err)
	}
	wantSize(t, s.slave, 40, 100)
}

// TestProxyDrain is a program that writes much and exits at once: all must come
// out, through pipes which are no terminals.
func TestProxyDrain(t *testing.T) {
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer inRead.Close()
	inWrite.Close() // the end of the input ends nothing
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer outRead.Close()
	var output []byte
	var reading sync.WaitGroup
	reading.Go(func() { output, _ = io.ReadAll(outRead) })

	master, slave := openPty(t)
	p, err := Start(dup(t, master), inRead, outWrite, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("0123456789abcdef"), 20000)
	if _, err := slave.Write(want); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	begun := time.Now()
	if err := p.Drain(30 * time.Second); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("Drain took %v: it did not see the hangup", took)
	}
	outWrite.Close()
	reading.Wait()
	if !bytes.Equal(output, want) {
		t.Errorf("%d bytes came out, want %d", len(output), len(want))
	}
}

// TestProxyDrainLimit is a process that outlives the container's.
func TestProxyDrainLimit(t *testing.T) {
	s := begin(t, Options{})
	begun := time.Now()
	if err := s.proxy.Drain(100 * time.Millisecond); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took < 100*time.Millisecond {
		t.Errorf("Drain waited only %v while the terminal was open", took)
	}
	ended(t, s.proxy)
}

func TestProxyHangup(t *testing.T) {
	s := begin(t, Options{})
	s.proxy.lock.Lock()
	master := s.proxy.master
	s.proxy.lock.Unlock()
	t.Run("closed and opened", func(t *testing.T) {
		s.slave.Close()
		time.Sleep(20 * time.Millisecond)
		again := openSlave(t, master)
		say(t, again, "second")
		expect(t, s.keyboard, "second")
		again.Close()
	})
	t.Run("hung up", func(t *testing.T) {
		victim := openSlave(t, master)
		pid := hangUp(t, victim)
		t.Logf("process %d hung the terminal up", pid)
		victim.Close()
		time.Sleep(20 * time.Millisecond)
		again := openSlave(t, master)
		say(t, again, "third")
		expect(t, s.keyboard, "third")
		say(t, s.keyboard, "typed\r")
		expect(t, again, "typed")
	})
}

// TestProxyFull is a program that reads nothing while much is typed: its output
// still comes.
func TestProxyFull(t *testing.T) {
	s := begin(t, Options{})
	raw, err := unix.IoctlGetTermios(int(s.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	raw.Lflag = 0
	if err := unix.IoctlSetTermios(int(s.slave.Fd()), unix.TCSETS, raw); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(int(s.keyboard.Fd()), true); err != nil {
		t.Fatal(err)
	}
	for range 64 {
		if _, err := unix.Write(int(s.keyboard.Fd()), bytes.Repeat([]byte("y"), 1024)); err == unix.EAGAIN {
			time.Sleep(5 * time.Millisecond)
		}
	}
	say(t, s.slave, "still here")
	expect(t, s.keyboard, "still here")
	if err := s.proxy.Close(); err != nil {
		t.Error(err)
	}
}

func TestProxyEscape(t *testing.T) {
	escaped := make(chan struct{}, 1)
	s := begin(t, Options{OnEscape: func() { escaped <- struct{}{} }})
	say(t, s.keyboard, "a\x1d\x1d\x1d")
	select {
	case <-escaped:
	case <-time.After(5 * time.Second):
		t.Error("the escape sequence was not seen")
	}
}

func TestStartErrors(t *testing.T) {
	_, tty := openPty(t)
	before := flags(t, tty)
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[1])
	if _, err := Start(p[0], tty, tty, Options{}); err == nil {
		t.Fatal("a pipe was taken for a terminal")
	}
	if after := flags(t, tty); after != before {
		t.Errorf("local modes %#x after the error, want %#x", after, before)
	}
}
