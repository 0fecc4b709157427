package tape

import (
	"encoding/binary"
	"unsafe"
)

// codeMarker follows the interpreter's last instruction ("TAPE_END"). The end
// is looked for instead of taken from the next symbol's address because the
// linker promises no order of functions.
const codeMarker = 0x444e455f45504154

// interpreterText returns the address of the interpreter's machine code. It
// is written in assembly since a Go function value would point at an ABI
// wrapper, not at the code.
func interpreterText() unsafe.Pointer

// appendInterpreter appends the interpreter's machine code to b. The code
// uses only absolute addresses of the image (see layout.go), so it runs
// unchanged wherever it was linked.
func appendInterpreter(b []byte) []byte {
	start := interpreterText()
	n := 0
	for *(*uint32)(unsafe.Add(start, n)) != codeMarker&0xffffffff ||
		*(*uint32)(unsafe.Add(start, n+4)) != codeMarker>>32 {
		n++
	}
	return append(b, unsafe.Slice((*byte)(start), n)...)
}

// put16, put32 and put64 append v in the image's byte order.
func put16(b []byte, v uint16) []byte { return binary.LittleEndian.AppendUint16(b, v) }
func put32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }
func put64(b []byte, v uint64) []byte { return binary.LittleEndian.AppendUint64(b, v) }
