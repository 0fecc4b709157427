// Package warm makes ready, before the first Go code runs, what every command is about to need, for a command lives some
// milliseconds and most of them go to the start of the Go runtime.
//
//   - It lets the kernel fill, in one call, memory that would be touched page by page: the program's code and data, and
//     the heap. A page fault costs 0.5 µs on bare metal and 10 to 40 µs in a virtual machine that emulates page tables;
//     madvise(2) with MADV_POPULATE_WRITE fills a page in less than 1 µs.
//   - It makes the main goroutine's stack as large as it will be, while there is nothing on it. Growing on the way copies
//     it three times, each through the tables of all frames (about 50 pages touched).
//   - It turns off the sampling of allocations. The linker does that too where nobody reads the profile, but too late:
//     the first allocation of a process is sampled, and unwound for it (about 30 pages).
//   - It has the Go runtime run one goroutine at a time, whose threads cost more than they give.
//
// All but the heap and the stack is done by entry, and so only where the program is linked with
// -E github.com/gspawn/gspawn-oci/internal/warm.entry, as the Makefile does.
//
// It is for the main package to import, and must import nothing but runtime and unsafe: packages are initialised in the
// order of their paths as far as their imports allow, so this one comes before all that would fault.
package warm

import (
	"runtime"
	"unsafe"
)

// Procs and OneProc are the environment variable, and its value, by which entry tells the Go runtime about its threads.
// It stands after all others, and of those of one name the first counts. The value is a way to write 1 that nobody else
// has, so that the program knows it and keeps it from its children.
const (
	Procs   = "GOMAXPROCS"
	OneProc = "01"
)

const (
	// heap is how much follows on what is in use at the start. A run takes
	// 900 kB on average; what is left over counts as memory used.
	heap = 1 << 20
	// align is a multiple of all sizes of a page.
	align = 64 << 10

	populateWrite = 23 // MADV_POPULATE_WRITE, since Linux 5.14
)

// What entry needs; the linker lays both out. The string ends as C's do.
var (
	setting  = Procs + "=" + OneProc + "\x00" //nolint:unused // entry is assembly
	sampling = &runtime.MemProfileRate        //nolint:unused // the same
)

// madvise is madvise(2) without package syscall, which is initialised later.
func madvise(start, length uintptr, advice uint32) (errno uintptr)

// grow needs as much stack as the program ever does, and so makes it.
func grow()

// first is a page of the heap beyond all that are in use. The heap grows
// upwards from there, as nothing is collected before it has 4 MB.
var first *[8192]byte

func init() {
	grow()
	first = new([8192]byte)
	// An error, as from where the heap's mapping ends, leaves the rest to be
	// faulted in as usual.
	madvise(uintptr(unsafe.Pointer(first))&^(align-1), heap, populateWrite)
}
