package bundle

import "testing"

// TestPathOf: of two PATHs the last is the one by which the runtime finds the program.
func TestPathOf(t *testing.T) {
	if got := pathOf([]string{"PATH=/first", "HOME=/", "PATH=/last"}); got != "/last" {
		t.Errorf("PATH is %q", got)
	}
	if got := pathOf([]string{"PATHS=/x"}); got == "" || got == "/x" {
		t.Errorf("without PATH it is %q", got)
	}
}
