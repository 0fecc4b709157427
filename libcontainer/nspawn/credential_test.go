package nspawn

import (
	"strings"
	"testing"
)

func TestParseSetCredential(t *testing.T) {
	for _, c := range []struct{ in, id, value, fails string }{
		{"a:b", "a", "b", ""},
		{"a:b:c", "a", "b:c", ""},
		{"a:", "a", "", ""},
		{`a:\x41\101\n\s\"\\\aZ`, "a", "AA\n \"\\\aZ", ""},
		{`a:\xaF`, "a", "\xaf", ""},
		{"a", "", "", "want ID:VALUE"},
		{":b", "", "", "not a file name"},
		{"..:b", "", "", "not a file name"},
		{"a/b:c", "", "", "0x2f"},
		{strings.Repeat("a", 256) + ":x", "", "", "not a file name"},
		{`a:\`, "", "", "ends the value"},
		{`a:\x4`, "", "", "cut off"},
		{`a:\x4G`, "", "", "none of C"},
		{`a:\777`, "", "", "more than a byte"},
		{"a:\\\x10\x10\x10", "", "", "none of C"},
	} {
		got, err := ParseSetCredential(c.in)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%q: error %v, want %q", c.in, err, c.fails)
			}
			continue
		}
		if err != nil || got.ID != c.id || string(got.Value) != c.value {
			t.Errorf("%q: %q, %v", c.in, got, err)
		}
	}
	list, err := AddCredential(nil, Credential{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := AddCredential(list, Credential{ID: "a"}); err == nil {
		t.Error("a second credential of a name was taken")
	}
}

func FuzzParseSetCredential(f *testing.F) {
	f.Add(`a:\x41\101\n`)
	f.Add(`a:\`)
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseSetCredential(s); err == nil && len(c.Value) > len(s) {
			t.Errorf("%q grew to %q", s, c.Value)
		}
	})
}
