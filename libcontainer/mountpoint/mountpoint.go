// Package mountpoint makes what something is mounted on where a symbolic link
// leads to what does not exist yet. In an image that is no accident: /run is
// empty there, and /etc/resolv.conf leads into it.
//
// The kernel cannot make anything through such a link but a file in a directory
// that exists, so links are followed here one by one. Everything is opened below
// the root with openat2(2), by a path without links: one that somebody puts
// there meanwhile is an error, and never leads outside. It may import x/sys/unix.
package mountpoint

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// maxLinks is how many symbolic links the kernel follows, path_resolution(7).
const maxLinks = 40

// walk is a path on the way to its end.
type walk struct {
	root  int
	at    string   // where it is: below the root, without links; "" is the root
	rest  []string // what is left of the way
	links int      // that were followed
	make  Maker
}

// Maker makes a directory, or an empty file, in an open directory. EEXIST is no
// failure.
type Maker func(dir int, name string, directory bool) error

// Make makes a directory, or an empty file, at the end of a path below the
// directory root, with the directories above it that are missing. Symbolic links
// lead to where they would lead if root were /. What exists stays as it is; what
// is made has the mode 0755 or 0644, less the umask. A nil maker is this process.
//
// The error names the place where it could not go on and wraps the system
// call's; it is ELOOP for links without end.
func Make(root int, name string, directory bool, by Maker) error {
	if by == nil {
		by = here
	}
	w := walk{root: root, rest: elements(name), make: by}
	for len(w.rest) > 0 {
		next := w.rest[0]
		w.rest = w.rest[1:]
		if err := w.step(next, directory || len(w.rest) > 0); err != nil {
			return fmt.Errorf("make %q: %w", "/"+path.Join(w.at, next), err)
		}
	}
	return nil
}

// elements are the names that a path is made of.
func elements(p string) []string {
	names := strings.Split(p, "/")
	kept := names[:0]
	for _, n := range names {
		if n != "" && n != "." {
			kept = append(kept, n)
		}
	}
	return kept
}

// step goes to a name in the directory where the walk is.
func (w *walk) step(name string, directory bool) error {
	if name == ".." {
		w.at = strings.TrimSuffix(path.Dir("/" + w.at)[1:], "/")
		return nil
	}
	here := path.Join(w.at, name)
	fd, err := w.open(here, unix.O_PATH|unix.O_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		if err := w.create(name, directory); err != nil {
			return err
		}
		fd, err = w.open(here, unix.O_PATH|unix.O_NOFOLLOW)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return w.follow(fd)
	}
	w.at = here
	return nil
}

// create makes a name where the walk is. That somebody else makes it meanwhile
// is no error: it is looked at afterwards.
func (w *walk) create(name string, directory bool) error {
	dir, err := w.open(w.at, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if err := w.make(dir, name, directory); !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

func here(dir int, name string, directory bool) error {
	if directory {
		return unix.Mkdirat(dir, name, 0o755)
	}
	return unix.Mknodat(dir, name, unix.S_IFREG|0o644, 0)
}

// follow puts the target of a link on the way.
func (w *walk) follow(link int) error {
	if w.links++; w.links > maxLinks {
		return unix.ELOOP
	}
	target := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(link, "", target)
	if err != nil {
		return err
	}
	names := elements(string(target[:n]))
	if n > 0 && target[0] == '/' {
		w.at = ""
	}
	w.rest = append(names, w.rest...)
	return nil
}

// open opens a path below the root that has no symbolic links before its end.
func (w *walk) open(name string, flags uint64) (int, error) {
	if name == "" {
		name = "."
	}
	return unix.Openat2(w.root, name, &unix.OpenHow{
		Flags:   flags | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS,
	})
}
