package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

const (
	batchItems = 64
	batchBytes = 256 << 10
	// batchWeight is what the headers of a batch may take before it goes: ordinary ones never do.
	batchWeight = 256 << 10
	// smallFile is the size up to which data are copied into a batch. The data of larger files are left in the stream, and
	// the side that takes the tar apart waits until they are written.
	smallFile = 32 << 10
)

// item is an entry on its way from the tar to the file system.
type item struct {
	header  *tar.Header
	data    []byte // all of a small file's
	stream  bool   // the data are still in the stream
	sparse  bool   // they have holes
	dropped int    // attributes that no file system could hold
	weight  int    // bytes that the header takes, about
}

// batch is some items, so that the sides wake each other rarely.
type batch struct {
	items  []item
	arena  []byte
	weight int // of all items
}

// queue carries batches, and empty ones back.
type queue struct {
	full, free chan *batch
	back       chan struct{} // a streamed item's data have been taken
	failed     atomic.Bool
}

func newQueue() *queue {
	const depth = 3
	q := &queue{full: make(chan *batch, depth), free: make(chan *batch, depth), back: make(chan struct{})}
	for range depth {
		q.free <- nil // made when first needed
	}
	return q
}

// fill reads the tar to its end.
func (q *queue) fill(ctx context.Context, tr *tar.Reader, in *input) error {
	defer close(q.full)
	var b *batch
	defer func() {
		if b != nil && len(b.items) > 0 {
			q.full <- b
		}
	}()
	for !q.failed.Load() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		in.header()
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		if b == nil {
			b = q.empty()
		}
		stream, err := b.add(tr, h)
		if err != nil {
			return fmt.Errorf("entry %q: %w", brief(h), err)
		}
		if stream || len(b.items) == batchItems || b.weight > batchWeight || len(b.arena) > batchBytes-smallFile {
			q.full <- b
			b = nil
		}
		if stream {
			<-q.back
		}
	}
	return nil
}

func (q *queue) empty() *batch {
	b := <-q.free
	if b == nil {
		return &batch{items: make([]item, 0, batchItems), arena: make([]byte, 0, batchBytes)}
	}
	clear(b.items) // headers may be collected
	b.items, b.arena, b.weight = b.items[:0], b.arena[:0], 0
	return b
}

// add takes an entry in, with the data of a small file; stream says that the data are still to be taken.
func (b *batch) add(tr *tar.Reader, h *tar.Header) (stream bool, err error) {
	it := item{header: h, sparse: sparse(h)}
	it.stream = h.Size > smallFile || h.Size < 0 || it.sparse
	if err := it.lean(); err != nil {
		return false, err
	}
	if h.Size > 0 && !it.stream {
		if it.data, err = b.read(tr, int(h.Size)); err != nil {
			return false, fmt.Errorf("read data: %w", noEOF(err))
		}
	}
	b.weight += it.weight
	b.items = append(b.items, it)
	return it.stream, nil
}

// read copies a small file's data into the batch, which has room for it.
func (b *batch) read(tr *tar.Reader, size int) ([]byte, error) {
	at := len(b.arena)
	b.arena = b.arena[:at+size]
	_, err := io.ReadFull(tr, b.arena[at:])
	return b.arena[at:], err
}
