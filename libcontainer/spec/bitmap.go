package spec

import (
	"errors"
	"strconv"
	"strings"
)

// maxBit bounds lists of CPUs and nodes; the kernel's NR_CPUS is at most 8192.
const maxBit = 8191

// ParseBitmap reads a list as cpuset(7) writes them, "0-3,7", into a bit mask
// of 64-bit words. An empty list is an empty mask.
func ParseBitmap(list string) ([]uint64, error) {
	if list == "" {
		return nil, nil
	}
	var mask []uint64
	for _, word := range strings.Split(list, ",") {
		first, last, ranged := strings.Cut(strings.TrimSpace(word), "-")
		if !ranged {
			last = first
		}
		a, errA := strconv.ParseUint(first, 10, 16)
		b, errB := strconv.ParseUint(last, 10, 16)
		switch {
		case errA == nil && errB == nil && b > maxBit:
			return nil, errors.New(quote(list) + " names more than Linux can have: the highest number is " + strconv.Itoa(maxBit))
		case errA != nil || errB != nil || a > b:
			return nil, errors.New(quote(list) + " is not a list of numbers and ranges like \"0-3,7\"")
		}
		for i := a; i <= b; i++ {
			for uint64(len(mask)) <= i/64 {
				mask = append(mask, 0)
			}
			mask[i/64] |= 1 << (i % 64)
		}
	}
	return mask, nil
}
