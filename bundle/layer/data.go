package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// block is the unit in which holes of sparse files are found again: the page size, and that of most file systems.
const block = 4096

// fill writes a file's data.
func (t *Tree) fill(tr *tar.Reader, h *tar.Header, fd int) error {
	if h.Size == 0 {
		return nil
	}
	if !t.data.stream {
		return writeAll(fd, t.data.data)
	}
	if t.data.sparse {
		return t.fillSparse(tr, h.Size, fd)
	}
	for left := h.Size; left > 0; {
		if t.ctx.Err() != nil {
			return context.Cause(t.ctx)
		}
		b, err := t.src.take(left, t.buf)
		if err != nil {
			return fmt.Errorf("read data: %w", noEOF(err))
		}
		if err := writeAll(fd, b); err != nil {
			return err
		}
		left -= int64(len(b))
	}
	return nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("write: %w", err)
		}
		b = b[n:]
	}
	return nil
}

// sparse says whether the archive stored holes: GNU tar's two ways of doing so.
func sparse(h *tar.Header) bool {
	return h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != "" ||
		h.PAXRecords["GNU.sparse.size"] != ""
}

// fillSparse writes what is not zero, block by block. The tar reader gives holes as zeros.
func (t *Tree) fillSparse(tr *tar.Reader, size int64, fd int) error {
	if t.zero == nil {
		t.zero = make([]byte, block)
	}
	for off := int64(0); off < size; {
		if t.ctx.Err() != nil {
			return context.Cause(t.ctx)
		}
		n, err := io.ReadFull(tr, t.buf[:min(int64(len(t.buf)), size-off)])
		if err != nil {
			return fmt.Errorf("read data: %w", noEOF(err))
		}
		for at := 0; at < n; {
			end := min(at+block, n)
			if bytes.Equal(t.buf[at:end], t.zero[:end-at]) {
				at = end
				continue
			}
			for end < n && !bytes.Equal(t.buf[end:min(end+block, n)], t.zero[:min(end+block, n)-end]) {
				end = min(end+block, n)
			}
			if _, err := unix.Pwrite(fd, t.buf[at:end], off+int64(at)); err != nil {
				return fmt.Errorf("write: %w", err)
			}
			at = end
		}
		off += int64(n)
	}
	if err := unix.Ftruncate(fd, size); err != nil {
		return fmt.Errorf("set size: %w", err)
	}
	return nil
}
