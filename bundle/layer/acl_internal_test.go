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

// TestShiftACL: named entries move, others do not, and what would leave the range is an error.
func TestShiftACL(t *testing.T) {
	acl := func(text string) []byte {
		raw, err := parseACL(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for name, c := range map[string]struct {
		raw, want []byte
		by        uint32
		fails     bool
	}{
		"named":      {raw: acl("user::rwx,user:7:r--,group::r-x,group:0:r--,mask::rwx,other::r--"), by: 1000, want: acl("user::rwx,user:1007:r--,group::r-x,group:1000:r--,mask::rwx,other::r--")},
		"no range":   {raw: acl("user:7:r--"), want: acl("user:7:r--")},
		"too far":    {raw: acl("user:4294967290:r--"), by: 5, fails: true},
		"not an ACL": {raw: []byte("hello"), by: 5, want: []byte("hello")},
		"empty":      {by: 5},
		"cut":        {raw: acl("user:7:r--")[:11], by: 5, want: acl("user:7:r--")[:11]},
	} {
		t.Run(name, func(t *testing.T) {
			err := ShiftACL(c.raw, c.by)
			if (err != nil) != c.fails || (err == nil && !bytes.Equal(c.raw, c.want)) {
				t.Errorf("got %x, %v, want %x", c.raw, err, c.want)
			}
		})
	}
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
