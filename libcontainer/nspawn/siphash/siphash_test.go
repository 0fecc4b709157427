package siphash

import "testing"

// TestReferenceVectors uses vectors of the algorithm's paper (key 00…0f, input
// 00, 01, …): appendix A has the one of 15 bytes.
func TestReferenceVectors(t *testing.T) {
	var key [16]byte
	for i := range key {
		key[i] = byte(i)
	}
	data := make([]byte, 64)
	for i := range data {
		data[i] = byte(i)
	}
	for _, c := range []struct {
		length int
		want   uint64
	}{
		{0, 0x726fdb47dd0e0e31},
		{1, 0x74f839c593dc67fd},
		{7, 0xab0200f58b01d137},
		{8, 0x93f5f5799a932462},
		{15, 0xa129ca6149be45e5},
		{63, 0x958a324ceb064572},
	} {
		if got := Sum(&key, data[:c.length]); got != c.want {
			t.Errorf("Sum of %d bytes = %#x, want %#x", c.length, got, c.want)
		}
	}
}
