package tape

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// residentLimit is what a created container may keep resident while it waits
// for its start, in kB.
const residentLimit = 128

// waiting starts a tape with as many records and strings as a container has,
// which then blocks in a read. It returns the process's directory in /proc.
func waiting(t *testing.T) (dir string) {
	t.Helper()
	native(t)
	p := assemble(t, func(b *Builder) {
		c := b.Cell(0)
		for i := range 150 {
			path := "/nonexistent/some/directory/of/a/container/" + strconv.Itoa(i)
			b.Call(unix.SYS_OPENAT, Const(unix.AT_FDCWD), b.String(path), Const(0)).Into(c).Ignore(unix.ENOENT)
		}
		b.Bytes(make([]byte, 8<<10)) // a seccomp filter's size
		say(b, "x")
		b.Call(unix.SYS_READ, Const(4), c.Addr(), Const(1))
	})
	ready, stdout, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	stdin, release, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	proc, _ := start(t, p, stdout, stdin)
	stdout.Close()
	stdin.Close()
	t.Cleanup(func() {
		release.Close()
		if state, err := proc.Wait(); err != nil || !state.Success() {
			t.Errorf("waiting tape: %v, %v", state, err)
		}
	})
	if n, err := ready.Read(make([]byte, 1)); n != 1 {
		t.Fatalf("wait for the tape: %v", err)
	}
	return filepath.Join("/proc", strconv.Itoa(proc.Pid))
}

func TestResidentMemory(t *testing.T) {
	b, err := os.ReadFile(waiting(t) + "/smaps_rollup")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "\nRss:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kB resident", kB)
	if kB == 0 || kB > residentLimit {
		t.Errorf("%d kB resident, want at most %d", kB, residentLimit)
	}
}

func TestMappings(t *testing.T) {
	f, err := os.Open(waiting(t) + "/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var image []string
	for s := bufio.NewScanner(f); s.Scan(); {
		fields := strings.Fields(s.Text())
		perm := fields[1]
		if strings.Contains(perm, "w") && strings.Contains(perm, "x") {
			t.Errorf("writable and executable: %s", s.Text())
		}
		if strings.Contains(s.Text(), "/memfd:tape") {
			start, _, _ := strings.Cut(fields[0], "-")
			image = append(image, start+" "+perm)
		}
	}
	if got, want := strings.Join(image, ", "), "10000000 rw-p, 10100000 r-xp"; got != want {
		t.Errorf("image mapped as %q, want %q", got, want)
	}
}

func TestRunningImageIsSealed(t *testing.T) {
	exe := waiting(t) + "/exe"
	if target, err := os.Readlink(exe); err != nil || !strings.HasPrefix(target, "/memfd:tape") {
		t.Errorf("%s is %q (%v), want the memory file", exe, target, err)
	}
	f, err := os.OpenFile(exe, os.O_RDWR, 0)
	if errors.Is(err, unix.ETXTBSY) {
		return // while it runs it is not even opened
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte{0}); !errors.Is(err, unix.EPERM) {
		t.Errorf("write to the running image: %v, want EPERM", err)
	}
}

func TestMemfd(t *testing.T) {
	image := []byte("not really an image")
	f, err := Memfd(image, "name", memfdNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Fd() < memfdNumber {
		t.Errorf("descriptor %d, want at least %d", f.Fd(), memfdNumber)
	}
	if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x (%v), want close-on-exec", flags, err)
	}
	got := make([]byte, 64)
	if n, _ := f.ReadAt(got, 0); !bytes.Equal(got[:n], image) {
		t.Errorf("content %q, want %q", got[:n], image)
	}
	for name, change := range map[string]func() error{
		"write":  func() error { _, err := unix.Pwrite(int(f.Fd()), []byte("x"), 0); return err },
		"grow":   func() error { return unix.Ftruncate(int(f.Fd()), 1<<20) },
		"shrink": func() error { return unix.Ftruncate(int(f.Fd()), 1) },
		"seal":   func() error { _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE); return err },
	} {
		if err := change(); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s: %v, want EPERM", name, err)
		}
	}
}

// BenchmarkRun is the least that starting a process by tape costs: memory
// file, clone, execve, one record, exit.
func BenchmarkRun(b *testing.B) {
	p := assemble(b, func(*Builder) {})
	var faults int64
	for b.Loop() {
		f, err := Memfd(p.Image, "tape", memfdNumber)
		if err != nil {
			b.Fatal(err)
		}
		proc, err := os.StartProcess("/proc/self/fd/"+strconv.Itoa(int(f.Fd())), []string{"tape"}, &os.ProcAttr{Env: []string{}})
		if err != nil {
			b.Fatal(err)
		}
		state, err := proc.Wait()
		if err != nil || !state.Success() {
			b.Fatal(state, err)
		}
		faults += state.SysUsage().(*syscall.Rusage).Minflt
		f.Close()
	}
	b.ReportMetric(float64(faults)/float64(b.N), "faults/op")
}
