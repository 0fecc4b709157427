package tape

import "unsafe"

// recordSize is the size of a record in bytes. It is small so that a whole
// tape lies in few pages: a page fault costs more than ten system calls.
const recordSize = 48

// anyErrno in an expectation matches every errno.
const anyErrno = 0xffff

// nrMove is no system call: the interpreter takes the first argument as the
// result. It serves [Builder.Set] and [Builder.Goto].
const nrMove = 0xffff

// record is the machine's view of one call. The interpreters (interp_*.s)
// know the offsets by number; all fields are little-endian, as both supported
// architectures are.
//
// A displacement counts records from the following one: 0 goes on, -1 repeats
// the same record.
type record struct {
	nr     uint16
	deref  uint8 // bit i: args[i] is the address of an 8-byte cell whose value is used
	_      uint8
	dst    uint32   // address of the cell that receives the result; 0: none
	args   [6]int32 // sign-extended to 64 bits
	zero   int16    // displacement when the result is 0
	pos    int16    // displacement when the result is neither 0 nor an error
	expect [3]expectation
}

// expectation says where to go on after a failure. An unused slot has errno 0,
// which no failure has.
type expectation struct {
	errno uint16
	disp  int16
}

var _ = [1]struct{}{}[unsafe.Sizeof(record{})-recordSize]

// recordBytes views records as the bytes the interpreter reads.
func recordBytes(r []record) []byte {
	if len(r) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&r[0])), len(r)*recordSize)
}
