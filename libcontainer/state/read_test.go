package state

import (
	"bytes"
	"testing"
)

// TestReadAll reads back files around the size that is read at once.
func TestReadAll(t *testing.T) {
	d, err := Create(t.TempDir(), "c")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, n := range []int{0, 1, 1023, 1024, 1025, 5000} {
		want := bytes.Repeat([]byte("x"), n)
		if err := d.WriteConfig(want); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Config(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back as %d: %v", n, len(got), err)
		}
	}
}
