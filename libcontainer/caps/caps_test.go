package caps

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The kernel's header is the truth about names and numbers.
func TestNamesAgreeWithKernelHeader(t *testing.T) {
	b, err := os.ReadFile("/usr/include/linux/capability.h")
	if err != nil {
		t.Skip("no kernel headers installed: ", err)
	}
	found := regexp.MustCompile(`(?m)^#define (CAP_[A-Z_]+)\s+(\d+)\s*$`).FindAllSubmatch(b, -1)
	if len(found) < 38 {
		t.Fatalf("only %d definitions found in the header", len(found))
	}
	for _, m := range found {
		want, _ := strconv.Atoi(string(m[2]))
		if got := Number(string(m[1])); got != want {
			t.Errorf("Number(%s) = %d, header says %d", m[1], got, want)
		}
	}
}

func TestFromSpec(t *testing.T) {
	all := All(LastKnown)
	cases := []struct {
		name    string
		in      *specs.LinuxCapabilities
		avail   uint64
		want    Sets
		ignored []string
	}{
		{name: "nil", avail: all},
		{
			name: "each list to its own set", avail: all,
			in: &specs.LinuxCapabilities{
				Bounding: []string{"CAP_CHOWN"}, Effective: []string{"CAP_KILL"}, Permitted: []string{"CAP_BPF"},
				Inheritable: []string{"CAP_CHECKPOINT_RESTORE"}, Ambient: []string{"CAP_CHOWN", "CAP_KILL"},
			},
			want: Sets{Bounding: 1, Effective: 1 << 5, Permitted: 1 << 39, Inheritable: 1 << 40, Ambient: 1 | 1<<5},
		},
		{
			name: "unknown, lower case, and unknown to an older kernel are ignored once", avail: All(37),
			in: &specs.LinuxCapabilities{
				Bounding:  []string{"CAP_ZZZ", "cap_chown", "CAP_BPF", "CAP_KILL"},
				Permitted: []string{"CAP_BPF", "CAP_KILL"},
			},
			want:    Sets{Bounding: 1 << 5, Permitted: 1 << 5},
			ignored: []string{"CAP_BPF", "CAP_ZZZ", "cap_chown"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ignored := FromSpec(c.in, c.avail)
			if got != c.want || !slices.Equal(ignored, c.ignored) {
				t.Errorf("got %+v %v, want %+v %v", got, ignored, c.want, c.ignored)
			}
		})
	}
}

func TestWarningIsRuncs(t *testing.T) {
	if got := Warning([]string{"CAP_A", "CAP_B"}); got != "ignoring unknown or unavailable capabilities: [CAP_A CAP_B]" {
		t.Error(got)
	}
	if Warning(nil) != "" {
		t.Error("a warning about nothing")
	}
}

func TestBeyondAndUnraisable(t *testing.T) {
	s := Sets{Bounding: 0xff, Permitted: 0b1110, Effective: 0b0110, Inheritable: 0b0101, Ambient: 0b0111}
	if got := s.Beyond(0b0111); got != 0b1000 {
		t.Errorf("Beyond = %b", got)
	}
	left, lost := s.Unraisable()
	if lost != 0b0011 || left.Ambient != 0b0100 {
		t.Errorf("Unraisable: lost %b, left %b", lost, left.Ambient)
	}
	if r := s.Restrict(0b0010); r != (Sets{2, 2, 2, 0, 2}) {
		t.Errorf("Restrict = %+v", r)
	}
}

func TestDataLayout(t *testing.T) {
	b := Sets{Effective: 1 | 1<<32, Permitted: 2 | 1<<33, Inheritable: 4 | 1<<34, Bounding: ^uint64(0), Ambient: ^uint64(0)}.Data()
	want := [6]byte{1, 2, 4, 1, 2, 4}
	for i := range want {
		if b[4*i]+b[4*i+3] != want[i] { // whichever end is the low one
			t.Errorf("word %d = % x, want %d", i, b[4*i:4*i+4], want[i])
		}
	}
}

func TestGrant(t *testing.T) {
	plain := &specs.LinuxCapabilities{}
	Grant(plain, []string{"CAP_KILL"})
	if len(plain.Bounding)+len(plain.Effective)+len(plain.Permitted) != 3 || plain.Ambient != nil || plain.Inheritable != nil {
		t.Errorf("without inheritable list: %+v", plain)
	}
	inh := &specs.LinuxCapabilities{Inheritable: []string{}}
	Grant(inh, []string{"CAP_KILL"})
	if len(inh.Ambient) != 1 || len(inh.Inheritable) != 0 {
		t.Errorf("with inheritable list: %+v", inh)
	}
}

func TestNamesRoundTrip(t *testing.T) {
	m, ignored := Mask(Known(), All(LastKnown), nil)
	if ignored != nil || m != All(LastKnown) {
		t.Fatalf("mask %x, ignored %v", m, ignored)
	}
	if !slices.Equal(Names(m|1<<60), Known()) {
		t.Error("Names(Mask(x)) != x")
	}
	if All(-1) != 0 || All(63) != ^uint64(0) || All(0) != 1 {
		t.Error("All is wrong at its ends")
	}
}
