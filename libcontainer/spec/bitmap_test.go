package spec

import (
	"slices"
	"testing"
)

func TestParseBitmap(t *testing.T) {
	good := map[string][]uint64{
		"": nil, "0": {1}, "0-3,7": {0x8f}, "63": {1 << 63}, "64": {0, 1}, "1, 3": {0xa}, "0-64": {^uint64(0), 1}, "5-5": {1 << 5}, "3,3": {8},
	}
	for list, want := range good {
		if got, err := ParseBitmap(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %x, %v; want %x", list, got, err, want)
		}
	}
	for _, list := range []string{",", "a", "3-1", "-1", "1-", "8192", "0-99999", "1,,2", "1-2-3", "0x1", "99999999999999999999", "+1", "1;2"} {
		if got, err := ParseBitmap(list); err == nil {
			t.Errorf("%q: %x, want an error", list, got)
		}
	}
}
