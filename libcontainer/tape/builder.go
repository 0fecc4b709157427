package tape

import (
	"errors"
	"fmt"
	"math"
	"syscall"
)

// Builder collects records and data. It keeps the first error, which
// [Builder.Program] returns, so that its methods can be chained without
// checks. The zero Builder is not usable; see [New].
type Builder struct {
	text    []byte // header, interpreter, read-only data
	rw      []byte
	records []record
	steps   []int32
	step    int32
	strings map[string]uint32
	labels  []int32 // index of the record bound to; -1: not yet
	fixups  []fixup
	err     error
}

// Label is a place on the tape to jump to.
type Label int32

// fixup is a displacement to be filled in once all labels are bound.
type fixup struct {
	record int32
	label  Label
	slot   uint8 // 0–2 expectations, slotZero, slotPositive
}

const (
	slotZero     = 3
	slotPositive = 4
)

// Record is a call being described. It is valid until the next Program.
type Record struct {
	b *Builder
	i int32
}

// New starts an empty tape. The capacities fit the tape of an ordinary
// container, so that nothing is copied while it grows.
func New() *Builder {
	b := &Builder{ // what podman's default configuration needs, and a little more
		text:    textStart(48 << 10),
		rw:      make([]byte, 0, 2<<10),
		records: make([]record, 0, 768),
		steps:   make([]int32, 0, 768),
		strings: make(map[string]uint32, 128),
		labels:  make([]int32, 0, 320),
		fixups:  make([]fixup, 0, 384),
	}
	b.Cell(2) // ReportFD
	return b
}

