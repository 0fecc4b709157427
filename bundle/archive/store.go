package archive

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Store is the files of an image, by slash-separated names relative to its top.
type Store interface {
	// Open gives a file's bytes. A missing file is fs.ErrNotExist. The caller closes it.
	Open(name string) (*File, error)
	// Close releases the store. Files that it opened stay usable.
	Close() error
}

// File is one opened file of a store.
type File struct {
	*io.SectionReader
	close func() error
}

// Close releases the file.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// ReadAll reads a small file whole; one of more than limit bytes is an error.
func ReadAll(s Store, name string, limit int64) ([]byte, error) {
	f, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Size() > limit {
		return nil, fmt.Errorf("read %q: %d bytes are more than the %d that such a document may have", name, f.Size(), limit)
	}
	raw := make([]byte, f.Size())
	if _, err := io.ReadFull(f, raw); err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	return raw, nil
}

// Has says whether the store has a file of that name.
func Has(s Store, name string) bool {
	f, err := s.Open(name)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// dir is a store over a directory. Symbolic links are followed within it only.
type dir struct{ f *os.File }

// OpenDir makes a store of a directory.
func OpenDir(path string) (Store, error) {
	f, err := os.OpenFile(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &dir{f}, nil
}

func (d *dir) Open(name string) (*File, error) {
	how := unix.OpenHow{
		// O_NONBLOCK: a fifo in the place of a blob must not hang us.
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(int(d.f.Fd()), name, &how)
	for errors.Is(err, unix.EAGAIN) { // something was renamed meanwhile, the kernel is not sure
		fd, err = unix.Openat2(int(d.f.Fd()), name, &how)
	}
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("open %q: not a regular file", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{SectionReader: io.NewSectionReader(f, 0, st.Size()), close: f.Close}, nil
}

func (d *dir) Close() error { return d.f.Close() }
