package libcontainer

import "testing"

func TestRootOf(t *testing.T) {
	for text, want := range map[string]int{
		"         0          0 4294967295\n":                                   0,
		"         0       1000          1\n         1     100000      65536\n": 1000,
		"         1     100000      65536\n         0       1000          1\n": 1000,
		"         1     100000      65536\n":                                   -1,
		"":                                                                     -1,
	} {
		if got := rootOf([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
