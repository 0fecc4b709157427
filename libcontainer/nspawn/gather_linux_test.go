package nspawn

import (
	"os"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestGather(t *testing.T) {
	tree := memTree{"/etc/machine-id": strings.Repeat("ab", 16) + "\n", "/usr/lib/systemd/libsystemd-shared-252.so": "x:"}
	boot := Decision{Boot: true, Init: Init{Kind: Systemd}}
	a, err := Gather(tree, boot, "box", Hybrid)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Gather(memTree{}, boot, "box", Unified)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := ParseID(a.BootID); !ok || a.BootID == b.BootID || a.BootID[14] != '4' {
		t.Errorf("boot ids %q, %q", a.BootID, b.BootID)
	}
	if a.TreeMachineID != strings.Repeat("ab", 16) || a.NoMachineIDFile || a.SystemdVersion != 252 {
		t.Errorf("of the tree: %+v", a)
	}
	if b.TreeMachineID != "" || !b.NoMachineIDFile || b.SystemdVersion != 0 {
		t.Errorf("of an empty tree: %+v", b)
	}
	if a.NrOpen == 0 || a.MayRaise == (len(a.HardLimits) > 0) {
		t.Errorf("limits: %d, %v, %v", a.NrOpen, a.MayRaise, a.HardLimits)
	}
	if _, err := os.Stat("/etc/os-release"); err == nil && (a.HostOSRelease != "/etc/os-release" || len(a.HostOS) == 0) {
		t.Errorf("host: %q %q", a.HostOSRelease, a.HostOS)
	}
	if c, err := Gather(nil, Decision{Init: Init{Kind: Busybox}}, "x", Unified); err != nil || c.BootID != "" {
		t.Errorf("for busybox: %+v, %v", c, err)
	}
}

func TestHardLimitsAreTheProcesses(t *testing.T) {
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &own); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(hardLimits(), func(l specs.POSIXRlimit) bool { return l.Type == "RLIMIT_NOFILE" })
	if got := hardLimits()[i]; got.Hard != own.Max {
		t.Errorf("hard limit %d, want %d", got.Hard, own.Max)
	}
}
