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

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/lockfile"
)

// LockDir is where nspawn keeps the locks of the ranges in use.
const LockDir = "/run/systemd/nspawn-uid"

// ErrBusy is returned when no range is free.
var ErrBusy = errors.New("no range of user ids is free")

// Lock is a range that is held. The range is free again when the lock is
// closed or the last process that has its descriptor ends.
type Lock struct {
	*lockfile.Lock
	Base uint32
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
	held, err := lockfile.Take(filepath.Join(dir, strconv.FormatUint(uint64(base), 10)), false)
	if errors.Is(err, lockfile.ErrBusy) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pick private users: %w", err)
	}
	used, err := p.used(base)
	if err != nil || used {
		return nil, errors.Join(err, held.Close())
	}
	return &Lock{held, base}, nil
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
