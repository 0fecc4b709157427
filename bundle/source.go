package bundle

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/archive"
	"github.com/gspawn/gspawn-oci/bundle/layer"
	"github.com/gspawn/gspawn-oci/bundle/stream"
)

// source is what an import starts from: exactly one of tree, store and rootfs is set.
type source struct {
	kind    string        // for the report: "directory", "oci-layout", "image-archive", "rootfs-tar"
	ref     string        // a reference that came with the path, "oci-dir:tag"
	tree    string        // a directory that holds a system, absolute
	store   archive.Store // an image
	rootfs  layer.Taker   // a tar of a root file system, decompressed, to be read once
	seeking bool          // the store's blobs can be read at any place at no cost

	size  int64 // bytes that will be read, 0 when not known
	close []func() error
}

func (s *source) Close() {
	if s.store != nil {
		s.store.Close()
	}
	for i := len(s.close) - 1; i >= 0; i-- {
		_ = s.close[i]() // all of them were read only
	}
	s.close = nil
}

// prefixes are how skopeo and podman write sources. They are accepted, and mean nothing: content decides.
var prefixes = []string{"oci-archive:", "docker-archive:", "oci:", "dir:"}

// locate finds the file that an argument names: a path, or path:reference.
func locate(arg string) (path, ref string, err error) {
	if _, err := os.Stat(arg); err == nil {
		return arg, "", nil
	}
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(arg, p); ok {
			if path, ref, err := locate(rest); err == nil {
				return path, ref, nil
			}
		}
	}
	// The reference may have colons of its own ("layout:name:tag"): the longest path that exists wins.
	for i := len(arg) - 1; i > 0; i-- {
		if arg[i] != ':' {
			continue
		}
		if _, err := os.Stat(arg[:i]); err == nil {
			return arg[:i], arg[i+1:], nil
		}
	}
	return "", "", &fs.PathError{Op: "open", Path: arg, Err: fs.ErrNotExist}
}

// counters are for the progress display.
type counters struct {
	in, out atomic.Int64
}

// openSource recognises what arg names; "-" is standard input. spool gives a file for streams that have to be read twice.
func openSource(ctx context.Context, arg string, stdin *os.File, spool func() (*os.File, error), o *Options, n *counters) (*source, error) {
	if arg == "-" {
		if stdin == nil {
			return nil, errors.New("source -: there is no standard input")
		}
		s := &source{}
		err := s.fromFile(ctx, stdin, spool, o, n)
		return s, err
	}
	path, ref, err := locate(arg)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", arg, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", arg, err)
	}
	s := &source{ref: ref, close: []func() error{f.Close}}
	st, err := f.Stat()
	switch {
	case err != nil:
	case st.IsDir():
		err = s.fromDirectory(path)
	case st.Mode().IsRegular() || st.Mode()&fs.ModeNamedPipe != 0:
		err = unix.SetNonblock(int(f.Fd()), false)
		if err == nil {
			err = s.fromFile(ctx, f, spool, o, n)
		}
	default:
		err = errors.New("neither a file nor a directory")
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("source %q: %w", arg, err)
	}
	return s, nil
}

// fromDirectory tells an OCI layout, or an unpacked docker-save archive, from a system's tree.
func (s *source) fromDirectory(path string) error {
	store, err := archive.OpenDir(path)
	if err != nil {
		return err
	}
	layout := archive.Has(store, "oci-layout") && archive.Has(store, "index.json")
	saved := false
	if !layout && !tree(path) { // a system's tree may have any file at its top
		if saved, err = documented(store); err != nil {
			store.Close()
			return err
		}
	}
	if layout || saved {
		s.kind, s.store, s.seeking = "oci-layout", store, true
		if !layout {
			s.kind = "image-directory"
		}
		return nil
	}
	store.Close()
	if s.ref != "" {
		return fmt.Errorf("it is no image layout, so there is no %q in it", s.ref)
	}
	s.kind, s.tree = "directory", path
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// fromFile recognises a tar, of a file or a stream.
func (s *source) fromFile(ctx context.Context, f *os.File, spool func() (*os.File, error), o *Options, n *counters) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Mode().IsRegular() {
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		s.size = st.Size() - at
		head := make([]byte, stream.MagicLen)
		k, _ := f.ReadAt(head, at) // an error here comes again below
		if stream.Detect(head[:k]) == stream.Plain {
			return s.seekable(f, at, s.size, o, n)
		}
	}
	return s.streamed(ctx, f, spool, o, n)
}

// seekable is an uncompressed tar in a file: headers are read where they lie.
func (s *source) seekable(f *os.File, at, size int64, o *Options, n *counters) error {
	section := io.NewSectionReader(f, at, size)
	kind, err := archive.Probe(section)
	if err != nil {
		return err
	}
	if kind != archive.ImageLike {
		if _, err := section.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if kind = archive.RootFS; archive.HasDocuments(newHeaders(section)) {
			kind = archive.Unclear
		}
	}
	if kind != archive.RootFS {
		store, err := archive.OpenTar(section, size, nil)
		if err != nil {
			return err
		}
		is, err := documented(store)
		if err != nil {
			return err
		}
		if is || (kind == archive.ImageLike && hasManifest(store)) {
			s.kind, s.store, s.seeking = "image-archive", store, true
			return nil
		}
	}
	if s.ref != "" {
		return fmt.Errorf("it is no image, so there is no %q in it", s.ref)
	}
	if _, err := section.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return s.plainRootfs(section, o, n)
}

