package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/archive"
	"github.com/gspawn/gspawn-oci/bundle/image"
	"github.com/gspawn/gspawn-oci/bundle/layer"
	"github.com/gspawn/gspawn-oci/bundle/stream"
)

// extraction unpacks into one root file system.
type extraction struct {
	opts   *Options
	n      *counters
	tree   *layer.Tree
	limits *layer.Options
	event  func(Event)
	alone  bool // one decoder at a time
}

func (o *Options) streamLimits() stream.Limits {
	limits := stream.Limits{MaxRatio: o.MaxRatio}
	if o.MaxSize > 0 {
		// Headers and padding are bytes too: two blocks a file, and some for long names.
		limits.MaxBytes = o.MaxSize + o.MaxFiles*2048
	}
	return limits
}

func newExtraction(root int, o *Options, n *counters, event func(Event)) *extraction {
	limits := &layer.Options{MaxFiles: o.MaxFiles, MaxBytes: o.MaxSize, UIDShift: o.uidShift(), Rootless: o.Rootless}
	return &extraction{opts: o, n: n, limits: limits, event: event, tree: layer.NewTree(root, limits)}
}

// rootfs unpacks the tar of a root file system.
func (x *extraction) rootfs(ctx context.Context, r layer.Taker) error {
	err := x.tree.Apply(ctx, r, layer.Layer{})
	ended := err != nil || x.tree.Ended()
	if err == nil {
		// What follows the archive's end must not leave the writer of a pipe with a broken one.
		_, err = io.Copy(io.Discard, r)
	}
	switch {
	case err != nil:
	case !ended:
		// Nothing else vouches for the whole of it: an image has digests, a tar has its end marker.
		err = fmt.Errorf("the archive is cut off, it has no end marker (if it is whole: (cat ARCHIVE; head -c 1024 /dev/zero) makes one): %w",
			io.ErrUnexpectedEOF)
	case x.limits.Files.Load() == 0:
		err = errors.New("the archive is empty")
	}
	if err != nil {
		x.tree.Abandon()
		return err
	}
	return x.tree.Finish()
}

// image unpacks an image's layers, one above the other.
func (x *extraction) image(ctx context.Context, store archive.Store, img *image.Image, hidden *layer.Hidden) error {
	opened := make([]*opening, len(img.Layers))
	defer func() {
		for _, p := range opened {
			p.discard()
		}
	}()
	for i := range img.Layers {
		// The next layer is decompressed as far ahead as its buffers go, while this one is written.
		if opened[i] == nil {
			opened[i] = x.open(store, &img.Layers[i], false)
		}
		if i+1 < len(img.Layers) && !x.alone {
			opened[i+1] = x.open(store, &img.Layers[i+1], true)
		}
		if err := x.layer(ctx, opened[i], img, i, hidden); err != nil {
			x.tree.Abandon()
			return fmt.Errorf("layer %d of %d (%s): %w", i+1, len(img.Layers), img.Layers[i].Name, err)
		}
		opened[i] = nil
	}
	return x.tree.Finish()
}

// opening is a layer whose bytes are on their way.
type opening struct {
	file   *archive.File
	stream *stream.Reader
	err    error
}

func (p *opening) discard() {
	if p == nil {
		return
	}
	if p.stream != nil {
		p.stream.Close()
	}
	if p.file != nil {
		p.file.Close()
	}
}

// open starts reading a layer. One that is opened ahead of its turn must be light, or there is none yet: two large windows do not
// fit in memory.
func (x *extraction) open(store archive.Store, l *image.Layer, ahead bool) *opening {
	f, err := store.Open(l.Blob)
	if err != nil {
		return &opening{err: err}
	}
	if l.Want.Size >= 0 && f.Size() != l.Want.Size {
		f.Close()
		return &opening{err: fmt.Errorf("size is %d, the manifest says %d", f.Size(), l.Want.Size)}
	}
	head := make([]byte, stream.LightLen)
	if k, _ := f.ReadAt(head, 0); ahead && !stream.Light(head[:k]) {
		f.Close()
		return nil
	}
	s, err := stream.Open(f, stream.Options{Want: l.Want, Light: ahead, Limits: x.opts.streamLimits(), In: &x.n.in, Out: &x.n.out})
	return &opening{file: f, stream: s, err: err}
}

func (x *extraction) layer(ctx context.Context, p *opening, img *image.Image, i int, hidden *layer.Hidden) error {
	defer p.discard()
	if p.err != nil {
		return p.err
	}
	x.event(Event{Kind: "layer", Layer: i + 1, Layers: len(img.Layers), Name: img.Layers[i].Name, Format: p.stream.Format.String(),
		Bytes: p.file.Size()})
	if err := x.tree.Apply(ctx, p.stream, layer.Layer{Index: i, Whiteouts: true, Hidden: hidden}); err != nil {
		return x.blame(p, err)
	}
	return p.stream.Verify()
}

// blame prefers the error that explains the other: a blob that is not what the manifest says is the reason for the nonsense
// that was read from it.
func (x *extraction) blame(p *opening, err error) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) && !isTarError(err) {
		return err
	}
	if verr := p.stream.Verify(); verr != nil {
		return verr
	}
	return err
}

// scanHidden finds out what later layers hide, where their headers can be read without decompressing.
func scanHidden(store archive.Store, img *image.Image) *layer.Hidden {
	if len(img.Layers) < 2 {
		return nil
	}
	hidden := new(layer.Hidden)
	for i := range img.Layers {
		f, err := store.Open(img.Layers[i].Blob)
		if err != nil {
			return nil // reading the layer will tell
		}
		head := make([]byte, stream.MagicLen)
		k, _ := f.ReadAt(head, 0)
		if stream.Detect(head[:k]) == stream.Plain {
			err = hidden.Scan(newHeaders(f.SectionReader), i)
		}
		f.Close()
		if err != nil {
			return nil
		}
	}
	return hidden
}

// withUmask runs do with the umask that exact modes need. It is the process's; the command does nothing else meanwhile.
func withUmask(do func() error) error {
	old := unix.Umask(0)
	defer unix.Umask(old)
	return do()
}
