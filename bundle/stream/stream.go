package stream

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"
)

// Limits bound what a hostile blob can make of itself. Zero fields are no limit.
type Limits struct {
	MaxBytes int64 // decompressed bytes
	MaxRatio int64 // decompressed to compressed bytes, asked once RatioFrom bytes came out
}

// RatioFrom is how much may come out of a blob before its ratio counts: small files of zeros compress well.
const RatioFrom = 1 << 30

// Errors that callers tell apart.
var (
	ErrTooBig = errors.New("image is larger than allowed; see --max-size")
	ErrRatio  = errors.New("data expands suspiciously (a bomb?); see --max-ratio")
)

// Want is what a blob is said to be. Empty and negative fields are not known and not checked.
type Want struct {
	Digest string // of the bytes as stored, "sha256:…"
	Size   int64  // of the bytes as stored
	DiffID string // of the decompressed bytes
}

// Options of Open.
type Options struct {
	Want   Want
	Limits Limits
	Light  bool          // another stream is read at the same time: end with ErrHeavy rather than take much memory
	In     *atomic.Int64 // counts stored bytes as they are read; may be nil
	Out    *atomic.Int64 // counts decompressed bytes; may be nil. The MaxBytes limit applies to it
}

// Reader gives a blob's decompressed bytes. Verify says whether the blob was what it was said to be.
type Reader struct {
	Format Format

	want    Want
	stored  *pipe
	plain   *pipe
	release func()
	inSum   hash.Hash // nil when not wanted
	outSum  hash.Hash
	in      atomic.Int64
	out     atomic.Int64
}

// Open starts reading a blob. Decompression and hashing run ahead in goroutines until Close.
func Open(src io.Reader, o Options) (*Reader, error) {
	r := &Reader{want: o.Want, release: func() {}}
	var head [MagicLen]byte
	n, err := readFull(src, head[:])
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	r.Format = Detect(head[:n])
	src = io.MultiReader(bytes.NewReader(head[:n]), src)
	src = &counter{r: src, own: &r.in, shared: o.In}
	if err := r.sums(); err != nil {
		return nil, err
	}
	if r.Format != Plain {
		// Read ahead too: the decoder must never wait for a disk, nor spend its core on hashing.
		r.stored = newPipe(src, r.inSum, 4, nil)
		src, r.release, err = decoder(r.Format, r.stored, o.Light)
		if err != nil {
			r.stored.Close()
			return nil, err
		}
	}
	src = &guard{r: src, f: r.Format, light: o.Light, in: &r.in, out: &r.out, total: o.Out, limits: o.Limits}
	r.plain = newPipe(src, r.outSum, 16, nil)
	return r, nil
}

// sums prepares the hashes. An uncompressed blob has one sum for both: digest and DiffID are then the same thing.
func (r *Reader) sums() error {
	for _, d := range []string{r.want.Digest, r.want.DiffID} {
		if d != "" && !ValidDigest(d) {
			return fmt.Errorf("digest %q: not a sha256 digest", d)
		}
	}
	if r.want.DiffID != "" || (r.Format == Plain && r.want.Digest != "") {
		r.outSum = sha256.New()
	}
	if r.want.Digest != "" && r.Format != Plain {
		r.inSum = sha256.New()
	}
	return nil
}

// Read implements io.Reader.
func (r *Reader) Read(b []byte) (int, error) { return r.plain.Read(b) }

// Take gives the next bytes without a copy, at most max and at least one; they stay as they are until the next call.
func (r *Reader) Take(max int64) ([]byte, error) { return r.plain.Take(max) }

// Verify reads what is left of the blob and compares size and digests. It closes the reader.
func (r *Reader) Verify() error {
	if _, err := io.Copy(io.Discard, onlyReader{r.plain}); err != nil {
		r.Close()
		return err
	}
	if r.stored != nil {
		// The decoder stops where its format ends; what follows belongs to the digest as well.
		if _, err := io.Copy(io.Discard, onlyReader{r.stored}); err != nil {
			r.Close()
			return err
		}
	}
	r.Close()
	if r.want.Size >= 0 && r.in.Load() != r.want.Size {
		return fmt.Errorf("size is %d, the manifest says %d", r.in.Load(), r.want.Size)
	}
	inSum := r.inSum
	if r.Format == Plain {
		inSum = r.outSum
	}
	if r.want.Digest != "" && Digest(inSum) != r.want.Digest {
		return fmt.Errorf("digest is %s, the manifest says %s", Digest(inSum), r.want.Digest)
	}
	if r.want.DiffID != "" && Digest(r.outSum) != r.want.DiffID {
		return fmt.Errorf("DiffID is %s, the image config says %s", Digest(r.outSum), r.want.DiffID)
	}
	return nil
}

// Close ends the reading. It may be called more than once.
func (r *Reader) Close() {
	if r.stored != nil {
		r.stored.once.Do(func() { close(r.stored.stop) })
	}
	r.plain.Close()
	if r.stored != nil {
		r.stored.Close()
	}
	r.release()
	r.release = func() {}
}

// onlyReader hides the methods that would make io.Copy choose another way.
type onlyReader struct{ io.Reader }

// Digest is the OCI form of a sum.
func Digest(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

// ValidDigest says whether d is "sha256:" and 64 lower-case hexadecimal digits: what a path may be made from.
func ValidDigest(d string) bool {
	if len(d) != 7+64 || d[:7] != "sha256:" {
		return false
	}
	return IsHex(d[7:])
}

// IsHex says whether s has only lower-case hexadecimal digits, and at least one.
func IsHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}

type counter struct {
	r           io.Reader
	own, shared *atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.own.Add(int64(n))
	if c.shared != nil {
		c.shared.Add(int64(n))
	}
	return n, err
}

// guard counts what comes out of a decoder and ends it when that is too much.
type guard struct {
	r              io.Reader
	f              Format
	light          bool
	in, out, total *atomic.Int64
	limits         Limits
}

func (g *guard) Read(b []byte) (int, error) {
	n, err := g.r.Read(b)
	out := g.out.Add(int64(n))
	total := out
	if g.total != nil {
		total = g.total.Add(int64(n))
	}
	if g.limits.MaxBytes > 0 && total > g.limits.MaxBytes {
		return 0, ErrTooBig
	}
	if g.limits.MaxRatio > 0 && out > RatioFrom && out/g.limits.MaxRatio > g.in.Load() {
		return 0, ErrRatio
	}
	return n, explain(g.f, g.light, err)
}
