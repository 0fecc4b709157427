package tape

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const (
	memfdNumber  = 40 // beyond all descriptors the tests hand over
	reportNumber = 3
)

// assemble builds a tape that reports to descriptor 3.
func assemble(t testing.TB, build func(*Builder)) *Program {
	t.Helper()
	b := New()
	b.Init(b.ReportFD(), reportNumber)
	build(b)
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// start runs a tape. Its standard output is stdout, descriptor 3 the returned
// pipe; extra descriptors follow. With TAPE_EMULATOR in the environment
// (qemu-aarch64-static) the tape runs in that.
func start(t testing.TB, p *Program, stdout *os.File, extra ...*os.File) (*os.Process, *os.File) {
	t.Helper()
	f, err := Memfd(p.Image, "tape", memfdNumber)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	defer w.Close()
	files := append([]*os.File{nil, stdout, os.Stderr, w}, extra...)
	path, argv := "/proc/self/fd/"+strconv.Itoa(int(f.Fd())), []string{"tape"}
	if emulator := os.Getenv("TAPE_EMULATOR"); emulator != "" {
		argv = []string{emulator, "/proc/self/fd/" + strconv.Itoa(len(files))}
		path, files = emulator, append(files, f)
	}
	proc, err := os.StartProcess(path, argv, &os.ProcAttr{Files: files, Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	return proc, r
}

// native skips tests of what only the kernel does, not an emulator.
func native(t *testing.T) {
	t.Helper()
	if os.Getenv("TAPE_EMULATOR") != "" {
		t.Skip("needs the kernel: TAPE_EMULATOR is set")
	}
}

// outcome is all that a finished tape shows.
type outcome struct {
	status int
	stdout string
	report string // raw bytes on descriptor 3
}

func (o outcome) String() string {
	return fmt.Sprintf("{status %d, stdout %q, report %q}", o.status, o.stdout, o.report)
}

func run(t testing.TB, p *Program) outcome {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	proc, report := start(t, p, w)
	w.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := io.ReadAll(report)
	if err != nil {
		t.Fatal(err)
	}
	state, err := proc.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return outcome{state.ExitCode(), string(out), string(rep)}
}

// exit appends exit_group.
func exit(b *Builder, status int64) { b.Call(unix.SYS_EXIT_GROUP, Const(status)) }

// say appends a write to standard output.
func say(b *Builder, s string) {
	b.Call(unix.SYS_WRITE, Const(1), b.String(s), Const(int64(len(s))))
}

// missing appends a call that fails with ENOENT.
func missing(b *Builder) Record {
	return b.Call(unix.SYS_OPENAT, Const(unix.AT_FDCWD), b.String("/nonexistent/file"), Const(0))
}

func TestRun(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func(*Builder)
		want  outcome
	}{
		{"end of tape", func(b *Builder) {}, outcome{}},
		{"exit status", func(b *Builder) { exit(b, 7) }, outcome{status: 7}},
		{"string", func(b *Builder) { say(b, "hello") }, outcome{stdout: "hello"}},
		{"bytes and buffer", func(b *Builder) {
			iov := put64(nil, b.Bytes([]byte("ab")).Address())
			iov = put64(iov, 2)
			iov = put64(iov, b.Buffer([]byte("cde")).Addr().Address())
			iov = put64(iov, 3)
			b.Call(unix.SYS_WRITEV, Const(1), b.Bytes(iov), Const(2))
		}, outcome{stdout: "abcde"}},
		{"result in a cell", func(b *Builder) {
			fd := b.Cell(0)
			b.Call(unix.SYS_FCNTL, Const(1), Const(unix.F_DUPFD), Const(20)).Into(fd)
			b.Call(unix.SYS_WRITE, fd.Value(), b.String("x"), Const(1))
			b.Call(unix.SYS_EXIT_GROUP, fd.Value())
		}, outcome{status: 20, stdout: "x"}},
		{"every argument from a cell", func(b *Builder) {
			file := b.Cell(0)
			b.Call(unix.SYS_MEMFD_CREATE, b.String("m"), Const(0)).Into(file)
			b.Call(unix.SYS_FTRUNCATE, file.Value(), Const(8192))
			b.Call(unix.SYS_PWRITE64, file.Value(), b.String("second page"), Const(11), Const(4096))
			at := b.Cell(0)
			b.Call(unix.SYS_MMAP, b.Cell(0x20000000).Value(), b.Cell(4096).Value(), b.Cell(unix.PROT_READ).Value(),
				b.Cell(unix.MAP_PRIVATE|unix.MAP_FIXED).Value(), file.Value(), b.Cell(4096).Value()).Into(at)
			b.Call(unix.SYS_WRITE, b.Cell(1).Value(), at.Value(), b.Cell(6).Value())
		}, outcome{stdout: "second"}},
		{"pipe in a buffer's cells", func(b *Builder) {
			pair := b.Buffer(make([]byte, 16))
			got := b.Buffer(make([]byte, 8))
			n := b.Cell(0)
			b.Call(unix.SYS_PIPE2, pair.Addr(), Const(0))
			b.Call(unix.SYS_WRITE, pair.Cell(4).Value(), b.String("through"), Const(7))
			b.Call(unix.SYS_READ, pair.Cell(0).Value(), got.Addr(), Const(8)).Into(n)
			b.Call(unix.SYS_WRITE, Const(1), got.Addr(), n.Value())
		}, outcome{stdout: "through"}},
		{"argument wider than 32 bits", func(b *Builder) {
			m := b.Cell(0)
			b.Call(unix.SYS_MEMFD_CREATE, b.String("m"), Const(0)).Into(m)
			b.Call(unix.SYS_LSEEK, m.Value(), Const(1<<40), Const(0)).Into(m)
			same := b.NewLabel()
			b.Set(m, m.Value()).IfPositive(same)
			exit(b, 9)
			b.Bind(same)
			b.Call(unix.SYS_WRITE, Const(1), m.Addr(), Const(8))
		}, outcome{stdout: "\x00\x00\x00\x00\x00\x01\x00\x00"}},
		{"set and goto", func(b *Builder) {
			c, end := b.Cell(0), b.NewLabel()
			b.Set(c, Const(-3))
			b.Goto(end)
			exit(b, 8)
			b.Bind(end)
			b.Call(unix.SYS_WRITE, Const(1), c.Addr(), Const(8))
		}, outcome{stdout: "\xfd\xff\xff\xff\xff\xff\xff\xff"}},
		{"execve with pointers", func(b *Builder) {
			path := b.String("/bin/sh")
			b.Call(unix.SYS_EXECVE, path,
				b.Pointers(path, b.String("-c"), b.String(`echo $0 $V; exit 5`), b.String("zero")),
				b.Pointers(b.String("V=value")))
		}, outcome{status: 5, stdout: "zero value\n"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := run(t, assemble(t, test.build)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestJumps(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func(*Builder)
		want  outcome
	}{
		{"expected errno jumps", func(b *Builder) {
			l := b.NewLabel()
			missing(b).On(unix.EPERM, here(b)).On(unix.EACCES, here(b)).On(unix.ENOENT, l)
			exit(b, 1)
			b.Bind(l)
			exit(b, 11)
		}, outcome{status: 11}},
		{"first expectation that matches", func(b *Builder) {
			first, second := b.NewLabel(), b.NewLabel()
			missing(b).On(unix.ENOENT, first).OnAny(second)
			b.Bind(first)
			exit(b, 11)
			b.Bind(second)
			exit(b, 12)
		}, outcome{status: 11}},
		{"any errno", func(b *Builder) {
			l := b.NewLabel()
			missing(b).On(unix.EPERM, here(b)).OnAny(l)
			exit(b, 1)
			b.Bind(l)
			exit(b, 12)
		}, outcome{status: 12}},
		{"ignored errno", func(b *Builder) {
			missing(b).Ignore(unix.EEXIST, unix.ENOENT)
			missing(b).IgnoreAny()
			exit(b, 13)
		}, outcome{status: 13}},
		{"a failure stores nothing", func(b *Builder) {
			c := b.Cell(14)
			missing(b).Into(c).IgnoreAny()
			b.Call(unix.SYS_EXIT_GROUP, c.Value())
		}, outcome{status: 14}},
		{"an error is not positive", func(b *Builder) {
			l := b.NewLabel()
			missing(b).IfPositive(l).IfZero(l).IgnoreAny()
			exit(b, 15)
			b.Bind(l)
			exit(b, 1)
		}, outcome{status: 15}},
		{"zero and positive", func(b *Builder) {
			one, two := b.NewLabel(), b.NewLabel()
			b.Call(unix.SYS_GETPID).IfZero(two).IfPositive(one)
			exit(b, 1)
			b.Bind(two)
			exit(b, 16)
			b.Bind(one)
			b.Call(unix.SYS_CHDIR, b.String("/")).IfPositive(one).IfZero(two)
			exit(b, 1)
		}, outcome{status: 16}},
		{"backward until the error", func(b *Builder) {
			// Reads the six bytes one by one, then gets 0.
			pair, c := b.Buffer(make([]byte, 16)), b.Cell(0)
			b.Call(unix.SYS_PIPE2, pair.Addr(), Const(unix.O_NONBLOCK))
			b.Call(unix.SYS_WRITE, pair.Cell(4).Value(), b.String("abcdef"), Const(6))
			loop, end := here(b), b.NewLabel()
			b.Call(unix.SYS_READ, pair.Cell(0).Value(), c.Addr(), Const(1)).On(unix.EAGAIN, end)
			b.Call(unix.SYS_WRITE, Const(1), c.Addr(), Const(1)).IfPositive(loop)
			exit(b, 1)
			b.Bind(end)
			exit(b, 17)
		}, outcome{status: 17, stdout: "abcdef"}},
		{"repeats itself", func(b *Builder) {
			// Closes nothing until the read of the empty pipe says EOF; each
			// byte read repeats the same record.
			pair, c := b.Buffer(make([]byte, 16)), b.Cell(0)
			b.Call(unix.SYS_PIPE2, pair.Addr(), Const(0))
			b.Call(unix.SYS_WRITE, pair.Cell(4).Value(), b.String("xyz"), Const(3))
			b.Call(unix.SYS_CLOSE, pair.Cell(4).Value())
			self := here(b)
			b.Call(unix.SYS_READ, pair.Cell(0).Value(), c.Addr(), Const(1)).IfPositive(self)
			b.Call(unix.SYS_WRITE, Const(1), c.Addr(), Const(1))
		}, outcome{stdout: "z"}},
		{"again until it succeeds", func(b *Builder) {
			// The child writes once the parent has found the pipe empty many times.
			pair, c, child, pid := b.Buffer(make([]byte, 16)), b.Cell(0), b.NewLabel(), b.Cell(0)
			b.Call(unix.SYS_PIPE2, pair.Addr(), Const(unix.O_NONBLOCK))
			b.Call(unix.SYS_CLONE, Const(int64(unix.SIGCHLD)), Const(0), Const(0), Const(0), Const(0)).Into(pid).IfZero(child)
			b.Call(unix.SYS_READ, pair.Cell(0).Value(), c.Addr(), Const(1)).Retry(unix.EINTR, unix.EAGAIN)
			b.Call(unix.SYS_WRITE, Const(1), c.Addr(), Const(1))
			exit(b, 19)
			b.Bind(child)
			pause := b.Buffer(append(make([]byte, 8), 0x80, 0x96, 0x98, 0, 0, 0, 0, 0)) // 10 ms, less what is left
			b.Call(unix.SYS_PPOLL, Const(0), Const(0), pause.Addr(), Const(0))
			b.Call(unix.SYS_WRITE, pair.Cell(4).Value(), b.String("r"), Const(1))
		}, outcome{status: 19, stdout: "r"}},
		{"parent and child", func(b *Builder) {
			child, pid, status := b.NewLabel(), b.Cell(0), b.Cell(0)
			b.Call(unix.SYS_CLONE, Const(int64(unix.SIGCHLD)), Const(0), Const(0), Const(0), Const(0)).Into(pid).IfZero(child)
			b.Call(unix.SYS_WAIT4, pid.Value(), status.Addr(), Const(0), Const(0))
			say(b, "parent")
			b.Call(unix.SYS_WRITE, Const(1), status.Addr(), Const(2))
			exit(b, 18)
			b.Bind(child)
			say(b, "child ")
			exit(b, 65)
		}, outcome{status: 18, stdout: "child parent\x00A"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := run(t, assemble(t, test.build)); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// here is a label for jumps back.
func here(b *Builder) Label {
	l := b.NewLabel()
	b.Bind(l)
	return l
}

// TestCloneParent starts a sibling from the tape, as a runtime does that may
// not setns(2) itself.
func TestCloneParent(t *testing.T) {
	native(t) // qemu refuses CLONE_PARENT
	p := assemble(t, func(b *Builder) {
		child, pid := b.NewLabel(), b.Cell(0)
		b.Call(unix.SYS_CLONE, Const(unix.CLONE_PARENT|int64(unix.SIGCHLD)), Const(0), Const(0), Const(0), Const(0)).
			Into(pid).IfZero(child)
		b.Call(unix.SYS_WRITE, Const(1), pid.Addr(), Const(8))
		exit(b, 0)
		b.Bind(child)
		exit(b, 19)
	})
	got := run(t, p)
	if got.status != 0 || len(got.stdout) != 8 {
		t.Fatalf("got %v", got)
	}
	pid := int(got.stdout[0]) | int(got.stdout[1])<<8 | int(got.stdout[2])<<16 | int(got.stdout[3])<<24
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil || status.ExitStatus() != 19 {
		t.Errorf("sibling %d: status %d, error %v; want our child with status 19", pid, status.ExitStatus(), err)
	}
}

func TestReport(t *testing.T) {
	failing := func(b *Builder) {
		b.Step(20)
		b.Call(unix.SYS_GETPID)
		b.Step(21)
		b.Call(unix.SYS_GETPID)
		missing(b).On(unix.EPERM, here(b)).Ignore(unix.EACCES)
		b.Step(22)
		exit(b, 5)
	}
	for _, test := range []struct {
		name       string
		build      func(*Builder)
		stdout     bool // the report is expected there
		wantRecord int
	}{
		{"descriptor from Init", failing, false, 2},
		{"descriptor from a record", func(b *Builder) {
			b.Call(unix.SYS_DUP, Const(1)).Into(b.ReportFD())
			failing(b)
		}, true, 3},
		{"descriptor set", func(b *Builder) {
			b.Set(b.ReportFD(), Const(1))
			failing(b)
		}, true, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := assemble(t, test.build)
			got := run(t, p)
			raw, other := got.report, got.stdout
			if test.stdout {
				raw, other = other, raw
			}
			if got.status != 1 || len(raw) != ReportSize || other != "" {
				t.Fatalf("got %v, want status 1 and a report of %d bytes", got, ReportSize)
			}
			r, err := ParseReport([ReportSize]byte([]byte(raw)))
			if err != nil {
				t.Fatal(err)
			}
			if want := (Report{test.wantRecord, syscall.ENOENT}); r != want {
				t.Errorf("report %+v, want %+v", r, want)
			}
			if step := p.Step(r.Record); step != 21 {
				t.Errorf("step %d, want 21", step)
			}
		})
	}
}

func TestParseReportRefuses(t *testing.T) {
	good := [ReportSize]byte{'T', 'A', 'P', 'E', 9, 0, 0, 0, 2}
	if r, err := ParseReport(good); err != nil || r.Record != 9 || r.Errno != syscall.ENOENT {
		t.Fatalf("good report: %+v, %v", r, err)
	}
	for name, change := range map[string]func(*[ReportSize]byte){
		"magic":          func(b *[ReportSize]byte) { b[0]++ },
		"no errno":       func(b *[ReportSize]byte) { b[8] = 0 },
		"errno too high": func(b *[ReportSize]byte) { b[9] = 0x10 },
		"reserved word":  func(b *[ReportSize]byte) { b[15] = 1 },
	} {
		bad := good
		change(&bad)
		if r, err := ParseReport(bad); err == nil {
			t.Errorf("%s: accepted as %+v", name, r)
		}
	}
}

func TestProgramErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		build func(*Builder)
		want  string
	}{
		{"unbound label", func(b *Builder) { b.Goto(b.NewLabel()) }, "never bound"},
		{"label bound twice", func(b *Builder) { b.Bind(here(b)) }, "bound before"},
		{"foreign label to jump to", func(b *Builder) { b.Goto(5) }, "not of this tape"},
		{"foreign label to bind", func(b *Builder) { b.Bind(-1) }, "not of this tape"},
		{"jump too far", func(b *Builder) {
			l := b.NewLabel()
			b.Goto(l)
			for range 1 << 15 {
				b.Call(unix.SYS_GETPID)
			}
			b.Bind(l)
		}, "too far"},
		{"four expectations", func(b *Builder) { missing(b).Ignore(1, 2, 3).IgnoreAny() }, "more than 3"},
		{"errno 0", func(b *Builder) { missing(b).Ignore(0) }, "no errno"},
		{"seven arguments", func(b *Builder) { b.Call(1, make([]Arg, 7)...) }, "six at most"},
		{"call number", func(b *Builder) { b.Call(1 << 16) }, "does not fit"},
		{"no cell", func(b *Builder) { b.Call(1, Cell(0).Value()) }, "not a cell"},
		{"result into no cell", func(b *Builder) { b.Call(1).Into(b.Buffer(make([]byte, 8)).Cell(1)) }, "not a cell"},
		{"initial value of no cell", func(b *Builder) { b.Init(1, 1) }, "not a cell"},
		{"NUL in a string", func(b *Builder) { b.String("a\x00b") }, "NUL"},
		{"pointer to be read at run time", func(b *Builder) { b.Pointers(b.Cell(0).Value()) }, "run time"},
		{"writable data", func(b *Builder) { b.Buffer(make([]byte, rwLimit-7)) }, "exceed"},
		{"cell without room", func(b *Builder) { b.Buffer(make([]byte, rwLimit-8)); b.Cell(0) }, "exceed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := New()
			test.build(b)
			if p, err := b.Program(); err == nil || p != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v; want an error with %q", p, err, test.want)
			}
		})
	}
}

func TestProgramOnce(t *testing.T) {
	b := New()
	if _, err := b.Program(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Program(); err == nil {
		t.Error("a second Program of the same Builder was accepted")
	}
}