// hasManifest is enough for an archive that begins like an image: if its documents are damaged, that is the error.
func hasManifest(s archive.Store) bool {
	if archive.Has(s, "index.json") || archive.Has(s, "repositories") {
		return true
	}
	raw, err := archive.ReadAll(s, "manifest.json", enoughDocument)
	return err == nil && !isObject(raw) || err != nil && archive.Has(s, "manifest.json")
}

// plainRootfs reads a root file system's tar ahead of its use.
func (s *source) plainRootfs(r io.Reader, o *Options, n *counters) error {
	sr, err := stream.Open(r, stream.Options{Want: stream.Want{Size: -1}, Limits: o.streamLimits(), In: &n.in, Out: &n.out})
	if err != nil {
		return err
	}
	s.kind, s.rootfs = "rootfs-tar", sr
	s.close = append(s.close, func() error { sr.Close(); return nil })
	return nil
}

// streamed is a stream, or a file that is compressed as a whole: what comes decides. A root file system goes straight on; an
// image's documents come after its layers in nearly every archive, so it is kept in a file without a name until
// the end is there.
func (s *source) streamed(ctx context.Context, f *os.File, spool func() (*os.File, error), o *Options, n *counters) error {
	var in io.Reader = f
	if st, err := f.Stat(); err == nil && !st.Mode().IsRegular() {
		in = &patient{ctx: ctx, f: f}
	}
	sr, err := stream.Open(in, stream.Options{Want: stream.Want{Size: -1}, Limits: o.streamLimits(), In: &n.in, Out: &n.out})
	if err != nil {
		return err
	}
	s.close = append(s.close, func() error { sr.Close(); return nil })
	var seen bytes.Buffer
	kind, err := archive.Probe(io.TeeReader(io.LimitReader(sr, 4<<20), &seen))
	if err != nil {
		return err
	}
	whole := &replay{seen: seen.Bytes(), rest: sr}
	if kind == archive.RootFS {
		s.kind, s.rootfs = "rootfs-tar", whole
		return nil
	}
	return s.spooled(ctx, whole, spool, o, n)
}

func (s *source) spooled(ctx context.Context, r io.Reader, spool func() (*os.File, error), o *Options, n *counters) error {
	tmp, err := spool()
	if err != nil {
		return err
	}
	s.close = append(s.close, tmp.Close)
	size, err := copyAll(ctx, tmp, r)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	s.size = size
	n.in.Store(0)
	n.out.Store(0)
	return s.seekable(tmp, 0, size, o, n)
}

func copyAll(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	buf := make([]byte, 256<<10)
	var total int64
	for {
		if ctx.Err() != nil {
			return total, context.Cause(ctx)
		}
		k, err := r.Read(buf)
		if k > 0 {
			if _, err := w.Write(buf[:k]); err != nil {
				return total, err
			}
			total += int64(k)
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// replay gives what was read once more, then the rest.
type replay struct {
	seen []byte
	rest *stream.Reader
}

func (p *replay) Read(b []byte) (int, error) {
	if len(p.seen) == 0 {
		return p.rest.Read(b)
	}
	n := copy(b, p.seen)
	p.seen = p.seen[n:]
	return n, nil
}

// Take implements layer.Taker.
func (p *replay) Take(max int64) ([]byte, error) {
	if len(p.seen) == 0 {
		return p.rest.Take(max)
	}
	b := p.seen[:min(max, int64(len(p.seen)))]
	p.seen = p.seen[len(b):]
	return b, nil
}

// patient reads from a pipe or terminal without being stuck in it when the import is cancelled.
type patient struct {
	ctx context.Context
	f   *os.File
}

func (p *patient) Read(b []byte) (int, error) {
	for {
		if p.ctx.Err() != nil {
			return 0, context.Cause(p.ctx)
		}
		fds := []unix.PollFd{{Fd: int32(p.f.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 200)
		if errors.Is(err, unix.EINTR) || (err == nil && n == 0) {
			continue
		}
		if err != nil {
			return 0, err
		}
		return p.f.Read(b)
	}
}

// headers reads a tar's headers from a file: small steps come from a buffer, large ones are seeks.
type headers struct {
	s   *io.SectionReader
	buf *bufio.Reader
	pos int64
}

func newHeaders(s *io.SectionReader) *headers {
	return &headers{s: s, buf: bufio.NewReaderSize(s, 32<<10)}
}

func (h *headers) Read(b []byte) (int, error) {
	n, err := h.buf.Read(b)
	h.pos += int64(n)
	return n, err
}

// Seek is what archive/tar uses to pass over data.
func (h *headers) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		off += h.pos
	case io.SeekEnd:
		off += h.s.Size()
	}
	if step := off - h.pos; step >= 0 && step <= int64(h.buf.Buffered()) {
		_, _ = h.buf.Discard(int(step)) // it has so much
	} else if off != h.pos {
		if _, err := h.s.Seek(off, io.SeekStart); err != nil {
			return 0, err
		}
		h.buf.Reset(h.s)
	}
	h.pos = off
	return off, nil
}
