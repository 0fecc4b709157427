package uidrange

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// LockDir is where nspawn keeps the locks of the ranges in use.
const LockDir = "/run/systemd/nspawn-uid"

// ErrBusy is returned when no range is free.
var ErrBusy = errors.New("no range of user ids is free")

// Lock is a range that is held. The range is free again when the lock is
// closed or the process ends.
type Lock struct {
	Base uint32
	file *os.File
}

// File is the open lock, for a process that is to hold it longer.
func (l *Lock) File() *os.File { return l.file }

// Close frees the range; its lock file is removed, as nspawn does it.
func (l *Lock) Close() error {
	err := os.Remove(l.file.Name())
	return errors.Join(err, l.file.Close())
}

// Picker picks ranges. The zero value uses the system's files.
type Picker struct {
	Dir            string               // LockDir when empty
	Passwd, Groups string               // /etc/passwd and /etc/group when empty
	Random         func() uint32        // math/rand when nil
	Used           func(id uint32) bool // replaces Passwd and Groups
}

// Pick finds and locks a free range: the owner's of the tree when that may be
// one, the machine name's, then random ones; 99 tries in all.
func (p *Picker) Pick(machine string, treeOwner uint32) (*Lock, error) {
	dir := p.Dir
	if dir == "" {
		dir = LockDir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("pick private users: %w", err)
	}
	random := p.Random
	if random == nil {
		random = rand.Uint32
	}
	base, ok := FromOwner(treeOwner)
	for try := 0; try < 99; try++ {
		if try > 0 || !ok {
			base = FromName(machine)
			if try > 1 || try == 1 && !ok {
				base = fold(random())
			}
		}
		lock, err := p.take(dir, base)
		if err != nil || lock != nil {
			return lock, err
		}
	}
	return nil, fmt.Errorf("pick private users for %q: %w", machine, ErrBusy)
}

// take locks a range if it is free; nil and no error is one that is not.
func (p *Picker) take(dir string, base uint32) (*Lock, error) {
	name := filepath.Join(dir, strconv.FormatUint(uint64(base), 10))
	for {
		file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, fmt.Errorf("pick private users: %w", err)
		}
		if err := lockFile(file); err != nil {
			file.Close()
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
				return nil, nil
			}
			return nil, fmt.Errorf("lock %q: %w", name, err)
		}
		// The holder before may have removed the file that was opened.
		same, err := sameFile(file, name)
		if err != nil {
			file.Close()
			return nil, err
		}
		if !same {
			file.Close()
			continue
		}
		lock := &Lock{base, file}
		used, err := p.used(base)
		if err != nil || used {
			return nil, errors.Join(err, lock.Close())
		}
		return lock, nil
	}
}

// lockFile takes the lock that systemd takes: of the open file description
// where the kernel has those, so that it is inherited.
func lockFile(file *os.File) error {
	return unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK, Whence: 0})
}

func sameFile(file *os.File, name string) (bool, error) {
	open, err := file.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(open, named), nil
}

// used says whether the first or last but one id of a range has a name.
func (p *Picker) used(base uint32) (bool, error) {
	for _, id := range [...]uint32{base, base + 0xfffe} {
		if p.Used != nil {
			if p.Used(id) {
				return true, nil
			}
			continue
		}
		for _, file := range [...]string{orElse(p.Passwd, "/etc/passwd"), orElse(p.Groups, "/etc/group")} {
			if hit, err := names(file, id); hit || err != nil {
				return hit, err
			}
		}
	}
	return false, nil
}

// names says whether a passwd or group file has an entry of this number.
func names(file string, id uint32) (bool, error) {
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	want := strconv.FormatUint(uint64(id), 10)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.SplitN(lines.Text(), ":", 4)
		if len(fields) > 3 && fields[2] == want {
			return true, nil
		}
	}
	return false, nil
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
