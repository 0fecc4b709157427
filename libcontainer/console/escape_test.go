package console

import (
	"strings"
	"testing"
	"time"
)

func TestEscape(t *testing.T) {
	const k = "\x1d"
	type read struct {
		at   time.Duration
		data string
	}
	tests := map[string]struct {
		reads []read
		want  int // index of the read that completes it, -1: none does
	}{
		"at once":                {[]read{{0, k + k + k}}, 0},
		"one a read":             {[]read{{0, k}, {300, k}, {999, k}}, 2},
		"at the limit":           {[]read{{0, k}, {500, k}, {1000, k}}, 2},
		"too slow":               {[]read{{0, k}, {500, k}, {1001, k}}, -1},
		"slow, then begun again": {[]read{{0, k}, {1500, k}, {1600, k}, {1700, k}}, 3},
		"only two":               {[]read{{0, k + k}}, -1},
		"another key between":    {[]read{{0, k + k + "x" + k}, {1, k}}, -1},
		"after text":             {[]read{{0, "ls\r" + k + k + k}}, 0},
		"before text":            {[]read{{0, k + k + k + "ls"}}, 0},
		"many":                   {[]read{{0, strings.Repeat("a"+k, 50)}}, -1},
		"nothing":                {[]read{{0, ""}}, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var e Escape
			start, got := time.Unix(1000, 0), -1
			for i, r := range tt.reads {
				if e.Scan([]byte(r.data), start.Add(r.at*time.Millisecond)) {
					got = i
					break
				}
			}
			if got != tt.want {
				t.Errorf("completed by read %d, want %d", got, tt.want)
			}
		})
	}
}

func TestEscapeTwice(t *testing.T) {
	var e Escape
	for i := range 2 {
		if !e.Scan([]byte{EscapeKey, EscapeKey, EscapeKey}, time.Unix(1000, 0)) {
			t.Errorf("sequence %d is not recognised", i)
		}
	}
}
