package tape

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDisassemble(t *testing.T) {
	b := New()
	fd, end, back := b.Cell(0), b.NewLabel(), here(b)
	b.Step(3)
	missing(b).Into(fd).On(unix.ENOENT, end).IgnoreAny()
	b.Step(4)
	b.Call(unix.SYS_WRITE, fd.Value(), fd.Addr(), Const(8)).IfZero(end).IfPositive(back)
	b.Call(unix.SYS_READ, Const(1<<40), b.Bytes([]byte{200, 1}))
	b.Call(4000)
	b.Bind(end)
	b.Set(fd, Const(-1))
	p, err := b.Program()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := p.Disassemble(&got); err != nil {
		t.Fatal(err)
	}
	data := p.Record(2)
	data = data[strings.Index(data, "&data["):] // its offset depends on the code's size
	want := `   0  step 3    openat(-100, "/nonexistent/file") -> [8]; ENOENT: goto 4; any: next
   1  step 4    write([8], &[8], 8); zero: goto 4; positive: goto 0
   2  step 4    read(0x10000000000, ` + data + `
   3  step 4    syscall 4000 ()
   4  step 4    move(-1) -> [8]
   5  step 4    exit_group()
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
	if p.Record(-1) != "" || p.Record(6) != "" || p.Step(6) != -1 || p.Len() != 6 {
		t.Error("records outside the tape are described")
	}
}
