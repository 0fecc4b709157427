package nspawn

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// RootTree is a Tree on a directory's descriptor. Every path is resolved by
// openat2(2) with RESOLVE_IN_ROOT, so no symlink of the tree leads out of it.
type RootTree struct {
	fd   int
	path string // of the root, as the kernel names it; read when needed
}

// OpenTree opens the tree below a directory. The caller closes it.
func OpenTree(dir string) (*RootTree, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open root %q: %w", dir, err)
	}
	return &RootTree{fd: fd}, nil
}

// Close gives the descriptor back.
func (t *RootTree) Close() error { return unix.Close(t.fd) }

func (t *RootTree) open(name string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	for {
		fd, err := unix.Openat2(t.fd, name, &how)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN: // a rename raced with the resolution
			continue
		case err == unix.ENOTDIR:
			// A file where a directory should be: the path does not exist.
			return -1, fmt.Errorf("open %q in the root: %w", name, fs.ErrNotExist)
		case err != nil:
			return -1, fmt.Errorf("open %q in the root: %w", name, err)
		}
		return fd, nil
	}
}

// Resolve implements Tree.
func (t *RootTree) Resolve(name string) (string, fs.FileMode, error) {
	fd, err := t.open(name, unix.O_PATH)
	if err != nil {
		return "", 0, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", 0, fmt.Errorf("stat %q in the root: %w", name, err)
	}
	mode := fs.FileMode(st.Mode & 0o777)
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		mode |= fs.ModeIrregular
	}
	file, err := t.pathOf(fd)
	return file, mode, err
}

// pathOf gives the path of a descriptor from the root on.
func (t *RootTree) pathOf(fd int) (string, error) {
	if t.path == "" {
		root, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(t.fd))
		if err != nil {
			return "", err
		}
		t.path = strings.TrimSuffix(root, "/")
	}
	file, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", err
	}
	inside, ok := strings.CutPrefix(file, t.path)
	if !ok || !strings.HasPrefix(inside, "/") {
		return "", fmt.Errorf("resolve a path in the root %q: it moved to %q", t.path, file)
	}
	return inside, nil
}

// Read implements Tree. A path that is not a regular file is not opened for
// reading: a fifo of a hostile tree would block, a device would act.
func (t *RootTree) Read(name string, limit int) ([]byte, error) {
	fd, err := t.open(name, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("stat %q in the root: %w", name, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("read %q in the root: not a regular file", name)
	}
	f, err := os.Open("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return nil, fmt.Errorf("read %q in the root: %w", name, err)
	}
	defer f.Close()
	raw := make([]byte, min(int64(limit), st.Size))
	n, err := io.ReadFull(f, raw)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read %q in the root: %w", name, err)
	}
	return raw[:n], nil
}

// List implements Tree.
func (t *RootTree) List(name string) ([]string, error) {
	fd, err := t.open(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
	return dir.Readdirnames(-1)
}
