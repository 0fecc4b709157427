package spec

import "testing"

func TestVariable(t *testing.T) {
	env := []string{"PATH=/first", "HOME=", "PATHS=/x", "PATH=/last", "A=b=c", "word"}
	for name, want := range map[string]struct {
		value string
		ok    bool
	}{
		"PATH": {"/last", true}, "HOME": {"", true}, "A": {"b=c", true}, "PAT": {"", false}, "word": {"", false}, "B": {"", false},
	} {
		if value, ok := Variable(env, name); value != want.value || ok != want.ok {
			t.Errorf("%s is %q, %v; want %q, %v", name, value, ok, want.value, want.ok)
		}
	}
}
