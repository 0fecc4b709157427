package cli

import "testing"

func TestParseBytes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-1": -1, "1": 1, "1b": 1, "512k": 512 << 10, "64m": 64 << 20, "64MB": 64 << 20, "64MiB": 64 << 20,
		"64 M": 64 << 20, "1.5g": 3 << 29, "2T": 2 << 40, "1p": 1 << 50, "7e": 7 << 60, ".5k": 512, "9223372036854775807": 1<<63 - 1,
	} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q: %d %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "m", "x", "-2", "-5m", "1x", "1mm", "1kbb", "1..5", "8e", "9223372036854775808", "1e400", "m1"} {
		if got, err := ParseBytes(text); err == nil {
			t.Errorf("%q: %d, want an error", text, got)
		}
	}
}
