// Package syscalls knows systemd's named groups of system calls and the list
// that nspawn allows a container, as of systemd 257.
//
// It is pure: the groups are one embedded text, parsed when asked. It imports
// the standard library only and makes no filter itself; profile turns its
// answer into the OCI form.
package syscalls

import (
	_ "embed"
	"fmt"
	"sort"
	"strings"
)

// groups has one group a line: its name, then its entries, which may be groups
// themselves. It is the output of `systemd-analyze syscall-filter` of 257.
//
//go:embed groups-257.txt
var groups string

// Group gives the direct entries of a group ("@mount"), and whether there is
// one of that name.
func Group(name string) ([]string, bool) {
	for rest := groups; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if entries, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.Fields(entries), true
		}
	}
	return nil, false
}

// set is a set of system calls while a filter is put together.
type set map[string]bool

// add adds an entry, group or single call, leaving out what deny names. Denial
// is by exact entry name at every level of nesting, as nspawn does it: denying
// @mount skips the entry "@mount", while its calls that another allowed group
// has too stay.
func (s set) add(entry string, deny map[string]bool) error {
	if deny[entry] {
		return nil
	}
	if entry == "" || entry[0] != '@' {
		s[entry] = true
		return nil
	}
	entries, ok := Group(entry)
	if !ok {
		return fmt.Errorf("unknown system call group %q", entry)
	}
	for _, e := range entries {
		if err := s.add(e, deny); err != nil {
			return err
		}
	}
	return nil
}

func (s set) sorted() []string {
	list := make([]string, 0, len(s))
	for name := range s {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}
