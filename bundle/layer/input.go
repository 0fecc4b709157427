package layer

import (
	"bytes"
	"errors"
	"io"
)

// Taker is a reader that can hand out its bytes without a copy.
type Taker interface {
	io.Reader
	// Take gives at least one and at most max bytes, which stay as they are until the next call, or an error.
	Take(max int64) ([]byte, error)
}

// input is what the tar reader reads headers from. Files' data are taken past it, straight from the stream's buffer to the
// file; the tar reader then seeks over bytes that are gone already.
type input struct {
	r     io.Reader
	taker Taker // r, if it is one
	pos   int64
	ahead int64 // bytes taken that the tar reader has yet to pass

	// Of the blocks that the tar reader asks for while it looks for the next header:
	left  int  // bytes of the present one that are still to come
	zero  bool // it is zeros so far
	zeros int  // whole ones that were
}

func newInput(r io.Reader) *input {
	taker, _ := r.(Taker)
	return &input{r: r, taker: taker}
}

// Read implements io.Reader for the tar reader.
func (in *input) Read(b []byte) (int, error) {
	if in.ahead > 0 {
		n := int(min(in.ahead, int64(len(b))))
		clear(b[:n])
		in.ahead -= int64(n)
		in.pos += int64(n)
		return n, nil
	}
	n, err := in.r.Read(b)
	in.pos += int64(n)
	in.watch(b[:n], len(b))
	return n, err
}

const tarBlock = 512

var zeroBlock [tarBlock]byte

// watch counts blocks of zeros, the end marker of a tar. Nothing but a header is asked for in reads of this size: what is skipped or
// padding comes in others.
func (in *input) watch(b []byte, asked int) {
	if asked == tarBlock {
		in.left, in.zero = tarBlock, true
	}
	if asked != in.left || asked == 0 {
		return
	}
	in.zero = in.zero && bytes.Equal(b, zeroBlock[:len(b)])
	if in.left -= len(b); in.left == 0 && in.zero {
		in.zeros++
	}
}

// header is called before the tar reader looks for a header.
func (in *input) header() { in.left, in.zeros = 0, 0 }

// Seek implements the one kind of io.Seeker that the tar reader uses: forward from here. Where the stream ends earlier, it
// goes as far as it can, and the tar reader finds out.
func (in *input) Seek(offset int64, whence int) (int64, error) {
	if whence != io.SeekCurrent || offset < 0 {
		return 0, errors.ErrUnsupported
	}
	n := min(in.ahead, offset)
	in.ahead -= n
	in.pos += n
	for offset -= n; offset > 0; {
		b, err := in.next(offset, nil)
		if err != nil {
			break
		}
		offset -= int64(len(b))
		in.pos += int64(len(b))
	}
	return in.pos, nil //nolint:nilerr // the tar reader finds out
}

// take gives data of the current entry; buf is used where the stream cannot hand out its own.
func (in *input) take(max int64, buf []byte) ([]byte, error) {
	b, err := in.next(max, buf)
	in.ahead += int64(len(b))
	return b, err
}

func (in *input) next(max int64, buf []byte) ([]byte, error) {
	if in.taker != nil {
		return in.taker.Take(max)
	}
	if buf == nil {
		buf = make([]byte, min(max, 32<<10))
	}
	if int64(len(buf)) > max {
		buf = buf[:max]
	}
	n, err := io.ReadAtLeast(in.r, buf, 1)
	return buf[:n], err
}
