package tape

import (
	"bytes"
	"debug/elf"
	"syscall"
	"testing"
	"unsafe"
)

// FuzzBuilder plays arbitrary operations, and checks what the interpreter and
// the kernel rely on: every jump stays on the tape, every address in its
// segment, the image is an ELF file without writable code.
func FuzzBuilder(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13})
	f.Add([]byte{7, 0, 9, 0, 5, 1, 1, 8, 0, 6, 1, 2, 10, 0, 11, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		b := New()
		play(b, ops)
		p, err := b.Program()
		if err != nil {
			if p != nil {
				t.Fatal("an error and a program")
			}
			return
		}
		checkProgram(t, p)
		if err := p.Disassemble(bytes.NewBuffer(nil)); err != nil {
			t.Fatal(err)
		}
	})
}

// player interprets fuzz input as calls of a Builder.
type player struct {
	b     *Builder
	in    []byte
	args  []Arg
	cells []Cell
	rec   Record
}

func (p *player) next() int {
	if len(p.in) == 0 {
		return 0
	}
	v := p.in[0]
	p.in = p.in[1:]
	return int(v)
}

// take returns up to n bytes of input, which keep their order.
func (p *player) take(n int) []byte {
	n = min(n, len(p.in))
	v := p.in[:n]
	p.in = p.in[n:]
	return v
}

func play(b *Builder, ops []byte) {
	p := &player{b: b, in: ops, cells: []Cell{b.ReportFD()}}
	p.rec = b.Call(1)
	for len(p.in) > 0 {
		p.data(p.next())
	}
}

func (p *player) data(op int) {
	b := p.b
	switch op % 16 {
	case 0:
		p.args = append(p.args, b.String(string(p.take(p.next()))))
	case 1:
		p.args = append(p.args, b.Bytes(p.take(p.next())))
	case 2:
		c := b.Cell(uint64(p.next()))
		p.cells = append(p.cells, c)
		p.args = append(p.args, c.Value(), c.Addr())
	case 3:
		buf := b.Buffer(p.take(p.next()))
		p.cells = append(p.cells, buf.Cell(p.next()-8))
		p.args = append(p.args, buf.Addr())
	case 4:
		p.args = append(p.args, b.Pointers(p.args...))
	case 5:
		p.args = append(p.args, Const(int64(int8(p.next()))<<p.next()))
	case 6:
		b.Init(p.cells[p.next()%len(p.cells)], 1)
	case 7:
		b.Step(p.next())
	default:
		p.code(op % 16)
	}
}

func (p *player) code(op int) {
	b := p.b
	switch op {
	case 8:
		p.rec = b.Call(uintptr(p.next()<<p.next()), p.args...)
		p.args = p.args[:0]
	case 9:
		b.NewLabel()
	case 10:
		b.Bind(Label(p.next() - 1))
	case 11:
		p.rec.On(syscall.Errno(p.next()), Label(p.next()-1))
	case 12:
		p.rec.IfZero(Label(p.next() - 1)).IfPositive(Label(p.next() - 1))
	case 13:
		p.rec.Into(p.cells[p.next()%len(p.cells)])
	case 14:
		p.rec = b.Goto(Label(p.next() - 1))
	case 15:
		p.rec = b.Set(p.cells[p.next()%len(p.cells)], Const(1)).IgnoreAny()
	}
}

func checkProgram(t *testing.T, p *Program) {
	t.Helper()
	file, err := elf.NewFile(bytes.NewReader(p.Image))
	if err != nil {
		t.Fatal(err)
	}
	var writable uint64
	for _, s := range file.Progs {
		if s.Flags&elf.PF_W != 0 && s.Flags&elf.PF_X != 0 {
			t.Fatalf("segment %v is writable and executable", s.ProgHeader)
		}
		if s.Type == elf.PT_LOAD && s.Off+s.Filesz > uint64(len(p.Image)) {
			t.Fatalf("segment %v exceeds the image", s.ProgHeader)
		}
		if s.Flags&elf.PF_W != 0 {
			writable = max(writable, s.Filesz)
		}
	}
	if got := file.Entry; got != textBase+codeOffset {
		t.Fatalf("entry %#x", got)
	}
	for i := range p.Len() {
		rec := (*record)(unsafe.Pointer(&p.Image[p.tape+i*recordSize]))
		disps := []int16{rec.zero, rec.pos, rec.expect[0].disp, rec.expect[1].disp, rec.expect[2].disp}
		for _, d := range disps {
			// The final exit_group never returns.
			if target := i + 1 + int(d); i < p.Len()-1 && (target < 0 || target >= p.Len()) {
				t.Fatalf("record %d of %d jumps to %d", i, p.Len(), target)
			}
		}
		if rec.dst != 0 && (rec.dst < rwBase || uint64(rec.dst)+8 > rwBase+writable) {
			t.Fatalf("record %d stores at %#x", i, rec.dst)
		}
		for a, v := range rec.args {
			inData := v >= rwBase && uint64(v)+8 <= rwBase+writable || v >= textBase && int(v)+8 <= textBase+p.tape
			if rec.deref>>a&1 != 0 && !inData {
				t.Fatalf("record %d reads argument %d at %#x", i, a, v)
			}
		}
	}
}

// TestBuildCost keeps the building of an ordinary tape cheap: it is part of
// every container's start.
func TestBuildCost(t *testing.T) {
	if n := testing.AllocsPerRun(10, func() { ordinary(t) }); n > 12 {
		t.Errorf("%.0f allocations for an ordinary tape, want at most 12", n)
	}
}

func BenchmarkBuild(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		ordinary(b)
	}
}

// ordinaryPaths are made once: they come from the configuration.
var ordinaryPaths = func() (s [100]string) {
	for i := range s {
		s[i] = "/some/path/in/a/container/" + string(rune('0'+i/10)) + string(rune('0'+i%10))
	}
	return s
}()

func ordinary(t testing.TB) {
	b := New()
	fd := b.Cell(0)
	for i, path := range ordinaryPaths {
		b.Step(i)
		done := b.NewLabel()
		b.Call(syscall.SYS_OPENAT, Const(-100), b.String(path), Const(0)).Into(fd).On(syscall.ENOENT, done)
		b.Call(syscall.SYS_CLOSE, fd.Value())
		b.Bind(done)
	}
	if _, err := b.Program(); err != nil {
		t.Fatal(err)
	}
}
