package settings

import (
	"fmt"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// setLimit stores LimitNAME=SOFT[:HARD].
func (s *Settings) setLimit(kind, value string) error {
	limit, err := ParseLimit(kind, value)
	if err != nil {
		return err
	}
	for i := range s.Rlimits {
		if s.Rlimits[i].Type == limit.Type {
			s.Rlimits[i] = limit
			return nil
		}
	}
	s.Rlimits = append(s.Rlimits, limit)
	return nil
}

// ParseLimit reads a resource limit in systemd's form: one number or soft:hard;
// infinity; sizes with K, M, G, …; times with a unit; nice levels with a sign.
func ParseLimit(kind, value string) (specs.POSIXRlimit, error) {
	softText, hardText, two := strings.Cut(value, ":")
	soft, err := limitValue(kind, softText)
	if err != nil {
		return specs.POSIXRlimit{}, err
	}
	hard := soft
	if two {
		if hard, err = limitValue(kind, hardText); err != nil {
			return specs.POSIXRlimit{}, err
		}
	}
	if soft > hard {
		return specs.POSIXRlimit{}, fmt.Errorf("the soft limit is above the hard one")
	}
	return specs.POSIXRlimit{Type: "RLIMIT_" + kind, Soft: soft, Hard: hard}, nil
}

func limitValue(kind, text string) (uint64, error) {
	if text == "infinity" {
		return ^uint64(0), nil
	}
	switch kind {
	case "CPU":
		return scaled(text, " s 1 sec 1 min 60 m 60 h 3600 hr 3600 d 86400 ")
	case "RTTIME":
		return scaled(text, " us 1 ms 1000 s 1000000 sec 1000000 min 60000000 ")
	case "FSIZE", "DATA", "STACK", "CORE", "RSS", "AS", "MEMLOCK", "MSGQUEUE":
		return scaled(text, " B 1 K 1024 M 1048576 G 1073741824 T 1099511627776 P 1125899906842624 E 1152921504606846976 ")
	case "NICE":
		if text != "" && (text[0] == '+' || text[0] == '-') {
			n, err := strconv.Atoi(text)
			if err != nil || n < -20 || n > 19 {
				return 0, fmt.Errorf("%q is not a nice level", text)
			}
			return uint64(20 - n), nil
		}
	}
	return scaled(text, "")
}

// scaled reads a number with one of the units, given as " unit factor …".
func scaled(text, units string) (uint64, error) {
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	n, err := strconv.ParseUint(text[:digits], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	unit := strings.TrimSpace(text[digits:])
	if unit == "" {
		return n, nil
	}
	_, rest, ok := strings.Cut(units, " "+unit+" ")
	if !ok || strings.Contains(unit, " ") {
		return 0, fmt.Errorf("%q has the unknown unit %q", text, unit)
	}
	word, _, _ := strings.Cut(rest, " ")
	factor, err := strconv.ParseUint(word, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q has the unknown unit %q", text, unit)
	}
	if n > ^uint64(0)/factor {
		return 0, fmt.Errorf("%q is too large", text)
	}
	return n * factor, nil
}
