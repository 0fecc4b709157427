package bundle

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/image"
	"github.com/gspawn/gspawn-oci/bundle/layer"
	"github.com/gspawn/gspawn-oci/bundle/staging"
	"github.com/gspawn/gspawn-oci/bundle/stream"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/naming"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// work is one import under way.
type work struct {
	o      *Options
	n      counters
	report Report

	bundle *staging.Dir // gets config.json, and rootfs where the tree is not elsewhere
	away   *staging.Dir // the tree, with MachinesDir
	src    *source
	img    *image.Image // nil when the source is no image
	rootfs string       // root.path of config.json
	fd     int          // the tree as it is now
}

// Import makes a bundle. After an error, or when ctx is done, the destination is as it was before.
func Import(ctx context.Context, o Options) (*Report, error) {
	begin := time.Now()
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	w := &work{o: &o, fd: -1}
	o.Progress.set(&w.n, nil, nil)
	if err := w.names(); err != nil {
		return nil, err
	}
	if err := withUmask(func() error { return w.run(ctx) }); err != nil {
		return nil, err
	}
	w.report.Seconds = time.Since(begin).Seconds()
	return &w.report, nil
}

// names fills in the machine's name and the destination from each other.
func (w *work) names() error {
	o := w.o
	if o.Spec.Machine == "" && o.Dest != "" {
		abs, err := filepath.Abs(o.Dest)
		if err != nil {
			return fmt.Errorf("destination %q: %w", o.Dest, err)
		}
		o.Spec.Machine = naming.Clean(filepath.Base(abs))
	}
	if o.MachinesDir != "" {
		if o.Spec.Machine == "" {
			return errors.New("--into-machines: a name is needed; give --machine or a destination")
		}
		if o.Dest == "" {
			o.Dest = filepath.Join(o.MachinesDir, "."+o.Spec.Machine+".bundle")
		}
	}
	if o.Dest == "" {
		return errors.New("a destination is needed")
	}
	if name := o.Spec.Hostname; name != "" && naming.CheckMachine(name) != nil {
		return fmt.Errorf("--hostname %q: only letters, digits, - and . may be in it, and at most 64 of them", name)
	}
	if o.Spec.Machine == "" {
		return nil
	}
	if err := naming.CheckMachine(o.Spec.Machine); err != nil {
		return fmt.Errorf("--machine %q: %w", o.Spec.Machine, err)
	}
	return nil
}

func (w *work) run(ctx context.Context) (err error) {
	defer w.close()
	if err := w.stage(); err != nil {
		return err
	}
	w.src, err = openSource(ctx, w.o.Source, w.o.Stdin, w.bundle.TempFile, w.o, &w.n)
	if err != nil {
		return err
	}
	w.o.Progress.set(&w.n, w.src, nil)
	w.report.Source = w.src.kind
	if err := w.fill(ctx); err != nil {
		return err
	}
	if err := w.configure(); err != nil {
		return err
	}
	return w.commit(ctx)
}

// stage makes the temporary directories.
func (w *work) stage() error {
	var force staging.Replaceable
	if w.o.Force {
		force = isBundle
	}
	if w.o.MachinesDir != "" {
		// The packages that have it are often not installed. Trees with setuid programs are nobody else's to look into.
		if err := os.Mkdir(w.o.MachinesDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make the directory for machines: %w", err)
		}
	}
	var err error
	if w.bundle, err = staging.New(w.o.Dest, force); err != nil {
		return err
	}
	w.report.Bundle = w.bundle.Path
	if w.o.MachinesDir != "" {
		if w.o.Force {
			force = isTree
		}
		w.away, err = staging.New(filepath.Join(w.o.MachinesDir, w.o.Spec.Machine), force)
	}
	return err
}

// isBundle keeps --force from replacing what was never a bundle.
func isBundle(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstatat(fd, "config.json", &st, 0); err == nil {
		return nil
	}
	return refuseUnlessEmpty(fd, "it has no config.json, so it is no bundle, and is not replaced")
}

