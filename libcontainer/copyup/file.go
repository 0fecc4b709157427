package copyup

import (
	"errors"

	"golang.org/x/sys/unix"
)

// file copies what is no directory; made is false when it was left out.
func (t *tree) file(fd, target int, name string, st *unix.Stat_t) (made bool, err error) {
	switch kind := st.Mode & unix.S_IFMT; kind {
	case unix.S_IFREG:
		return true, t.regular(fd, target, name, st)
	case unix.S_IFLNK:
		err = symlink(fd, target, name)
	case unix.S_IFIFO, unix.S_IFCHR, unix.S_IFBLK:
		err = unix.Mknodat(target, name, kind|0o600, int(st.Rdev))
		if errors.Is(err, unix.EPERM) && kind != unix.S_IFIFO {
			return false, nil // the caller may make no devices
		}
	default:
		return false, nil
	}
	if err != nil {
		return false, err
	}
	copied, err := open(target, name, unix.O_PATH)
	if err != nil {
		return true, err
	}
	defer unix.Close(copied)
	kept, err := t.own(copied, st, 0)
	if err != nil {
		return true, err
	}
	return true, attributes(fd, copied, st, kept)
}

func symlink(fd, target int, name string) error {
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", text)
	if err != nil {
		return err
	}
	return unix.Symlinkat(string(text[:n]), target, name)
}

func (t *tree) regular(fd, target int, name string, st *unix.Stat_t) error {
	made, err := open(target, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return err
	}
	defer unix.Close(made)
	kept, err := t.own(made, st, 0o004)
	if err != nil {
		return err
	}
	// By the descriptor: what has the name now could be a device.
	source, err := unix.Open(path(fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(source)
	if err := content(source, made, st); err != nil {
		return err
	}
	return attributes(fd, made, st, kept)
}

// content copies the data of a regular file, as long as it was when its status
// was read.
func content(source, target int, st *unix.Stat_t) error {
	if st.Blocks*512 >= st.Size {
		return span(source, target, 0, st.Size)
	}
	for at := int64(0); at < st.Size; {
		begin, err := unix.Seek(source, at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			break // a hole until the end
		}
		if err != nil {
			return err
		}
		end, err := unix.Seek(source, begin, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		at = min(end, st.Size)
		if _, err := unix.Seek(target, begin, unix.SEEK_SET); err != nil {
			return err
		}
		if err := span(source, target, begin, at); err != nil {
			return err
		}
	}
	return unix.Ftruncate(target, st.Size)
}

// span copies the bytes from begin to end, or to the end of the file, to the
// offset that target has.
func span(source, target int, begin, end int64) error {
	for begin < end {
		n, err := unix.Sendfile(target, source, &begin, int(min(end-begin, 1<<30)))
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EINVAL):
			return buffered(source, target, begin, end)
		case err != nil:
			return err
		case n == 0:
			return nil
		}
	}
	return nil
}

// buffered is span for file systems that cannot splice.
func buffered(source, target int, begin, end int64) error {
	buffer := make([]byte, 1<<16)
	for begin < end {
		n, err := unix.Pread(source, buffer[:min(end-begin, int64(len(buffer)))], begin)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			return err
		}
		begin += int64(n)
		for written := 0; written < n; {
			w, err := unix.Write(target, buffer[written:n])
			if err != nil && !errors.Is(err, unix.EINTR) {
				return err
			}
			written += max(w, 0)
		}
	}
	return nil
}
