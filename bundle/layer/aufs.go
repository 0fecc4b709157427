package layer

import (
	"strings"

	"golang.org/x/sys/unix"
)

// aufsPrefix begins the names of what AUFS wrote for itself at the top of a branch, and old versions of docker into layers:
// .wh..wh.aufs, .wh..wh.orph, and .wh..wh.plnk with the files that have several names. None of it is part of the tree, but the
// files are what hard links in the same layer point to.
const aufsPrefix = whiteoutPrefix + whiteoutPrefix

// bookkeeping says whether an entry is to be left out because of the directory that it is in. One of AUFS's own directories at the
// top is made, for the links' sake, until the layer has been applied.
func (t *Tree) bookkeeping(parent string) (skip bool) {
	if strings.HasPrefix(parent, aufsPrefix) {
		t.aufs = true
		return false
	}
	return strings.Contains(parent, "/"+aufsPrefix)
}

// dropBookkeeping takes AUFS's directories out of the tree again.
func (t *Tree) dropBookkeeping() error {
	if !t.aufs {
		return nil
	}
	t.aufs = false
	if err := t.dirs.flush(); err != nil {
		return err
	}
	d, err := t.directory("", false)
	if err != nil {
		return err
	}
	d.dirty = true
	fd, err := openToList(d.fd, "")
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return list(fd, func(name string) error {
		if !strings.HasPrefix(name, aufsPrefix) {
			return nil
		}
		return t.remove(d.fd, name)
	})
}
