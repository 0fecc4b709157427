package runtime

import "unsafe"

const (
	slowFault = 4000     // nanoseconds
	page      = 4096     // where pages are larger, madvise refuses, and there are fewer faults
	heapStep  = 64 << 10 // bytes, by which the heap is mapped
	advWrite  = 23       // MADV_POPULATE_WRITE
)

var (
	// untouched has a page that nothing else lies on. Writing to it is the fault that is timed.
	untouched [2 * page]byte
	slow      bool    // page faults are
	heapEnd   uintptr // up to where the heap is mapped
)

// populate maps, where a page fault is slow, what would be touched page by page: the program's data, and later the beginning
// of the heap. Hypervisors that keep page tables of their own make a fault take 10 µs and more. Elsewhere it takes half
// a microsecond, and to map pages that may stay unused costs more than their faults.
func populate() {
	start := nanotime()
	untouched[page] = 1
	if nanotime()-start < slowFault {
		return
	}
	slow = true
	advise(firstmoduledata.noptrdata, firstmoduledata.ebss)
}

// populateHeap maps what the heap comes to use, and a little further, for it grows from its beginning on. It is called with
// pages that are about to be used for the first time, or again.
func populateHeap(from, to uintptr) {
	if heapEnd == 0 {
		heapEnd = from
	}
	if slow && from <= heapEnd && heapEnd < to {
		to = alignUp(to, heapStep)
		advise(heapEnd, to)
		heapEnd = to
	}
}

// advise leaves what the kernel refuses to be faulted in as usual.
func advise(from, to uintptr) {
	from &^= page - 1
	madvise(unsafe.Pointer(from), to-from, advWrite)
}
