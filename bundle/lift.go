package bundle

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// lift takes a system out of the one directory that its tar has at the top, as systemd's import does: "debian-12/usr" and so on.
func (w *work) lift() error {
	only, ok, err := onlyEntry(w.fd)
	if err != nil || !ok {
		return err
	}
	inner, err := unix.Openat(w.fd, only, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %q: %w", only, err)
	}
	if !looksLikeSystem(inner) {
		unix.Close(inner)
		return nil
	}
	parent, name := w.bundle.FD, "rootfs"
	if w.away != nil {
		return errors.Join(w.liftInto(inner, only), nil)
	}
	// The inner directory takes the outer one's place, and keeps its own metadata.
	const aside = ".lifted"
	if err := unix.Renameat(w.fd, only, parent, aside); err != nil {
		return fmt.Errorf("lift %q: %w", only, err)
	}
	if err := unix.Renameat2(parent, aside, parent, name, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("lift %q: %w", only, err)
	}
	if err := unix.Unlinkat(parent, aside, unix.AT_REMOVEDIR); err != nil {
		return fmt.Errorf("lift %q: %w", only, err)
	}
	unix.Close(w.fd)
	w.fd = inner
	w.report.Notices = append(w.report.Notices, fmt.Sprintf("the archive's only directory %q became the root", only))
	return nil
}

// liftInto moves the entries one level up: a staged directory itself cannot be exchanged.
func (w *work) liftInto(inner int, only string) error {
	defer unix.Close(inner)
	var st unix.Stat_t
	if err := unix.Fstat(inner, &st); err != nil {
		return fmt.Errorf("stat %q: %w", only, err)
	}
	const aside = ".gspawn-lifted"
	if err := unix.Renameat2(w.fd, only, w.fd, aside, unix.RENAME_NOREPLACE); err != nil {
		return fmt.Errorf("lift %q: %w", only, err)
	}
	names, err := entries(inner)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := unix.Renameat2(inner, n, w.fd, n, unix.RENAME_NOREPLACE); err != nil {
			return fmt.Errorf("lift %q: %w", n, err)
		}
	}
	if err := unix.Unlinkat(w.fd, aside, unix.AT_REMOVEDIR); err != nil {
		return fmt.Errorf("lift %q: %w", only, err)
	}
	if err := unix.Fchown(w.fd, int(st.Uid), int(st.Gid)); err != nil && !w.o.Rootless {
		return fmt.Errorf("set owner of the root: %w", err)
	}
	if err := unix.Fchmod(w.fd, st.Mode&0o7777); err != nil {
		return fmt.Errorf("set mode of the root: %w", err)
	}
	return unix.UtimesNanoAt(w.fd, ".", []unix.Timespec{st.Atim, st.Mtim}, 0)
}

func onlyEntry(fd int) (string, bool, error) {
	names, err := entries(fd)
	if err != nil || len(names) != 1 {
		return "", false, err
	}
	return names[0], true, nil
}

// entries lists a directory from its beginning.
func entries(fd int) ([]string, error) {
	dir, err := unix.Openat(fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("list directory: %w", err)
	}
	defer unix.Close(dir)
	buf := make([]byte, 16<<10)
	var names []string
	for {
		n, err := unix.Getdents(dir, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list directory: %w", err)
		}
		if n == 0 {
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

func looksLikeSystem(fd int) bool {
	for _, name := range []string{"usr", "etc", "bin"} {
		var st unix.Stat_t
		if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			return true
		}
	}
	return false
}
