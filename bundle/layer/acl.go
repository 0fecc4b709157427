package layer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Tags of the kernel's posix_acl_xattr_entry (linux/posix_acl_xattr.h).
const (
	aclVersion  = 2
	aclUserObj  = 0x01
	aclUser     = 0x02
	aclGroupObj = 0x04
	aclGroup    = 0x08
	aclMask     = 0x10
	aclOther    = 0x20
	aclNoID     = 0xffffffff
)

type aclEntry struct {
	tag, perm uint16
	id        uint32
}

// parseACL turns the text form that star and GNU tar write ("user::rw-,user:1000:r--,group::r--,…", separated by commas
// or newlines, with an optional numeric id as a fourth field) into the value of the extended attribute.
func parseACL(text string) ([]byte, error) {
	var all []aclEntry
	for f := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		e, err := parseACLEntry(strings.TrimSpace(f))
		if err != nil {
			return nil, err
		}
		if all = append(all, e); len(all) > 1000 {
			return nil, errors.New("ACL has too many entries")
		}
	}
	if len(all) == 0 {
		return nil, errors.New("ACL is empty")
	}
	sort.SliceStable(all, func(i, j int) bool {
		if all[i].tag != all[j].tag {
			return all[i].tag < all[j].tag
		}
		return all[i].id < all[j].id
	})
	raw := binary.LittleEndian.AppendUint32(nil, aclVersion)
	for _, e := range all {
		raw = binary.LittleEndian.AppendUint16(raw, e.tag)
		raw = binary.LittleEndian.AppendUint16(raw, e.perm)
		raw = binary.LittleEndian.AppendUint32(raw, e.id)
	}
	return raw, nil
}

// ShiftACL adds by to the users and groups that an ACL names, in place, as what owns files is shifted into a user namespace's
// range (systemd-nspawn's --private-users-ownership=chown does the same). What is no ACL stays as it is, for the kernel to refuse.
func ShiftACL(raw []byte, by uint32) error {
	if len(raw)%8 != 4 || binary.LittleEndian.Uint32(raw) != aclVersion {
		return nil
	}
	for e := raw[4:]; len(e) > 0; e = e[8:] {
		tag, id := binary.LittleEndian.Uint16(e), binary.LittleEndian.Uint32(e[4:])
		if (tag != aclUser && tag != aclGroup) || id == aclNoID {
			continue
		}
		if uint64(id)+uint64(by) >= aclNoID {
			return fmt.Errorf("ACL's id %d is out of range", id)
		}
		binary.LittleEndian.PutUint32(e[4:], id+by)
	}
	return nil
}

func parseACLEntry(s string) (aclEntry, error) {
	f := strings.Split(s, ":")
	if len(f) == 2 && (f[0] == "other" || f[0] == "mask") {
		f = []string{f[0], "", f[1]} // Solaris's form
	}
	if len(f) < 3 || len(f) > 4 {
		return aclEntry{}, fmt.Errorf("ACL entry %q: want type:name:permissions", s)
	}
	e := aclEntry{id: aclNoID}
	named := f[1] != ""
	var known bool
	if e.tag, known = aclTag(f[0], named); !known {
		return e, fmt.Errorf("ACL entry %q: type is not known", s)
	}
	if named {
		id := f[len(f)-1]
		if len(f) == 3 {
			id = f[1]
		}
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return e, fmt.Errorf("ACL entry %q has a name and no number", s)
		}
		e.id = uint32(n)
	}
	for _, c := range f[2] {
		bit, known := aclBit(c)
		if !known {
			return e, fmt.Errorf("ACL entry %q: permission %q is not known", s, c)
		}
		e.perm |= bit
	}
	return e, nil
}

func aclBit(letter rune) (bit uint16, known bool) {
	switch letter {
	case 'r':
		return 4, true
	case 'w':
		return 2, true
	case 'x':
		return 1, true
	case '-':
		return 0, true
	}
	return 0, false
}

func aclTag(kind string, named bool) (tag uint16, known bool) {
	switch kind {
	case "user", "u":
		if named {
			return aclUser, true
		}
		return aclUserObj, true
	case "group", "g":
		if named {
			return aclGroup, true
		}
		return aclGroupObj, true
	case "mask", "m":
		return aclMask, true
	case "other", "o":
		return aclOther, true
	}
	return 0, false
}
