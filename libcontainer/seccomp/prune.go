//go:build linux

package seccomp

import (
	"os"
	"slices"
	"strings"
	"time"
)

const (
	tmpPrefix = "tmp-"
	// tmpAge is after how long an unfinished file belongs to a killed process:
	// writing one takes a millisecond.
	tmpAge = time.Hour
)

// prune removes the entries written longest ago beyond maxEntries, and leftovers
// of killed processes. It runs after an insertion only, so a hit never pays.
func (c cache) prune() {
	list, err := os.ReadDir(c.dir)
	if err != nil || len(list) <= maxEntries && !slices.ContainsFunc(list, isTmp) {
		return
	}
	type entry struct {
		name string
		at   time.Time
	}
	var entries []entry
	for _, d := range list {
		info, err := d.Info()
		if err != nil {
			continue // removed by another process at this moment
		}
		if isTmp(d) {
			if time.Since(info.ModTime()) > tmpAge {
				_ = os.Remove(c.dir + "/" + d.Name())
			}
			continue
		}
		entries = append(entries, entry{d.Name(), info.ModTime()})
	}
	if len(entries) <= maxEntries {
		return
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.at.Compare(b.at) })
	for _, e := range entries[:len(entries)-maxEntries] {
		_ = os.Remove(c.dir + "/" + e.name)
	}
}

func isTmp(d os.DirEntry) bool { return strings.HasPrefix(d.Name(), tmpPrefix) }