// isTree is the same for a machine's tree.
func isTree(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstatat(fd, "usr", &st, 0); err == nil {
		return nil
	}
	return refuseUnlessEmpty(fd, "it has no usr, so it is no system's tree, and is not replaced")
}

func refuseUnlessEmpty(fd int, why string) error {
	dir, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return errors.New(why)
	}
	defer unix.Close(dir)
	n, err := unix.Getdents(dir, make([]byte, 4096))
	if err != nil || n > 48 { // "." and ".." take 24 bytes each
		return errors.New(why)
	}
	return nil
}

// fill makes the tree, or points to it.
func (w *work) fill(ctx context.Context) error {
	if w.src.store != nil {
		ref := w.o.Ref
		if ref == "" {
			ref = w.src.ref
		}
		img, err := image.Resolve(w.src.store, image.Wanted{Ref: ref, Platform: w.o.Platform})
		if err != nil {
			return err
		}
		w.img = img
		w.report.Source, w.report.Ref, w.report.Digest = img.Layout, img.Ref, img.Digest
		w.report.Layers = len(img.Layers)
		w.report.Notices = append(w.report.Notices, img.Notices...)
	} else if w.o.Ref != "" || w.o.Platform != "" {
		return fmt.Errorf("source %q: it is a %s, so there is nothing to choose with --ref or --platform", w.o.Source, w.src.kind)
	}
	if w.src.tree != "" && !w.o.Copy && w.away == nil {
		return w.inPlace()
	}
	if err := w.makeRoot(); err != nil {
		return err
	}
	if w.src.tree != "" {
		return w.copyTree(ctx)
	}
	if err := w.extract(ctx, true); err != nil {
		return err
	}
	if w.src.rootfs != nil {
		if err := w.notAnImage(); err != nil {
			return fmt.Errorf("source %q: %w", w.o.Source, err)
		}
		return w.lift()
	}
	return nil
}

// inPlace points to a directory.
func (w *work) inPlace() error {
	abs, err := filepath.Abs(w.src.tree)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return fmt.Errorf("source %q: %w", w.src.tree, err)
	}
	w.rootfs, w.report.Rootfs = abs, abs
	w.fd, err = unix.Open(abs, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("source %q: %w", w.src.tree, err)
	}
	return w.checkOwner()
}

