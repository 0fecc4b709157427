package runtime

import (
	"internal/abi"
	"unsafe"
)

const (
	slowFault = 4000      // nanoseconds
	firstHeap = 512 << 10 // bytes: what a command uses of the heap, to a few pages
	heapChunk = 4 << 20   // bytes: what is mapped for the heap at a time
	page      = 4096      // where pages are larger, madvise refuses, and there are fewer faults
	advRead   = 22        // MADV_POPULATE_READ
	advWrite  = 23        // MADV_POPULATE_WRITE
)

var (
	// untouched has a page that nothing else lies on. Writing to it is the fault that is timed.
	untouched [2 * page]byte
	heapWhole = false // populateHeap has nothing left to do
)

// populate maps, where a page fault is slow, what would be touched page by page: the Go runtime's own code, the program's
// data, and later the beginning of the heap. Hypervisors that keep page tables of their own make a fault take 10 µs and more.
// Elsewhere it takes half a microsecond, and to map pages that may stay unused costs more than their faults.
func populate() {
	start := nanotime()
	untouched[page] = 1
	if nanotime()-start < slowFault {
		heapWhole = true
		return
	}
	advise(firstmoduledata.text, abi.FuncPCABI0(rt0_go), advRead)
	advise(firstmoduledata.noptrdata, firstmoduledata.ebss, advWrite)
}

// populateHeap is told of all that is mapped for the heap and its tables.
func populateHeap(v unsafe.Pointer, n uintptr) {
	if n == heapChunk && !heapWhole {
		heapWhole = true
		advise(uintptr(v), uintptr(v)+firstHeap, advWrite)
	}
}

// advise leaves what the kernel refuses to be faulted in as usual.
func advise(from, to uintptr, advice int32) {
	from &^= page - 1
	madvise(unsafe.Pointer(from), to-from, advice)
}
