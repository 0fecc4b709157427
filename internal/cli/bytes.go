package cli

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ParseBytes reads an amount of memory: "-1" for no limit, else a number, fractions allowed, and a unit of 1024s, in
// any of the usual spellings (k, kb, KiB, M, g, …).
func ParseBytes(text string) (int64, error) {
	if text == "-1" {
		return -1, nil
	}
	end := strings.LastIndexAny(text, "0123456789.") + 1
	digits, unit := text[:end], strings.ToLower(strings.TrimSpace(text[end:]))
	shift := 0
	if unit != "" && unit != "b" {
		at := strings.IndexByte("kmgtpe", unit[0])
		if rest := unit[1:]; at < 0 || (rest != "" && rest != "b" && rest != "ib") {
			return 0, errors.New("unknown unit")
		}
		shift = (at + 1) * 10
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n >= 0 && n <= math.MaxInt64>>shift {
		return n << shift, nil
	}
	f, err := strconv.ParseFloat(digits, 64)
	if f *= float64(int64(1) << shift); err != nil || f < 0 || f >= math.MaxInt64 {
		return 0, errors.New("not an amount of memory")
	}
	return int64(f), nil
}
