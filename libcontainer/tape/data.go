package tape

import "fmt"

// Arg is an argument of a call: a number, an address within the image, or the
// value that a cell has when the call is made.
type Arg struct {
	v    int64
	cell bool
}

// Const is an argument known now: a number, flags, or a descriptor such as
// AT_FDCWD. Any 64-bit value works.
func Const(v int64) Arg { return Arg{v: v} }

// Address returns the address an Arg from String, Bytes, Buffer.Addr,
// Cell.Addr or Pointers stands for, to be put in structures (iovec, msghdr,
// …) that the caller lays out. It is 0 for the value of a cell.
func (a Arg) Address() uint64 {
	if a.cell {
		return 0
	}
	return uint64(a.v)
}

// Cell is an 8-byte variable of the tape. The zero Cell is none.
type Cell uint32

// Value is the cell's content at the time of the call.
func (c Cell) Value() Arg { return Arg{v: int64(c), cell: true} }

// Addr is the cell's address, for calls that write their result to memory.
func (c Cell) Addr() Arg { return Arg{v: int64(c)} }

// Buffer is writable memory of the tape.
type Buffer struct {
	addr uint32
	size uint32
}

// Addr is the address of the buffer's first byte.
func (b Buffer) Addr() Arg { return Arg{v: int64(b.addr)} }

// Size is the buffer's size in bytes, a multiple of 8.
func (b Buffer) Size() int { return int(b.size) }

// Cell returns the 8 bytes at off as a cell, e.g. the place of the descriptor
// in an SCM_RIGHTS message. off need not be aligned. Beyond the buffer it
// returns the zero Cell, which Program refuses.
//
// The kernel looks only at the low half of an int argument, so the two
// descriptors that pipe2 wrote to a 16-byte buffer are the cells at 0 and 4.
func (b Buffer) Cell(off int) Cell {
	if off < 0 || off+8 > int(b.size) {
		return 0
	}
	return Cell(b.addr + uint32(off))
}

// String places s, NUL-terminated, in read-only data and returns its address.
// Equal strings share one place. A NUL inside s is an error.
func (b *Builder) String(s string) Arg {
	if addr, ok := b.strings[s]; ok {
		return Const(int64(addr))
	}
	for i := range len(s) {
		if s[i] == 0 {
			b.fail(fmt.Errorf("place string %q: contains a NUL byte", s))
			return Arg{}
		}
	}
	if !b.room(len(s) + 1) {
		return Arg{}
	}
	addr := textBase + len(b.text)
	b.text = append(b.text, s...)
	b.text = append(b.text, 0)
	b.strings[s] = uint32(addr)
	return Const(int64(addr))
}

// Bytes places a copy of p in read-only data, aligned to 8 bytes, and returns
// its address.
func (b *Builder) Bytes(p []byte) Arg {
	if !b.room(len(p)) {
		return Arg{}
	}
	b.text = align(b.text, 8)
	addr := textBase + len(b.text)
	b.text = append(b.text, p...)
	return Const(int64(addr))
}

// Pointers places the addresses args stand for, and a final NULL, in
// read-only data: an argv or envp. The value of a cell is not an address that
// is known now, and thus an error.
func (b *Builder) Pointers(args ...Arg) Arg {
	if !b.room(8 * (len(args) + 1)) {
		return Arg{}
	}
	b.text = align(b.text, 8)
	addr := textBase + len(b.text)
	for i, a := range args {
		if a.cell {
			b.fail(fmt.Errorf("place pointer %d: the value of a cell is known only at run time", i))
			return Arg{}
		}
		b.text = put64(b.text, uint64(a.v))
	}
	b.text = put64(b.text, 0)
	return Const(int64(addr))
}

// Cell makes a new cell with the given initial value.
func (b *Builder) Cell(init uint64) Cell {
	if !b.writableRoom(8) {
		return 0
	}
	c := Cell(rwBase + len(b.rw))
	b.rw = put64(b.rw, init)
	return c
}

// Init sets the initial value of a cell, replacing that given before.
func (b *Builder) Init(c Cell, v uint64) {
	if !b.valid(c) {
		return
	}
	put64(b.rw[:c-rwBase], v)
}

// Buffer places a copy of p in writable memory, aligned to 8 bytes and padded
// to a multiple of 8. All writable data together may have 1 MiB.
func (b *Builder) Buffer(p []byte) Buffer {
	size := (len(p) + 7) &^ 7
	if !b.writableRoom(size) {
		return Buffer{}
	}
	buf := Buffer{addr: uint32(rwBase + len(b.rw)), size: uint32(size)}
	b.rw = align(append(b.rw, p...), 8)
	return buf
}

// ReportFD is the cell with the descriptor to which a failing call is
// reported. Its initial value is 2 (see [Builder.Init]); records may store
// into it.
func (b *Builder) ReportFD() Cell { return rwBase }

// room reports whether n more bytes of read-only data fit, and fails the
// build if not.
func (b *Builder) room(n int) bool {
	if len(b.text)+n > imageLimit {
		b.fail(fmt.Errorf("place %d bytes: read-only data exceeds %d bytes", n, imageLimit))
		return false
	}
	return true
}

// writableRoom is room for the writable segment.
func (b *Builder) writableRoom(n int) bool {
	if len(b.rw)+n > rwLimit {
		b.fail(fmt.Errorf("place %d writable bytes: cells and buffers exceed %d bytes", n, rwLimit))
		return false
	}
	return true
}

// valid reports whether c lies in the writable segment, and fails the build if
// not.
func (b *Builder) valid(c Cell) bool {
	if c < rwBase || int(c-rwBase)+8 > len(b.rw) {
		b.fail(fmt.Errorf("use cell %#x: not a cell of this tape", uint32(c)))
		return false
	}
	return true
}
