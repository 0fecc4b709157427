package imageconfig

import (
	"bytes"
	"iter"
	"slices"
	"strings"
)

// account is a line of passwd(5), as far as it is used.
type account struct {
	name     string
	uid, gid uint32
}

// maxGroups is the kernel's NGROUPS_MAX.
const maxGroups = 65536

// records gives the colon-separated fields of the lines that have at least min of them. Comments, empty lines and what is
// not of the form are passed over, as the C library does.
func records(file []byte, min int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for line := range bytes.Lines(file) {
			line = bytes.TrimRight(line, "\r\n")
			if len(line) == 0 || line[0] == '#' {
				continue
			}
			if f := strings.Split(string(line), ":"); len(f) >= min && f[0] != "" {
				if !yield(f) {
					return
				}
			}
		}
	}
}

// findUser gives the first account that fits.
func findUser(file []byte, fits func(account) bool) (account, bool) {
	for f := range records(file, 4) {
		uid, ok1, _ := number(f[2])
		gid, ok2, _ := number(f[3])
		if e := (account{f[0], uid, gid}); ok1 && ok2 && fits(e) {
			return e, true
		}
	}
	return account{}, false
}

// memberships gives the groups that list a user, sorted, without the primary one.
func memberships(file []byte, user string, primary uint32) []uint32 {
	var gids []uint32
	for f := range records(file, 4) {
		gid, ok, _ := number(f[2])
		if !ok || gid == primary || len(gids) >= maxGroups {
			continue
		}
		if slices.Contains(strings.Split(f[3], ","), user) {
			gids = append(gids, gid)
		}
	}
	slices.Sort(gids)
	return slices.Compact(gids)
}
