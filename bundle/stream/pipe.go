package stream

import (
	"hash"
	"io"
	"sync"
	"sync/atomic"
)

// chunkSize is large enough that a wake-up of the other side (several µs in a virtual machine) is lost in the time
// that the chunk takes, and small enough to stay in the second-level cache between producer, hasher and consumer.
const chunkSize = 256 << 10

// chunk is a piece of the stream on its way to the consumer and to the hasher. It returns to the pool when both are
// done with it.
type chunk struct {
	buf  []byte
	n    int
	err  error // ends the stream after these n bytes
	refs atomic.Int32
}

// pipe reads ahead: a goroutine fills chunks from a reader, another hashes them, and Read hands them out.
type pipe struct {
	free   chan *chunk
	full   chan *chunk
	hashed chan *chunk
	stop   chan struct{}
	once   sync.Once
	wg     sync.WaitGroup

	cur *chunk
	off int
	err error
}

// newPipe starts reading src. depth is the number of chunks in flight. With sum nil nothing is hashed.
// count is added to with every chunk that was read.
func newPipe(src io.Reader, sum hash.Hash, depth int, count *atomic.Int64) *pipe {
	p := &pipe{
		free: make(chan *chunk, depth),
		full: make(chan *chunk, depth),
		stop: make(chan struct{}),
	}
	for range depth {
		p.free <- nil // allocated when first needed: small layers need one
	}
	if sum != nil {
		p.hashed = make(chan *chunk, depth)
		p.wg.Go(func() { p.hash(sum) })
	}
	p.wg.Go(func() { p.fill(src, count) })
	return p
}

func (p *pipe) fill(src io.Reader, count *atomic.Int64) {
	defer close(p.full)
	if p.hashed != nil {
		defer close(p.hashed)
	}
	for {
		var c *chunk
		select {
		case c = <-p.free:
		case <-p.stop:
			return
		}
		if c == nil {
			c = &chunk{buf: make([]byte, chunkSize)}
		}
		c.n, c.err = readFull(src, c.buf)
		if count != nil {
			count.Add(int64(c.n))
		}
		failed := c.err != nil
		c.refs.Store(1)
		if p.hashed != nil {
			c.refs.Store(2)
			p.hashed <- c
		}
		p.full <- c
		if failed {
			return
		}
	}
}

// readFull fills buf as far as the source goes, and unlike io.ReadFull keeps the source's own error.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	for empty := 0; n < len(buf) && err == nil; {
		var k int
		k, err = r.Read(buf[n:])
		n += k
		if k > 0 {
			empty = 0
		} else if empty++; empty > 100 {
			return n, io.ErrNoProgress
		}
	}
	return n, err
}

func (p *pipe) hash(sum hash.Hash) {
	for c := range p.hashed {
		sum.Write(c.buf[:c.n])
		p.release(c)
	}
}

func (p *pipe) release(c *chunk) {
	if c.refs.Add(-1) == 0 {
		p.free <- c
	}
}

// next makes the current chunk one with unread bytes.
func (p *pipe) next() error {
	for p.cur == nil || p.off == p.cur.n {
		if p.err != nil {
			return p.err
		}
		if p.cur != nil {
			p.err = p.cur.err
			p.release(p.cur)
			p.cur, p.off = nil, 0
			continue
		}
		c, ok := <-p.full
		if !ok {
			p.err = io.ErrClosedPipe
			continue
		}
		p.cur = c
	}
	return nil
}

// Read implements io.Reader.
func (p *pipe) Read(b []byte) (int, error) {
	if err := p.next(); err != nil {
		return 0, err
	}
	n := copy(b, p.cur.buf[p.off:p.cur.n])
	p.off += n
	return n, nil
}

// Take is Read without the copy: at most max bytes, at least one, which stay as they are until the next call.
func (p *pipe) Take(max int64) ([]byte, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	b := p.cur.buf[p.off:p.cur.n]
	if int64(len(b)) > max {
		b = b[:max]
	}
	p.off += len(b)
	return b, nil
}

// Close ends the reading and waits for the goroutines, so that sums are complete afterwards.
func (p *pipe) Close() {
	p.once.Do(func() { close(p.stop) })
	if p.cur != nil {
		p.release(p.cur)
		p.cur = nil
	}
	p.err = io.ErrClosedPipe
	// A producer that waits for room finds it: every chunk in flight fits the channels.
	p.wg.Wait()
}
