package layer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	clean "path"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Options of a Tree.
type Options struct {
	MaxFiles int64  // entries of all layers together; 0 is no limit
	MaxBytes int64  // bytes of files, holes included; 0 is no limit
	UIDShift uint32 // added to every uid and gid
	Rootless bool   // ids cannot be set, and permissions apply to us as to everybody

	Files atomic.Int64 // counts entries; for progress, and against MaxFiles
	Bytes atomic.Int64 // counts bytes of files; the same
}

// Errors that callers tell apart.
var (
	ErrTooManyFiles = errors.New("image has more files than allowed; see --max-files")
	ErrTooBig       = errors.New("image is larger than allowed; see --max-size")
	// ErrNeedsHidden: a file was left out because a later layer hides it, and turned out to be needed as the target of a
	// hard link. The caller begins again without Hidden.
	ErrNeedsHidden = errors.New("a hidden file is the target of a hard link")
)

// Tree is a root file system in the making.
type Tree struct {
	*Options
	Notices Notices

	ctx  context.Context // of the layer being applied
	src  *input          // the same
	data *item           // the entry being applied
	root int             // descriptor of the tree, borrowed
	euid uint32
	egid uint32
	dirs dirCache
	seen map[entryKey]struct{} // what this layer made; nil in the lowest layer, where nothing can be below
	seed maphash.Seed
	aufs bool // directories of AUFS's own are in the tree
	late lateModes
	acls lateACLs
	buf  []byte
	zero []byte
}

// entryKey stands for a directory entry: a seeded hash of the directory's inode number and the name. Names of the image
// cannot be made to collide, and a key takes eight bytes however long the name is.
type entryKey uint64

func (t *Tree) key(ino uint64, name string) entryKey {
	return entryKey(maphash.Comparable(t.seed, struct {
		ino  uint64
		name string
	}{ino, name}))
}

// NewTree makes a tree of an empty directory, given by a descriptor that stays the caller's.
func NewTree(root int, o *Options) *Tree {
	t := &Tree{
		Options: o,
		root:    root,
		euid:    uint32(unix.Geteuid()),
		egid:    uint32(unix.Getegid()),
		seed:    maphash.MakeSeed(),
		buf:     make([]byte, 256<<10),
	}
	t.dirs.init()
	return t
}

// Finish does what must wait until nothing is added any more: times of directories, default ACLs, and modes that would
// have kept a user from filling a directory.
func (t *Tree) Finish() error {
	if err := t.dirs.flush(); err != nil {
		return err
	}
	if err := t.applyLateACLs(); err != nil {
		return err
	}
	return t.late.apply(t)
}

// Abandon releases descriptors after a failure.
func (t *Tree) Abandon() { t.dirs.drop() }

// openDir opens a directory of the tree, for reading too when how has no O_PATH.
func (t *Tree) openDir(path string, how, resolve uint64) (int, error) {
	for {
		fd, err := unix.Openat2(t.root, path, &unix.OpenHow{
			Flags:   how | unix.O_DIRECTORY | unix.O_CLOEXEC,
			Resolve: resolve | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV,
		})
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) {
			return fd, err
		}
	}
}

// Notices collects what could not be done and is no error, one line a kind of thing.
type Notices struct{ list []notice }

type notice struct {
	what  string
	first string
	count int
}

// Add counts one more of a kind; the first path is remembered.
func (n *Notices) Add(what, path string) {
	for i := range n.list {
		if n.list[i].what == what {
			n.list[i].count++
			return
		}
	}
	if len(n.list) < 100 {
		n.list = append(n.list, notice{what, clean.Clean("/" + path), 1})
	}
}

// Lines gives the notices as sentences.
func (n *Notices) Lines() []string {
	var out []string
	for _, x := range n.list {
		s := fmt.Sprintf("%s: %q", x.what, x.first)
		if x.count > 1 {
			s += fmt.Sprintf(" and %d more", x.count-1)
		}
		out = append(out, s)
	}
	return out
}
