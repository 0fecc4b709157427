// Package treelist writes down all that can be seen of a tree, one line an entry, so that two trees can be compared entry
// for entry: type, mode, owner, size, device, link target, time of modification in nanoseconds, extended attributes,
// content, and which names are the same file.
package treelist

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/sys/unix"
)

// Options leave out what another tool is known not to carry over.
type Options struct {
	NoDirTimes bool // times of directories
	NoNanos    bool // fractions of seconds
	NoXattrs   bool
	NoOwner    bool
	Shift      uint32
}

// List describes the tree below root, root itself as ".".
func List(root string, o Options) ([]string, error) {
	var lines []string
	first := map[uint64]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		line, err := describe(p, rel, first, o)
		lines = append(lines, line)
		return err
	})
	return lines, err
}

func describe(p, rel string, first map[uint64]string, o Options) (string, error) {
	var st unix.Stat_t
	if err := unix.Lstat(p, &st); err != nil {
		return "", err
	}
	kind := st.Mode & unix.S_IFMT
	var b strings.Builder
	fmt.Fprintf(&b, "%q %06o", rel, st.Mode)
	if !o.NoOwner {
		fmt.Fprintf(&b, " %d:%d", st.Uid-o.Shift, st.Gid-o.Shift)
	}
	if kind != unix.S_IFDIR || !o.NoDirTimes {
		fmt.Fprintf(&b, " %d", st.Mtim.Sec)
		if !o.NoNanos {
			fmt.Fprintf(&b, ".%09d", st.Mtim.Nsec)
		}
	}
	switch kind {
	case unix.S_IFREG:
		raw, err := os.ReadFile(p)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, " size=%d sha=%x", st.Size, sha256.Sum256(raw))
	case unix.S_IFLNK:
		to, err := os.Readlink(p)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, " -> %q", to)
	case unix.S_IFCHR, unix.S_IFBLK:
		fmt.Fprintf(&b, " dev=%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	if kind != unix.S_IFDIR && st.Nlink > 1 {
		if f, ok := first[st.Ino]; ok {
			fmt.Fprintf(&b, " same=%q", f)
		} else {
			first[st.Ino] = rel
		}
	}
	if !o.NoXattrs {
		b.WriteString(xattrs(p))
	}
	return b.String(), nil
}

func xattrs(p string) string {
	buf := make([]byte, 64<<10)
	n, err := unix.Llistxattr(p, buf)
	if err != nil || n == 0 {
		return ""
	}
	names := strings.Split(strings.TrimRight(string(buf[:n]), "\x00"), "\x00")
	sort.Strings(names)
	var b strings.Builder
	for _, name := range names {
		v := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(p, name, v)
		if err != nil {
			n = 0
		}
		fmt.Fprintf(&b, " %s=%x", name, v[:n])
	}
	return b.String()
}

// Diff gives what differs, "-" of the first list and "+" of the second, at most limit lines.
func Diff(a, b []string, limit int) []string {
	in := func(list []string) map[string]bool {
		m := make(map[string]bool, len(list))
		for _, l := range list {
			m[l] = true
		}
		return m
	}
	ma, mb := in(a), in(b)
	var out []string
	for _, l := range a {
		if !mb[l] {
			out = append(out, "- "+l)
		}
	}
	for _, l := range b {
		if !ma[l] {
			out = append(out, "+ "+l)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i][2:] < out[j][2:] })
	if len(out) > limit {
		out = append(out[:limit], fmt.Sprintf("… %d lines in all", len(out)))
	}
	return out
}
