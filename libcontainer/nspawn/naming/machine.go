// Package naming makes the names that systemd's tools know containers by:
// machine names, host-side interface names, MAC addresses and scopes.
//
// It is pure and imports the standard library and siphash only. The algorithms
// are nspawn's, bit for bit, so that a container keeps its addresses when it
// moves between nspawn and us.
package naming

import (
	"fmt"
	"strings"
)

// maxName is the longest machine name: the kernel's host name limit.
const maxName = 64

// CheckMachine says what is wrong with a machine name; machined takes valid
// host names only.
func CheckMachine(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("machine name is empty")
	case len(name) > maxName:
		return fmt.Errorf("machine name %q: longer than %d bytes", name, maxName)
	case Clean(name) == name:
		return nil
	}
	for i := range len(name) {
		if !letterDigit(name[i]) && name[i] != '-' && name[i] != '.' {
			return fmt.Errorf("machine name %q: %q may not be in it, only letters, digits, - and . (%q would do)",
				name, name[i:i+1], Clean(name))
		}
	}
	return fmt.Errorf("machine name %q: a dot or hyphen at its start or end, or next to a dot (%q would do)", name, Clean(name))
}

// Clean makes a machine name of any text as systemd's hostname_cleanup does:
// what may not be in a name is left out. The result is empty when nothing is
// left.
func Clean(text string) string {
	out := make([]byte, 0, min(len(text), maxName))
	dot, hyphen := true, true
	for i := 0; i < len(text) && len(out) < maxName; i++ {
		c := text[i]
		switch {
		case c == '.':
			if dot || hyphen {
				continue
			}
			dot, hyphen = true, false
		case c == '-':
			if dot {
				continue
			}
			dot, hyphen = false, true
		case letterDigit(c):
			dot, hyphen = false, false
		default:
			continue
		}
		out = append(out, c)
	}
	return strings.TrimRight(string(out), "-.")
}

func letterDigit(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// Scope is the name of the unit that machined runs a machine in.
func Scope(machine string) string { return "machine-" + escape(machine) + ".scope" }

// escape is systemd's unit name escaping for what a machine name can hold
// (unit_name_escape): hyphens and other bytes become \xNN, as does a leading
// dot.
func escape(name string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '/':
			b.WriteByte('-')
		case letterDigit(c), c == ':', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			b.WriteString(`\x` + digits[c>>4:c>>4+1] + digits[c&15:c&15+1])
		}
	}
	return b.String()
}
