// Package uidrange picks a range of user ids for a container as nspawn's
// --private-users=pick does, and keeps it locked against nspawn and us.
//
// The candidates are computed purely; Pick alone touches the machine, through
// the lock directory that systemd-nspawn uses too. It imports the standard
// library, lockfile and siphash, and never changes a tree's owners.
package uidrange

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/siphash"
)

// The bases that may be picked, systemd's container range, and the size of a
// range.
const (
	Min  = 0x00080000
	Max  = 0x6fff0000
	Size = 0x10000
)

// FromName is the base that a machine name asks for.
func FromName(machine string) uint32 {
	key := [16]byte{0xe1, 0x56, 0xe0, 0xf0, 0x4a, 0xf0, 0x41, 0xaf, 0x96, 0x41, 0xcf, 0x41, 0x33, 0x94, 0xff, 0x72}
	return fold(uint32(siphash.Sum(&key, []byte(machine))))
}

// fold brings any number into the range of bases.
func fold(n uint32) uint32 { return (n%(Max-Min) + Min) & 0xffff0000 }

// FromOwner is the base that a tree's owner has, 0 and false when that is not
// one that may be picked.
func FromOwner(uid uint32) (uint32, bool) {
	base := uid & 0xffff0000
	return base, base >= Min && base <= Max
}

// Request is what --private-users= asks for.
type Request struct {
	Mode Mode
	// Base and Count are those of Fixed.
	Base, Count uint32
}

// Mode is a kind of request.
type Mode int

// The kinds. FromTree takes the owner of the root directory, whatever it is.
const (
	Off Mode = iota
	FromTree
	Picked
	Identity
	Fixed
)

// Parse reads the value of --private-users=. In a .nspawn file 0 and 1 are
// booleans, on a command line they are bases.
func Parse(value string, file bool) (Request, error) {
	numeric := value != "" && strings.Trim(value, "0123456789") == ""
	if file || !numeric {
		on, err := nspawn.ParseBool(value)
		switch {
		case err == nil && on:
			return Request{Mode: FromTree, Count: Size}, nil
		case err == nil:
			return Request{}, nil
		}
	}
	switch value {
	case "pick":
		return Request{Mode: Picked, Count: Size}, nil
	case "identity":
		return Request{Mode: Identity, Count: Size}, nil
	}
	baseText, countText, some := strings.Cut(value, ":")
	base, err := strconv.ParseUint(baseText, 10, 32)
	if err != nil {
		return Request{}, fmt.Errorf("private users %q: want yes, no, pick, identity or BASE[:COUNT]", value)
	}
	count := uint64(Size)
	if some {
		if count, err = strconv.ParseUint(countText, 10, 32); err != nil || count == 0 {
			return Request{}, fmt.Errorf("private users %q: the count is not a number above 0", value)
		}
	}
	// 2^32-1 is no user, and 65535 is none on old file systems.
	if base+count > 1<<32-1 {
		return Request{}, fmt.Errorf("private users %q: the range ends beyond the last user id", value)
	}
	return Request{Fixed, uint32(base), uint32(count)}, nil
}
