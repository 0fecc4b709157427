package stream_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/bundle/stream"
	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

func unknown() stream.Want { return stream.Want{Size: -1} }

// FuzzOpen decompresses any bytes within limits.
func FuzzOpen(f *testing.F) {
	raw := bytes.Repeat([]byte("gspawn "), 1000)
	for _, how := range []string{"", "gzip", "zstd"} {
		f.Add(iw.Compress(how, raw))
	}
	f.Add([]byte("BZh91AY&SY\x00"))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04"))
	f.Add([]byte("\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := stream.Open(bytes.NewReader(raw), stream.Options{Want: unknown(), Limits: stream.Limits{MaxBytes: 1 << 20}})
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, r)
		if n > 1<<20 {
			t.Errorf("%d bytes came out, the limit is 1 MiB", n)
		}
		if err == nil {
			if err := r.Verify(); err != nil {
				t.Errorf("nothing was wanted, and yet: %v", err)
			}
		}
		r.Close()
	})
}

// TestVerify: size, digest and DiffID are checked for each compression, however much of the stream was read.
func TestVerify(t *testing.T) {
	raw := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	for _, how := range []string{"", "gzip", "zstd"} {
		stored := iw.Compress(how, raw)
		good := stream.Want{Digest: iw.Digest(stored), Size: int64(len(stored)), DiffID: iw.Digest(raw)}
		wrong := iw.Digest([]byte("x"))
		for name, c := range map[string]struct {
			want  stream.Want
			fails string
		}{
			"good":       {good, ""},
			"digest":     {stream.Want{Digest: wrong, Size: -1}, "digest is"},
			"diffid":     {stream.Want{DiffID: wrong, Size: -1}, "DiffID is"},
			"size":       {stream.Want{Size: 7}, "size is"},
			"not a sum":  {stream.Want{Digest: "md5:x", Size: -1}, "not a sha256"},
			"not wanted": {stream.Want{Size: -1}, ""},
		} {
			t.Run(how+"/"+name, func(t *testing.T) {
				r, err := stream.Open(bytes.NewReader(stored), stream.Options{Want: c.want})
				if err == nil {
					if _, err := io.CopyN(io.Discard, r, 1000); err != nil {
						t.Fatal(err)
					}
					err = r.Verify()
				}
				if (err == nil) != (c.fails == "") || (err != nil && !strings.Contains(err.Error(), c.fails)) {
					t.Errorf("error %v, want %q", err, c.fails)
				}
			})
		}
	}
}

// TestTrailing: what follows the end of a compressed stream belongs to the digest.
func TestTrailing(t *testing.T) {
	stored := append(iw.Compress("zstd", []byte("hello")), 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4)
	r, err := stream.Open(bytes.NewReader(stored), stream.Options{Want: stream.Want{Digest: iw.Digest(stored), Size: int64(len(stored))}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Verify(); err != nil {
		t.Error(err)
	}
}

// TestGzipTail: members follow each other, zeros between and behind them mean nothing, and other bytes are an error.
func TestGzipTail(t *testing.T) {
	one, two, zeros := string(iw.Compress("gzip", []byte("one"))), string(iw.Compress("gzip", []byte("two"))), strings.Repeat("\x00", 70_000)
	for name, c := range map[string]struct{ stored, want, fails string }{
		"alone":            {one, "one", ""},
		"members":          {one + two, "onetwo", ""},
		"padded":           {one + zeros, "one", ""},
		"one zero":         {one + "\x00", "one", ""},
		"padded between":   {one + zeros + two, "onetwo", ""},
		"garbage":          {one + "garbage behind", "one", "gzip: invalid header"},
		"second is cut":    {one + two[:10], "one", "unexpected EOF"},
		"cut in a header":  {one + two[:5], "one", "unexpected EOF"},
		"cut in a trailer": {one[:len(one)-1], "one", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			want := stream.Want{Digest: iw.Digest([]byte(c.stored)), Size: int64(len(c.stored)), DiffID: iw.Digest([]byte(c.want))}
			r, err := stream.Open(strings.NewReader(c.stored), stream.Options{Want: want})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			if err == nil {
				err = r.Verify()
			}
			if string(got) != c.want || (err == nil) != (c.fails == "") || (err != nil && !strings.Contains(err.Error(), c.fails)) {
				t.Errorf("got %q, error %v, want %q and %q", got, err, c.want, c.fails)
			}
		})
	}
}

// TestBombs: the limits end a stream.
func TestBombs(t *testing.T) {
	zeros := iw.Compress("gzip", make([]byte, 64<<20))
	r, err := stream.Open(bytes.NewReader(zeros), stream.Options{Want: unknown(), Limits: stream.Limits{MaxBytes: 10 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, stream.ErrTooBig) || n > 10<<20 {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// TestRatio: more than a gigabyte out of next to nothing is refused.
func TestRatio(t *testing.T) {
	one := iw.Compress("zstd", make([]byte, 256<<20))
	many := io.MultiReader(bytes.NewReader(one), bytes.NewReader(one), bytes.NewReader(one), bytes.NewReader(one), bytes.NewReader(one))
	r, err := stream.Open(many, stream.Options{Want: unknown(), Limits: stream.Limits{MaxRatio: 1100}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); !errors.Is(err, stream.ErrRatio) || n > 5<<28 {
		t.Errorf("%d bytes, %v", n, err)
	}
}
