package layer

import (
	"archive/tar"
	"encoding/base64"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// target is what attributes are set on: an open file, or a name in a directory.
type target struct {
	fd, dir    int
	name, path string
	isDir      bool
}

// procPath reaches the object without following a link in the last component (lsetxattr) and with the kernel's own
// resolution up to the directory.
func (x target) procPath() string {
	p := "/proc/self/fd/" + strconv.Itoa(x.dir)
	if x.name == "" {
		return p + "/."
	}
	return p + "/" + x.name
}

const (
	schilyXattr = "SCHILY.xattr."
	libXattr    = "LIBARCHIVE.xattr."
	schilyACL   = "SCHILY.acl."
	defaultACL  = "system.posix_acl_default"
	accessACL   = "system.posix_acl_access"
)

func hasACL(h *tar.Header) bool {
	if len(h.PAXRecords) == 0 {
		return false
	}
	return h.PAXRecords[schilyACL+"access"] != "" || h.PAXRecords[schilyXattr+accessACL] != ""
}

// attributes sets the extended attributes and ACLs that an entry's records have, in the order of their names. fd is an
// open file, or -1.
func (t *Tree) attributes(h *tar.Header, fd int, x target) error {
	var keys []string
	for k := range h.PAXRecords {
		if isAttribute(k) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		name, value, err := attribute(k, h.PAXRecords[k])
		if err != nil {
			t.Notices.Add("attribute "+strconv.Quote(k)+" was left out: "+err.Error(), h.Name)
			continue
		}
		if err := t.setAttribute(h, fd, x, name, value); err != nil {
			return err
		}
	}
	return nil
}

// attribute turns a record into an extended attribute's name and value.
func attribute(key, value string) (string, []byte, error) {
	switch {
	case strings.HasPrefix(key, schilyXattr):
		return key[len(schilyXattr):], []byte(value), nil
	case strings.HasPrefix(key, libXattr):
		name := unescape(key[len(libXattr):])
		raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		return name, raw, err
	}
	raw, err := parseACL(value)
	if key == schilyACL+"default" {
		return defaultACL, raw, err
	}
	return accessACL, raw, err
}

func (t *Tree) setAttribute(h *tar.Header, fd int, x target, name string, value []byte) error {
	switch {
	case strings.HasPrefix(name, "trusted.overlay."), strings.HasPrefix(name, "user.overlay."):
		// These steer overlayfs: a tree that becomes a lower directory could show what it does not hold.
		t.Notices.Add("overlayfs attribute was left out", h.Name)
		return nil
	case name == defaultACL || name == accessACL:
		if err := ShiftACL(value, t.UIDShift); err != nil {
			return err
		}
	}
	switch {
	case name == defaultACL && x.isDir:
		// It would be inherited by all that is made in the directory from now on.
		t.noteACL(x.path, value)
		return nil
	}
	var err error
	if fd >= 0 {
		err = unix.Fsetxattr(fd, name, value, 0)
	} else {
		err = unix.Lsetxattr(x.procPath(), name, value, 0)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EACCES), errors.Is(err, unix.EINVAL):
		t.Notices.Add(fmt.Sprintf("attribute %q could not be set (%v)", name, err), h.Name)
		return nil
	}
	return fmt.Errorf("set attribute %q: %w", name, err)
}

// lateACLs are default ACLs that are set when nothing is made any more. Real trees have many directories and few different
// ACLs: a value is kept once.
type lateACLs struct {
	list   []lateACL
	values map[string]string
	bytes  int
}

type lateACL struct{ path, value string }

func (t *Tree) noteACL(path string, value []byte) {
	l := &t.acls
	if l.values == nil {
		l.values = make(map[string]string)
	}
	shared, known := l.values[string(value)]
	more := len(path) + lateOverhead
	if !known {
		more += len(value) + lateOverhead
	}
	if l.bytes+more > maxLate {
		t.Notices.Add("default ACL was left out, there are too many of them", path)
		return
	}
	l.bytes += more
	if !known {
		shared = string(value)
		l.values[shared] = shared
	}
	l.list = append(l.list, lateACL{path, shared})
}

func (t *Tree) applyLateACLs() error {
	for _, a := range t.acls.list {
		fd, _, err := t.resolve(a.path)
		if err != nil {
			continue // removed or replaced since
		}
		err = unix.Setxattr("/proc/self/fd/"+strconv.Itoa(fd), defaultACL, []byte(a.value), 0)
		unix.Close(fd)
		if err != nil {
			t.Notices.Add(fmt.Sprintf("default ACL could not be set (%v)", err), a.path)
		}
	}
	return nil
}

func sortDeepestFirst(paths []string) {
	sort.Slice(paths, func(i, j int) bool {
		a, b := strings.Count(paths[i], "/"), strings.Count(paths[j], "/")
		if a != b {
			return a > b
		}
		return paths[i] < paths[j]
	})
}

// unescape undoes %XX. What is not of that form stays.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
