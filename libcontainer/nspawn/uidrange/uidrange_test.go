package uidrange

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFromName has the vectors observed on live nspawns, 257 and (the last) 252.
func TestFromName(t *testing.T) {
	for name, want := range map[string]uint32{"ht2": 1314390016, "ht1": 1593442304, "web": 1587085312, "locktest": 1848246272} {
		if got := FromName(name); got != want {
			t.Errorf("FromName(%q) = %d, want %d", name, got, want)
		}
	}
}

func TestFromOwner(t *testing.T) {
	for uid, ok := range map[uint32]bool{0: false, 524287: false, 524288: true, 524288 + 77: true, 0x6fff0000: true, 0x6fffffff: true, 0x70000000: false, 1000: false} {
		base, got := FromOwner(uid)
		if got != ok || base != uid&0xffff0000 {
			t.Errorf("FromOwner(%d) = %d, %v", uid, base, got)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		value string
		file  bool
		want  Request
		fails bool
	}{
		{"no", false, Request{}, false},
		{"yes", false, Request{Mode: FromTree, Count: Size}, false},
		{"0", true, Request{}, false},
		{"1", true, Request{Mode: FromTree, Count: Size}, false},
		{"0", false, Request{Fixed, 0, Size}, false},
		{"1", false, Request{Fixed, 1, Size}, false},
		{"pick", true, Request{Mode: Picked, Count: Size}, false},
		{"identity", false, Request{Mode: Identity, Count: Size}, false},
		{"100000:1000", true, Request{Fixed, 100000, 1000}, false},
		{"4294901760", false, Request{}, true},
		{"5:0", false, Request{}, true},
		{"-1", false, Request{}, true},
		{"x", false, Request{}, true},
		{"", false, Request{}, true},
	} {
		got, err := Parse(c.value, c.file)
		if (err != nil) != c.fails || got != c.want {
			t.Errorf("Parse(%q, %v) = %+v, %v", c.value, c.file, got, err)
		}
	}
}

func TestPickTriesInOrder(t *testing.T) {
	dir := t.TempDir()
	random := uint32(7)
	p := Picker{Dir: filepath.Join(dir, "locks"), Used: func(uint32) bool { return false }, Random: func() uint32 { random++; return random << 16 }}
	pick := func(owner uint32) *Lock {
		t.Helper()
		l, err := p.Pick("ht2", owner)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	owned := pick(600000)
	if owned.Base != 600000&0xffff0000 {
		t.Errorf("base %d is not the owner's", owned.Base)
	}
	named := pick(600000) // the owner's is taken
	if named.Base != 1314390016 {
		t.Errorf("base %d is not the name's", named.Base)
	}
	third := pick(0)
	if third.Base == named.Base || third.Base != fold(8<<16) {
		t.Errorf("base %d is not the random one", third.Base)
	}
	if err := named.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(p.Dir, "1314390016")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock file is still there: %v", err)
	}
	if again := pick(0); again.Base != 1314390016 {
		t.Errorf("a freed range is not picked again, but %d", again.Base)
	}
}

func TestPickSkipsNamedUsers(t *testing.T) {
	dir := t.TempDir()
	passwd := filepath.Join(dir, "passwd")
	last := "1314455550" // 1314390016 + 0xfffe
	if err := os.WriteFile(passwd, []byte("root:x:0:0:::\nx:x:"+last+":1:::\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := Picker{Dir: dir, Passwd: passwd, Groups: filepath.Join(dir, "none"), Random: func() uint32 { return 0 }}
	l, err := p.Pick("ht2", 0)
	if err != nil || l.Base != Min {
		t.Errorf("Pick = %+v, %v; want %d", l, err, Min)
	}
}

func TestPickGivesUp(t *testing.T) {
	calls := 0
	p := Picker{Dir: t.TempDir(), Used: func(uint32) bool { calls++; return true }}
	_, err := p.Pick("x", 0)
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), `"x"`) || calls != 99 {
		t.Errorf("error %v after %d tries", err, calls)
	}
	left, err := os.ReadDir(p.Dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
