//go:build linux

package seccomp

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxEntries bounds the cache. An engine uses a handful of profiles; what could
// fill it is a profile made anew for each container (another listenerMetadata).
const maxEntries = 256

// cache keeps compiled programs, a file each. Entries appear by rename and are
// never changed, so a reader sees a whole one or none, whoever is killed when.
type cache struct{ dir string }

// name returns the file for a key: any two keys may share one, the content tells.
func (c cache) name(key []byte) string {
	return c.dir + "/" + strconv.FormatUint(hash(key, 1), 16) + "-" + strconv.Itoa(len(key))
}

// get returns the program for a key. Anything that is wrong with the entry counts
// as absence. The content is mapped, with its pages present at once: copying it
// would cost a page fault for each 4 kB of fresh heap.
func (c cache) get(key []byte) (Program, bool) {
	if c.dir == "" {
		return Program{}, false
	}
	fd, err := unix.Open(c.name(key), unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return Program{}, false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || !trusted(&st) || st.Size < headerSize || st.Size > maxEntry {
		return Program{}, false
	}
	b, err := unix.Mmap(fd, 0, int(st.Size), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		return Program{}, false
	}
	p, err := decode(b, key, stamp())
	if err != nil {
		_ = unix.Munmap(b) // nothing refers to it, and a failure leaves it mapped, no more
		return Program{}, false
	}
	return p, true
}

// trusted tells whether nobody but this user can have written the file.
func trusted(st *unix.Stat_t) bool {
	return st.Mode&unix.S_IFMT == unix.S_IFREG && int(st.Uid) == os.Geteuid() && st.Mode&0o022 == 0
}

// put stores a program. Errors are dropped: the next container compiles again.
func (c cache) put(key []byte, p *Program) {
	if c.dir == "" || c.prepare() != nil {
		return
	}
	tmp := c.dir + "/" + tmpPrefix + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatUint(hash(key, 1), 16)
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		// Left by a killed process that had our pid; the next one will succeed.
		_ = os.Remove(tmp)
		return
	}
	_, err = f.Write(encode(p, key, stamp()))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, c.name(key))
	}
	if err != nil {
		_ = os.Remove(tmp)
		return
	}
	c.prune()
}

// prepare makes the directory, and refuses one that is not this user's own.
func (c cache) prepare() error {
	if err := unix.Mkdir(c.dir, 0o700); err != nil && err != unix.EEXIST {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(c.dir, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return unix.EPERM
	}
	return nil
}