// fail keeps the first error.
func (b *Builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// Step says that the records that follow belong to step i of the caller.
func (b *Builder) Step(i int) { b.step = int32(i) }

// Call appends the system call nr with up to six arguments. Without further
// words its failure ends the process with a report.
func (b *Builder) Call(nr uintptr, args ...Arg) Record {
	r := Record{b, int32(len(b.records))}
	if nr >= nrMove {
		b.fail(fmt.Errorf("append record %d: system call number %d does not fit", r.i, nr))
		nr = 0
	}
	return b.append(uint16(nr), args)
}

// Set appends a record that stores a in c, without a system call.
func (b *Builder) Set(c Cell, a Arg) Record { return b.append(nrMove, []Arg{a}).Into(c) }

// Goto appends a record that jumps to l, without a system call.
func (b *Builder) Goto(l Label) Record { return b.append(nrMove, nil).IfZero(l) }

func (b *Builder) append(nr uint16, args []Arg) Record {
	r := Record{b, int32(len(b.records))}
	rec := record{nr: nr}
	if len(args) > len(rec.args) {
		b.fail(fmt.Errorf("append record %d: %d arguments, a system call has six at most", r.i, len(args)))
		args = args[:len(rec.args)]
	}
	for i, a := range args {
		switch {
		case a.cell:
			b.valid(Cell(a.v))
			rec.deref |= 1 << i
		case int64(int32(a.v)) != a.v:
			// Too wide for the record: taken from read-only data.
			a = b.Bytes(put64(make([]byte, 0, 8), uint64(a.v)))
			rec.deref |= 1 << i
		}
		rec.args[i] = int32(a.v)
	}
	b.records = append(b.records, rec)
	b.steps = append(b.steps, b.step)
	return r
}

// Into stores the result of a successful call in c.
func (r Record) Into(c Cell) Record {
	if r.b.valid(c) {
		r.b.records[r.i].dst = uint32(c)
	}
	return r
}

// On jumps to l when the call fails with errno. A call may expect three
// errnos, counting those of Ignore and OnAny; the first that matches counts.
func (r Record) On(errno syscall.Errno, l Label) Record {
	if slot, ok := r.expect(errno); ok {
		r.jump(slot, l)
	}
	return r
}

// OnAny jumps to l when the call fails with an errno not expected before.
func (r Record) OnAny(l Label) Record { return r.On(anyErrno, l) }

// Ignore goes on with the next record when the call fails with one of errnos.
func (r Record) Ignore(errnos ...syscall.Errno) Record {
	for _, e := range errnos {
		r.expect(e)
	}
	return r
}

// Retry makes the call again when it fails with one of errnos.
func (r Record) Retry(errnos ...syscall.Errno) Record {
	for _, e := range errnos {
		if slot, ok := r.expect(e); ok {
			r.b.records[r.i].expect[slot].disp = -1
		}
	}
	return r
}

// IgnoreAny goes on with the next record whatever the call returns.
func (r Record) IgnoreAny() Record { return r.Ignore(anyErrno) }

// IfZero jumps to l when the call returns 0.
func (r Record) IfZero(l Label) Record { return r.jump(slotZero, l) }

// IfPositive jumps to l when the call succeeds and does not return 0.
func (r Record) IfPositive(l Label) Record { return r.jump(slotPositive, l) }

// expect takes the next free expectation for errno.
func (r Record) expect(errno syscall.Errno) (slot uint8, ok bool) {
	if errno == 0 || errno > anyErrno {
		r.b.fail(fmt.Errorf("append record %d: %d is no errno", r.i, int(errno)))
		return 0, false
	}
	expect := &r.b.records[r.i].expect
	for i := range expect {
		if expect[i].errno == 0 {
			expect[i].errno = uint16(errno)
			return uint8(i), true
		}
	}
	r.b.fail(fmt.Errorf("append record %d: more than %d expected errnos", r.i, len(expect)))
	return 0, false
}

func (r Record) jump(slot uint8, l Label) Record {
	if l < 0 || int(l) >= len(r.b.labels) {
		r.b.fail(fmt.Errorf("append record %d: label %d is not of this tape", r.i, l))
		return r
	}
	r.b.fixups = append(r.b.fixups, fixup{r.i, l, slot})
	return r
}

// NewLabel makes a label, to be bound later.
func (b *Builder) NewLabel() Label {
	b.labels = append(b.labels, -1)
	return Label(len(b.labels) - 1)
}

// Bind puts l before the record appended next.
func (b *Builder) Bind(l Label) {
	switch {
	case l < 0 || int(l) >= len(b.labels):
		b.fail(fmt.Errorf("bind label %d: not of this tape", l))
	case b.labels[l] >= 0:
		b.fail(fmt.Errorf("bind label %d: bound before, at record %d", l, b.labels[l]))
	default:
		b.labels[l] = int32(len(b.records))
	}
}

// errFinished is the state of a Builder whose Program was taken.
var errFinished = errors.New("append record: the program was taken already")

// Program lays the tape out. A tape that runs to its end exits with status 0.
// It may be called once.
func (b *Builder) Program() (*Program, error) {
	b.Call(syscall.SYS_EXIT_GROUP)
	b.resolve()
	if len(b.text)+len(b.records)*recordSize > imageLimit {
		b.fail(fmt.Errorf("assemble tape: image exceeds %d bytes", imageLimit))
	}
	if b.err != nil {
		return nil, b.err
	}
	img, offset := finishImage(b.text, b.records, b.rw)
	b.err = errFinished
	return &Program{Image: img, steps: b.steps, tape: offset}, nil
}

// resolve fills in the displacements.
func (b *Builder) resolve() {
	for _, f := range b.fixups {
		target := b.labels[f.label]
		if target < 0 {
			b.fail(fmt.Errorf("assemble record %d: label %d was never bound", f.record, f.label))
			return
		}
		disp := target - f.record - 1
		if disp < math.MinInt16 || disp > math.MaxInt16 {
			b.fail(fmt.Errorf("assemble record %d: jump over %d records is too far", f.record, disp))
			return
		}
		rec := &b.records[f.record]
		switch f.slot {
		case slotZero:
			rec.zero = int16(disp)
		case slotPositive:
			rec.pos = int16(disp)
		default:
			rec.expect[f.slot].disp = int16(disp)
		}
	}
}
