package warm

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestMadvise fills memory that was never touched, and refuses what is not there.
func TestMadvise(t *testing.T) {
	const size = 1 << 20
	m, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	start := uintptr(unsafe.Pointer(&m[0]))
	page := uintptr(unix.Getpagesize())
	if n := resident(t, start, size, page); n != 0 {
		t.Fatalf("%d pages are resident already", n)
	}
	if errno := madvise(start, size/2, populateWrite); errno != 0 {
		t.Fatalf("madvise: %v", unix.Errno(-errno))
	}
	if n, want := resident(t, start, size, page), int(size/2/page); n != want {
		t.Errorf("%d pages are resident, want %d", n, want)
	}
	if err := unix.Munmap(m); err != nil {
		t.Fatal(err)
	}
	if errno := madvise(start, size, populateWrite); unix.Errno(-errno) != unix.ENOMEM {
		t.Errorf("madvise of nothing: %v, want ENOMEM", unix.Errno(-errno))
	}
}

func resident(t *testing.T, start, size, page uintptr) (n int) {
	t.Helper()
	in := make([]byte, size/page)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, start, size, uintptr(unsafe.Pointer(&in[0]))); errno != 0 {
		t.Fatal(errno)
	}
	for _, b := range in {
		n += int(b & 1)
	}
	return n
}

// TestInit saw that init ran on a page of its own.
func TestInit(t *testing.T) {
	if first == nil || uintptr(unsafe.Pointer(first))%8192 != 0 {
		t.Errorf("the first page is at %p", first)
	}
}
