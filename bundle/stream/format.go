package stream

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// Format is a compression, recognised by the first bytes.
type Format uint8

// The compressions that images and root file systems come in.
const (
	Plain Format = iota
	Gzip
	Zstd
	Xz
	Bzip2
)

// MagicLen is how many bytes Detect needs to decide; Light can do with more.
const (
	MagicLen = 10
	LightLen = zstd.HeaderMaxSize
)

func (f Format) String() string {
	switch f {
	case Gzip:
		return "gzip"
	case Zstd:
		return "zstd"
	case Xz:
		return "xz"
	case Bzip2:
		return "bzip2"
	}
	return "uncompressed"
}

// Detect recognises a compression by its magic. Nothing else is asked: media types and file names lie in the wild.
func Detect(head []byte) Format {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}):
		return Gzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}), isSkippableFrame(head):
		return Zstd
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return Xz
	case len(head) >= 10 && head[0] == 'B' && head[1] == 'Z' && head[2] == 'h' && head[3] >= '1' && head[3] <= '9' &&
		(bytes.Equal(head[4:10], []byte{0x31, 0x41, 0x59, 0x26, 0x53, 0x59}) ||
			bytes.Equal(head[4:10], []byte{0x17, 0x72, 0x45, 0x38, 0x50, 0x90})):
		return Bzip2
	}
	return Plain
}

// isSkippableFrame: zstd files may begin with a frame of metadata (pzstd and zstd:chunked write them).
func isSkippableFrame(head []byte) bool {
	return len(head) >= 4 && head[0]&0xf0 == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18
}

// The windows that decoders may ask for. The zstd limit is four times what encoders for images use (8 MiB); xz has
// 64 MiB because "xz -9" writes that into every header, however short the data (memory is touched as it is used).
const (
	maxZstdWindow = 32 << 20
	maxXzWindow   = 64 << 20
	// lightWindow is what a decoder may take while another one is at work.
	lightWindow = 8 << 20
)

// ErrHeavy ends a stream of Options.Light that turns out to need a larger window than it began with.
var ErrHeavy = errors.New("the data needs a large window")

// Light says of a blob's first bytes whether its decoder takes little memory.
func Light(head []byte) bool {
	switch Detect(head) {
	case Xz:
		return false // the window is not in the first bytes, and in practice it is large
	case Zstd:
		var h zstd.Header
		return h.Decode(head) == nil && !h.Skippable && h.WindowSize <= lightWindow
	}
	return true
}

// decoder returns a reader of the decompressed bytes, and what releases it.
func decoder(f Format, r io.Reader, light bool) (io.Reader, func(), error) {
	nothing := func() {}
	switch f {
	case Plain:
		return r, nothing, nil
	case Gzip:
		z, err := newGzip(r)
		if err != nil {
			return nil, nil, fmt.Errorf("read gzip header: %w", noEOF(err))
		}
		return z, nothing, nil
	case Zstd:
		window := uint64(maxZstdWindow)
		if light {
			window = lightWindow
		}
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(1<<40))
		if err != nil {
			return nil, nil, fmt.Errorf("read zstd header: %w", err)
		}
		return z, z.Close, nil
	case Xz:
		z, err := xz.NewReader(r, maxXzWindow)
		if err != nil {
			return nil, nil, fmt.Errorf("read xz header: %w", err)
		}
		return z, nothing, nil
	case Bzip2:
		return bzip2.NewReader(r), nothing, nil
	}
	return nil, nil, fmt.Errorf("[bug] compression %d", f)
}

// explain makes a decoder's error one that says what to do.
func explain(f Format, light bool, err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case light && errors.Is(err, zstd.ErrWindowSizeExceeded):
		return ErrHeavy
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, xz.ErrMemlimit):
		return fmt.Errorf("decompress %s: the data needs a window of more than %d MiB; compress it again with a lower level",
			f, window(f)>>20)
	case f == Plain:
		return err
	}
	return fmt.Errorf("decompress %s: %w", f, noEOF(err))
}

func window(f Format) int {
	if f == Zstd {
		return maxZstdWindow
	}
	return maxXzWindow
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
