package tape

import (
	"os"
	"slices"
)

// The image's address space. Everything lies below 2 GiB, so that an address
// fits a record's 32-bit argument. Both segments are fixed, so that the address
// of data is known when it is appended: 1 MiB apart, which thousands of mounts
// do not fill, and near enough for one page table to hold both.
//
//	0x10000000  rw-  report descriptor, cells, buffers
//	0x10100000  r-x  ELF header, slot, interpreter, read-only data, records
//
// The interpreters know these numbers too.
const (
	rwBase   = 0x10000000
	rwLimit  = 0x100000
	textBase = rwBase + rwLimit

	elfHeaderSize = 64
	progHeaderLen = 56
	progHeaders   = 3

	slotOffset = elfHeaderSize + progHeaders*progHeaderLen // 0xe8: address of the first record
	codeOffset = slotOffset + 8

	// imageLimit bounds header, read-only data and records together.
	imageLimit = 1 << 30
)

// textStart returns the image's first part, to which read-only data is
// appended. The header is filled in by finishImage.
func textStart(capacity int) []byte {
	img := make([]byte, codeOffset, capacity)
	return align(appendInterpreter(img), 8)
}

// align appends zero bytes until b's length is a multiple of n, a power of two.
func align(b []byte, n int) []byte {
	pad := -len(b) & (n - 1)
	b = slices.Grow(b, pad)[:len(b)+pad]
	clear(b[len(b)-pad:])
	return b
}

// finishImage completes text (from textStart) with the records and the
// writable data. It returns the image and the offset of the first record.
func finishImage(text []byte, records []record, rw []byte) (img []byte, tapeOffset int) {
	img = align(text, 8)
	tapeOffset = len(img)
	img = append(img, recordBytes(records)...)
	textSize := len(img)
	page := os.Getpagesize()
	img = align(img, page)
	rwOffset := len(img)
	img = append(img, rw...)

	h := img[:0]
	h = append(h, 0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	h = put16(h, 2) // ET_EXEC
	h = put16(h, elfMachine)
	h = put32(h, 1) // EV_CURRENT
	h = put64(h, textBase+codeOffset)
	h = put64(h, elfHeaderSize) // program headers
	h = put64(h, 0)             // no section headers
	h = put32(h, 0)
	h = put16(h, elfHeaderSize)
	h = put16(h, progHeaderLen)
	h = put16(h, progHeaders)
	h = put16(h, 0)
	h = put16(h, 0)
	h = put16(h, 0)
	// As long in the file as in memory: no tail to be cleared, which would
	// cost a page fault within execve.
	h = progHeader(h, ptLoad, pfR|pfW, rwOffset, rwBase, len(rw), page)
	h = progHeader(h, ptLoad, pfR|pfX, 0, textBase, textSize, page)
	h = progHeader(h, ptGNUStack, pfR|pfW, 0, 0, 0, 16)
	put64(h, uint64(textBase+tapeOffset))
	return img, tapeOffset
}

// ELF constants, elf(5).
const (
	ptLoad     = 1
	ptGNUStack = 0x6474e551

	pfX = 1
	pfW = 2
	pfR = 4
)

// progHeader appends an Elf64_Phdr.
func progHeader(h []byte, typ, flags uint32, offset, addr, size, align int) []byte {
	h = put32(h, typ)
	h = put32(h, flags)
	h = put64(h, uint64(offset))
	h = put64(h, uint64(addr))
	h = put64(h, uint64(addr))
	h = put64(h, uint64(size))
	h = put64(h, uint64(size))
	return put64(h, uint64(align))
}
