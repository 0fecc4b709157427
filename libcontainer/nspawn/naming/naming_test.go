package naming

import (
	"strings"
	"testing"
)

func TestCleanAndCheck(t *testing.T) {
	for _, c := range []struct{ in, clean, wrong string }{
		{"box", "box", ""},
		{"my-box.local", "my-box.local", ""},
		{"my_box", "mybox", `"_" may not be in it`},
		{"-.a", "a", "at its start"},
		{"a..b", "a.b", "next to a dot"},
		{"a-.b", "a-b", "next to a dot"},
		{"a.-b", "a.b", "next to a dot"},
		{"a--", "a", "at its start or end"},
		{"a--b", "a--b", ""},
		{"é", "", "may not be in it"},
		{"", "", "is empty"},
		{strings.Repeat("a", 70), strings.Repeat("a", 64), "longer than 64"},
	} {
		if got := Clean(c.in); got != c.clean {
			t.Errorf("Clean(%q) = %q, want %q", c.in, got, c.clean)
		}
		err := CheckMachine(c.in)
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("CheckMachine(%q) = %v, want %q", c.in, err, c.wrong)
		}
	}
}

func TestScope(t *testing.T) {
	for name, want := range map[string]string{
		"box": "machine-box.scope", "my-box": `machine-my\x2dbox.scope`, "a.b": "machine-a.b.scope",
	} {
		if got := Scope(name); got != want {
			t.Errorf("Scope(%q) = %q, want %q", name, got, want)
		}
	}
}

// TestInterface has the vector observed on a live nspawn 257.
func TestInterface(t *testing.T) {
	for _, c := range []struct{ prefix, name, short, alternative string }{
		{PrefixVeth, "a-very-long-machine-name", "ve-a-very-lm3p6", "ve-a-very-long-machine-name"},
		{PrefixVeth, "box", "ve-box", ""},
		{PrefixBridged, "123456789012", "vb-123456789012", ""},
	} {
		short, alternative := Interface(c.prefix, c.name)
		if short != c.short || alternative != c.alternative {
			t.Errorf("Interface(%q, %q) = %q, %q", c.prefix, c.name, short, alternative)
		}
	}
}

func TestMAC(t *testing.T) {
	host := [16]byte{1, 2, 3}
	seen := map[[6]byte]bool{}
	for role := VethHost; role <= Macvlan; role++ {
		for index := range uint64(3) {
			mac := MAC(role, host, "box", index)
			if mac[0]&3 != 2 {
				t.Errorf("%x is not a local unicast address", mac)
			}
			if seen[mac] {
				t.Errorf("%x appears twice", mac)
			}
			seen[mac] = true
		}
	}
	first, again := MAC(VethHost, host, "box", 0), MAC(VethHost, host, "box", 0)
	if first != again || MAC(VethHost, host, "box", 0) == MAC(VethHost, [16]byte{}, "box", 0) {
		t.Error("the address does not depend on exactly its inputs")
	}
}

// TestMACOfNspawn has the addresses that nspawn 252 gave the machine "mactest"
// with a veth and two extra ones, on a host with this machine id.
func TestMACOfNspawn(t *testing.T) {
	host := [16]byte{0x3d, 0x12, 0x19, 0xc7, 0xc4, 0xc5, 0x40, 0x4a, 0xaa, 0x1f, 0x6d, 0x2a, 0x48, 0xad, 0xfd, 0xa4}
	for _, c := range []struct {
		role  Role
		index uint64
		want  [6]byte
	}{
		{VethHost, 0, [6]byte{0x46, 0xdb, 0xa6, 0x25, 0x33, 0xaf}},
		{VethContainer, 0, [6]byte{0x4a, 0xcb, 0x56, 0x79, 0x39, 0xcc}},
		{ExtraHost, 0, [6]byte{0x66, 0x3e, 0x3c, 0x76, 0x68, 0xac}},
		{ExtraContainer, 0, [6]byte{0x52, 0x4a, 0xfb, 0xf1, 0x1c, 0x3d}},
		{ExtraHost, 1, [6]byte{0xde, 0xe6, 0xc6, 0x1a, 0xa2, 0x50}},
		{ExtraContainer, 1, [6]byte{0x26, 0xfb, 0x82, 0x90, 0x4a, 0xab}},
	} {
		if got := MAC(c.role, host, "mactest", c.index); got != c.want {
			t.Errorf("MAC(%d, %d) = %x, want %x", c.role, c.index, got, c.want)
		}
	}
}
