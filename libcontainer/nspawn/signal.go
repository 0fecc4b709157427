package nspawn

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The range of real-time signals that programs see; the C library keeps 32 and
// 33 for itself.
const (
	sigRTMin = 34
	sigRTMax = 64
)

// ParseSignal reads a signal's number or name, with or without SIG, real-time
// ones as RTMIN+n and RTMAX-n, as kill(1) and engines write them.
func ParseSignal(text string) (number int, ok bool) {
	if n, err := strconv.Atoi(text); err == nil {
		return n, n >= 0 && n <= sigRTMax
	}
	upper := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	base, offset := sigRTMin, ""
	switch {
	case strings.HasPrefix(upper, "RTMIN"):
		offset = upper[len("RTMIN"):]
	case strings.HasPrefix(upper, "RTMAX"):
		base, offset = sigRTMax, upper[len("RTMAX"):]
	default:
		s := unix.SignalNum("SIG" + upper)
		return int(s), s != 0
	}
	n := 0
	if offset != "" {
		var err error
		if n, err = strconv.Atoi(offset); err != nil { // takes the sign
			return 0, false
		}
	}
	return base + n, base+n >= sigRTMin && base+n <= sigRTMax
}
