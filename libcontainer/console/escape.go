package console

import "time"

// What ends a session at a booted container's console: EscapeCount times ^]
// within EscapeTime, as with systemd-nspawn.
const (
	EscapeKey   = 0x1d
	EscapeCount = 3
	EscapeTime  = time.Second
)

// Escape recognises the escape sequence in what is typed. The zero Escape has
// seen nothing.
type Escape struct {
	count int
	first time.Time
}

// Scan looks at what was read at the time now and reports whether the sequence
// is complete with it. Keys that follow it in data are not looked at.
func (e *Escape) Scan(data []byte, now time.Time) bool {
	for _, c := range data {
		switch {
		case c != EscapeKey:
			e.count = 0
			continue
		case e.count == 0 || now.Sub(e.first) > EscapeTime:
			e.count, e.first = 0, now
		}
		if e.count++; e.count == EscapeCount {
			e.count = 0
			return true
		}
	}
	return false
}
