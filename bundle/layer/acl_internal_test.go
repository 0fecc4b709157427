package layer

import (
	"bytes"
	"testing"
)

func FuzzParseACL(f *testing.F) {
	for _, s := range []string{"user::rw-,user:1000:r--,group::r--,mask::r--,other::---", "u::rwx\ng::r-x\no:r--", "user:bin:rwx:2", "mask:rwx", ",,,", ":::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := parseACL(s)
		if err == nil && (len(raw) < 12 || len(raw)%8 != 4) {
			t.Errorf("%q gives %d bytes", s, len(raw))
		}
	})
}

func TestParseACL(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string // empty: an error
	}{
		"sorted":          {"other::r--,user::rwx,group::r-x", "\x02\x00\x00\x00\x01\x00\x07\x00\xff\xff\xff\xff\x04\x00\x05\x00\xff\xff\xff\xff\x20\x00\x04\x00\xff\xff\xff\xff"},
		"numeric user":    {"user:1000:r--", "\x02\x00\x00\x00\x02\x00\x04\x00\xe8\x03\x00\x00"},
		"name and number": {"group:staff:rw-:50", "\x02\x00\x00\x00\x08\x00\x06\x00\x32\x00\x00\x00"},
		"name only":       {"user:daemon:r--", ""},
		"empty":           {"", ""},
		"unknown type":    {"robot::r--", ""},
		"bad permission":  {"user::rq-", ""},
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := parseACL(c.text)
			if (err != nil) != (c.want == "") || !bytes.Equal(raw, []byte(c.want)) {
				t.Errorf("got %x, %v, want %x", raw, err, c.want)
			}
		})
	}
}
