// Package warm lets the kernel fill, in one call, the memory that every command
// is about to touch page by page.
//
// A command lives some milliseconds and touches about 130 pages of the Go heap
// after its first package is initialised, each a page fault. A fault costs 0.5
// µs on bare metal and 10 to 40 µs in a virtual machine that emulates page
// tables; madvise(2) with MADV_POPULATE_WRITE fills one in less than 1 µs.
// Linked with -E github.com/gspawn/gspawn-oci/internal/warm.entry, as the
// Makefile does, the program does the same for its own code and data before
// anything else (about 80 faults more).
//
// It is for the main package to import, and must import nothing but unsafe:
// packages are initialised in the order of their paths as far as their imports
// allow, so this one comes before all that would fault.
package warm

import "unsafe"

const (
	// heap is how much follows on what is in use at the start. A run takes
	// 900 kB on average; what is left over counts as memory used.
	heap = 1 << 20
	// align is a multiple of all sizes of a page.
	align = 64 << 10

	populateWrite = 23 // MADV_POPULATE_WRITE, since Linux 5.14
)

// madvise is madvise(2) without package syscall, which is initialised later.
func madvise(start, length uintptr, advice uint32) (errno uintptr)

// first is a page of the heap beyond all that are in use. The heap grows
// upwards from there, as nothing is collected before it has 4 MB.
var first *[8192]byte

func init() {
	first = new([8192]byte)
	// An error, as from where the heap's mapping ends, leaves the rest to be
	// faulted in as usual.
	madvise(uintptr(unsafe.Pointer(first))&^(align-1), heap, populateWrite)
}
