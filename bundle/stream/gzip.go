package stream

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// gzipMembers reads the members of a gzip file, one after the other, and as gzip(1) takes no offence at zeros behind them: tapes and
// block devices pad files with them.
type gzipMembers struct {
	r *bufio.Reader
	z *gzip.Reader
}

func newGzip(r io.Reader) (*gzipMembers, error) {
	g := &gzipMembers{r: bufio.NewReaderSize(r, 64<<10)}
	var err error
	if g.z, err = gzip.NewReader(g.r); err != nil {
		return nil, err
	}
	g.z.Multistream(false)
	return g, nil
}

// Read implements io.Reader.
func (g *gzipMembers) Read(b []byte) (int, error) {
	n, err := g.z.Read(b)
	if errors.Is(err, io.EOF) {
		err = g.next()
	}
	return n, err
}

// next begins another member; io.EOF says that there is none.
func (g *gzipMembers) next() error {
	for {
		c, err := g.r.ReadByte()
		if err != nil {
			return err
		}
		if c == 0 {
			continue
		}
		if err := g.r.UnreadByte(); err != nil {
			return err
		}
		if err := g.z.Reset(g.r); err != nil {
			return noEOF(err)
		}
		g.z.Multistream(false)
		return nil
	}
}
