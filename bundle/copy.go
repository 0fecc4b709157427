package bundle

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/copytree"
	"github.com/gspawn/gspawn-oci/bundle/layer"
)

// copyTree copies a directory into the bundle.
func (w *work) copyTree(ctx context.Context) error {
	src, err := unix.Open(w.src.tree, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("source %q: %w", w.src.tree, err)
	}
	defer unix.Close(src)
	x := newExtraction(w.fd, w.o, &w.n, w.o.OnEvent)
	w.o.Progress.set(&w.n, w.src, x)
	w.o.OnEvent(Event{Kind: "copy", Name: w.src.tree})
	var self unix.Stat_t
	if err := unix.Fstat(w.bundle.FD, &self); err != nil {
		return fmt.Errorf("stat the bundle: %w", err)
	}
	err = copytree.Copy(ctx, src, w.fd, copytree.Options{
		UIDShift: w.o.uidShift(),
		ShiftACL: layer.ShiftACL,
		Rootless: w.o.Rootless,
		Notice:   x.tree.Notices.Add,
		Skip:     func(dev, ino uint64) bool { return dev == self.Dev && ino == self.Ino },
		Count: func(bytes int64) error {
			if n := x.limits.Files.Add(1); w.o.MaxFiles > 0 && n > w.o.MaxFiles {
				return layer.ErrTooManyFiles
			}
			if n := x.limits.Bytes.Add(bytes); w.o.MaxSize > 0 && n > w.o.MaxSize {
				return layer.ErrTooBig
			}
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("source %q: %w", w.src.tree, err)
	}
	w.report.Files, w.report.Bytes = x.limits.Files.Load(), x.limits.Bytes.Load()
	w.report.Notices = append(w.report.Notices, x.tree.Notices.Lines()...)
	return nil
}