// checkOwner has the runtime map the owners of a tree when the container's root is another than the tree's: what is used
// in place is not changed.
func (w *work) checkOwner() error {
	r := w.o.Spec.PrivateUsers
	if r == nil {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(w.fd, &st); err != nil {
		return fmt.Errorf("stat %q: %w", w.rootfs, err)
	}
	asked := w.o.Spec.Ownership
	w.o.Spec.Ownership = ""
	switch {
	case st.Uid == r.Base || asked == "off":
		return nil
	case st.Uid != 0:
		return fmt.Errorf("source %q: it belongs to user %d, and the container's root is user %d; what belongs to user 0 could be mapped, "+
			"this needs --copy, which shifts the copy", w.rootfs, st.Uid, r.Base)
	}
	if err := mappable(w.fd); err != nil {
		return fmt.Errorf("source %q: it belongs to user 0, the container's root is user %d, and mounts of this file system "+
			"cannot map owners (%w); --copy shifts a copy", w.rootfs, r.Base, err)
	}
	if asked == "chown" {
		w.report.Notices = append(w.report.Notices, "PrivateUsersOwnership=chown: a tree that is used in place is not changed; the runtime maps its owners")
	}
	w.o.Spec.Ownership = "map"
	return nil
}

// makeRoot makes the directory that the tree goes into.
func (w *work) makeRoot() (err error) {
	w.o.Spec.Ownership = "" // the copy is shifted: there is nothing to map
	if w.away != nil {
		w.rootfs, w.report.Rootfs = w.away.Path, w.away.Path
		w.fd, err = unix.Openat(w.away.FD, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open %q: %w", w.away.Path, err)
		}
		if err := unix.Fchmod(w.fd, 0o755); err != nil {
			return fmt.Errorf("set mode of %q: %w", w.away.Path, err)
		}
	} else {
		w.rootfs, w.report.Rootfs = "rootfs", filepath.Join(w.bundle.Path, "rootfs")
		if w.fd, err = w.bundle.Mkdir("rootfs", 0o755); err != nil {
			return err
		}
	}
	if shift := int(w.o.uidShift()); shift != 0 {
		if err := unix.Fchown(w.fd, shift, shift); err != nil {
			return fmt.Errorf("set owner of the root file system: %w", err)
		}
	}
	return nil
}

// extract unpacks a tar or an image.
func (w *work) extract(ctx context.Context, hide bool) error {
	x := newExtraction(w.fd, w.o, &w.n, w.o.OnEvent)
	w.o.Progress.set(&w.n, w.src, x)
	if w.img == nil {
		w.o.OnEvent(Event{Kind: "layer", Layer: 1, Layers: 1, Name: "root file system"})
		if err := x.rootfs(ctx, w.src.rootfs); err != nil {
			return fmt.Errorf("source %q: %w", w.o.Source, err)
		}
	} else {
		var hidden *layer.Hidden
		if hide && w.src.seeking {
			hidden = scanHidden(w.src.store, w.img)
		}
		x.alone = !hide
		err := x.image(ctx, w.src.store, w.img, hidden)
		if errors.Is(err, layer.ErrNeedsHidden) || errors.Is(err, stream.ErrHeavy) {
			return w.again(ctx)
		}
		if err != nil {
			return err
		}
	}
	w.report.Files, w.report.Bytes = x.limits.Files.Load(), x.limits.Bytes.Load()
	w.report.Notices = append(w.report.Notices, x.tree.Notices.Lines()...)
	return nil
}

// again empties the tree and unpacks with nothing left out, one layer after the other.
func (w *work) again(ctx context.Context) error {
	if err := layer.RemoveContents(w.fd); err != nil {
		return err
	}
	w.n.in.Store(0)
	w.n.out.Store(0)
	return w.extract(ctx, false)
}

// configure writes config.json.
func (w *work) configure() error {
	s, err := w.makeSpec("/proc/self/fd/" + strconv.Itoa(w.fd))
	if err != nil {
		return err
	}
	if err := spec.Validate(s); err != nil {
		return fmt.Errorf("the configuration that the image asks for: %w", err)
	}
	f, err := w.bundle.Create("config.json", 0o644)
	if err != nil {
		return err
	}
	e := json.NewEncoder(f)
	e.SetIndent("", "\t")
	e.SetEscapeHTML(false) // an image's labels must not become six times as large
	if err := errors.Join(e.Encode(s), f.Close()); err != nil {
		return fmt.Errorf("write config.json: %w", err)
	}
	w.report.Args = s.Process.Args
	return nil
}

// commit moves everything into place, or nothing. The tree comes first: a bundle never points to nothing.
func (w *work) commit(ctx context.Context) error {
	if err := w.openForMapped(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !w.o.NoSync {
		w.o.OnEvent(Event{Kind: "sync"})
	}
	if w.away != nil {
		return staging.CommitBoth(w.away, w.bundle, !w.o.NoSync)
	}
	return w.bundle.Commit(!w.o.NoSync)
}

// openForMapped lets the container's root into the bundle's directory when it is not the host's: it has to get to the
// root file system. Nobody else may, since the tree has setuid programs of an image's making.
func (w *work) openForMapped() error {
	shift := int(w.o.uidShift())
	if shift == 0 || w.o.Rootless {
		return nil
	}
	if err := unix.Fchown(w.bundle.FD, 0, shift); err != nil {
		return fmt.Errorf("set group of the bundle: %w", err)
	}
	return unix.Fchmod(w.bundle.FD, 0o710)
}

func (w *work) close() {
	if w.src != nil {
		w.src.Close()
	}
	if w.fd >= 0 {
		unix.Close(w.fd)
	}
	if w.away != nil {
		w.away.Close()
	}
	if w.bundle != nil {
		w.bundle.Close()
	}
}

func isTarError(err error) bool {
	return errors.Is(err, tar.ErrHeader) || errors.Is(err, tar.ErrFieldTooLong)
}
