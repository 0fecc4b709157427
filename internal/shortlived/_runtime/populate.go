package runtime

import (
	"internal/abi"
	"unsafe"
)

const (
	slowFault = 4000     // nanoseconds
	page      = 4096     // where pages are larger, madvise refuses, and there are fewer faults
	window    = 64 << 10 // bytes: what the kernel maps of a file at a fault (fault_around_bytes)
	advRead   = 22       // MADV_POPULATE_READ
	advWrite  = 23       // MADV_POPULATE_WRITE
)

var (
	// untouched has a page that nothing else lies on. Writing to it is the fault that is timed.
	untouched [2 * page]byte
	slow      bool    // page faults are
	heapEnd   uintptr // up to where the heap is mapped
)

// populate maps, where a page fault is slow, what would be touched page by page: the Go runtime's own code, the program's
// data, and later the beginning of the heap. Hypervisors that keep page tables of their own make a fault take 10 µs and more.
// Elsewhere it takes half a microsecond, and to map pages that may stay unused costs more than their faults.
func populate() {
	start := nanotime()
	untouched[page] = 1
	if nanotime()-start < slowFault {
		return
	}
	slow = true
	advise(firstmoduledata.text, abi.FuncPCABI0(rt0_go), advRead)
	mapped := uint64(0) // a bit for each window; where the code is larger than 64 of them, some are left out
	for _, t := range firstmoduledata.inittasks {
		for _, pc := range unsafe.Slice((*uintptr)(add(unsafe.Pointer(t), unsafe.Sizeof(*t))), t.nfns) {
			if bit := uint64(1) << (pc / window % 64); mapped&bit == 0 {
				mapped |= bit
				advise(pc, pc+1, advRead)
			}
		}
	}
	advise(firstmoduledata.rodata, uintptr(unsafe.Pointer(firstmoduledata.pcHeader)), advRead)
	advise(firstmoduledata.noptrdata, firstmoduledata.ebss, advWrite)
}

// populateHeap maps what the heap comes to use, and a little further, for it grows from its beginning on. It is called with
// pages that are about to be used for the first time, or again.
func populateHeap(from, to uintptr) {
	if heapEnd == 0 {
		heapEnd = from
	}
	if slow && from <= heapEnd && heapEnd < to {
		to = alignUp(to, window)
		advise(heapEnd, to, advWrite)
		heapEnd = to
	}
}

// advise leaves what the kernel refuses to be faulted in as usual.
func advise(from, to uintptr, advice int32) {
	from &^= page - 1
	madvise(unsafe.Pointer(from), to-from, advice)
}
