package profile

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/caps"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/syscalls"
)

var update = flag.Bool("update", false, "write the golden files")

var adjust = -100

func cases() map[string]Options {
	systemd := nspawn.Init{Kind: nspawn.Systemd, Path: "/usr/lib/systemd/systemd"}
	return map[string]Options{
		"boot": {Boot: true, Init: systemd, Machine: "box", MachineID: "0123456789abcdef0123456789abcdef",
			Terminal: true, Arch: "amd64", Fuse: true, Tun: true},
		"boot-users-private-network": {Boot: true, Init: systemd, Args: []string{"--log-level=debug"}, Machine: "box",
			Arch: "arm64", PrivateUsers: &UserRange{524288, 65536}, Ownership: "map", Network: Private},
		"boot-users-host-network": {Boot: true, Init: nspawn.Init{Kind: nspawn.Busybox, Path: "/sbin/init"}, Machine: "box",
			PrivateUsers: &UserRange{524288, 65536}, Network: Host},
		"everything": {Args: []string{"/bin/app", "x"}, ProcessTwo: true, Rootfs: "/srv/tree/", Machine: "m", Hostname: "h",
			Env: []string{"PATH=/bin", "A=b"}, Cwd: "/srv", User: specs.User{UID: 1000, GID: 1000}, UserName: "joe", Home: "/home/joe",
			AddCapabilities: 1 << 14, DropCapabilities: 1<<21 | 1<<0, AmbientCapabilities: 1 << 10, NoNewPrivileges: true,
			Rlimits:     []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 10, Hard: 20}, {Type: "RLIMIT_NPROC", Soft: 5, Hard: 6}},
			OOMScoreAdj: &adjust, CPUAffinity: "0-1", KillSignal: "SIGINT", Personality: "x86", Volatile: "state",
			Mounts: []specs.Mount{{Destination: "/z", Type: "bind", Source: "/z", Options: []string{"rbind"}},
				{Destination: "/a", Type: "tmpfs", Source: "tmpfs"}},
			Inaccessible: []string{"/srv/secret"}, Network: Veth, NetworkOptions: []string{"Bridge=br0"},
			Memory: 1 << 30, CPUs: 1.5, Pids: 100, NrOpen: 4096,
			Credentials: []nspawn.Credential{{ID: "key", Value: []byte("v")}}},
	}
}

func TestGolden(t *testing.T) {
	for name, options := range cases() {
		t.Run(name, func(t *testing.T) {
			spec, err := Profile(options)
			if err != nil {
				t.Fatal(err)
			}
			if spec.Linux.Seccomp == nil {
				t.Error("no system call filter")
			}
			spec.Linux.Seccomp.Syscalls = nil // has tests of its own
			got, err := json.MarshalIndent(spec, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, '\n')
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("differs from %s (see with -update and git diff)", file)
			}
		})
	}
}

func TestBoundingSet(t *testing.T) {
	users := &UserRange{524288, 65536}
	for _, c := range []struct {
		name string
		o    Options
		want uint64
	}{
		{"default", Options{}, 0xfdecafff},
		{"private network", Options{Network: Private}, 0xfdecbfff},
		{"veth", Options{Network: Veth}, 0xfdecbfff},
		{"user namespace with private network", Options{Network: Private, PrivateUsers: users}, 0xfdecbfff},
		{"user namespace without", Options{PrivateUsers: users}, 0xfdecafff &^ (1 << 10)},
		{"dropping wins", Options{AddCapabilities: 1 << 14, DropCapabilities: 1<<14 | 1<<21}, 0xfdecafff &^ (1 << 21)},
		{"not available", Options{Available: 0x3, AddCapabilities: 1 << 39}, 0x3},
		{"adding", Options{AddCapabilities: 1 << 39}, 0xfdecafff | 1<<39},
	} {
		if got := bounding(&c.o); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
	if n := len(caps.Names(DefaultCapabilities)); n != 26 {
		t.Errorf("%d capabilities, want 26", n)
	}
}

func TestLimitsAreClipped(t *testing.T) {
	spec, err := Profile(Options{Boot: true, HardLimits: []specs.POSIXRlimit{
		{Type: "RLIMIT_NOFILE", Hard: 500}, {Type: "RLIMIT_CORE", Hard: 7}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 500, Hard: 500}, {Type: "RLIMIT_CORE", Hard: 7}} {
		if !slices.Contains(spec.Process.Rlimits, want) {
			t.Errorf("no %v in %v", want, spec.Process.Rlimits)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     Options
		fails string
	}{
		{"ambient with boot", Options{Boot: true, AmbientCapabilities: 1}, "CAP_CHOWN: an init is started with none"},
		{"ambient beyond", Options{AmbientCapabilities: 1 << 39}, "CAP_BPF: not among"},
		{"boot as user", Options{Boot: true, User: specs.User{UID: 1}}, "runs as root"},
		{"volatile", Options{Volatile: "some"}, `volatile mode "some"`},
		{"personality", Options{Personality: "sparc"}, `personality "sparc"`},
		{"architecture", Options{Arch: "mips"}, `architecture "mips"`},
		{"filter", Options{SystemCalls: syscalls.Request{Deny: []string{"nope"}}}, `system call filter "nope"`},
	} {
		if _, err := Profile(c.o); err == nil || !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.fails)
		}
	}
}

// verdict evaluates a filter as libseccomp does for a 64-bit program.
func verdict(t *testing.T, f *specs.LinuxSeccomp, name string, args ...uint64) (specs.LinuxSeccompAction, uint) {
	t.Helper()
	action, errno, hits := f.DefaultAction, *f.DefaultErrnoRet, 0
	for _, rule := range f.Syscalls {
		if !slices.Contains(rule.Names, name) || !matches(rule.Args, args) {
			continue
		}
		hits++
		action, errno = rule.Action, 0
		if rule.ErrnoRet != nil {
			errno = *rule.ErrnoRet
		}
	}
	if hits > 1 {
		t.Errorf("%d rules match %s%v", hits, name, args)
	}
	return action, errno
}

func matches(rule []specs.LinuxSeccompArg, args []uint64) bool {
	for _, r := range rule {
		v, ok := args[r.Index], false
		switch r.Op {
		case specs.OpEqualTo:
			ok = v == r.Value
		case specs.OpNotEqual:
			ok = v != r.Value
		case specs.OpLessEqual:
			ok = v <= r.Value
		case specs.OpGreaterThan:
			ok = v > r.Value
		case specs.OpMaskedEqual:
			ok = v&r.Value == r.ValueTwo
		}
		if !ok {
			return false
		}
	}
	return true
}

func TestFilterVerdicts(t *testing.T) {
	allow, fail := specs.ActAllow, specs.ActErrno
	for _, c := range []struct {
		name   string
		o      Options
		call   string
		args   []uint64
		action specs.LinuxSeccompAction
		errno  uint
	}{
		{"unix socket", Options{}, "socket", []uint64{1, 1, 0}, allow, 0},
		{"vsock", Options{}, "socket", []uint64{40, 1, 9}, allow, 0},
		{"route netlink", Options{}, "socket", []uint64{16, 3, 0}, allow, 0},
		{"audit", Options{}, "socket", []uint64{16, 3, 9}, fail, 97},
		{"socket denied", Options{SystemCalls: syscalls.Request{Deny: []string{"socket"}}}, "socket", []uint64{16, 3, 9}, fail, 1},
		{"keyctl", Options{}, "keyctl", nil, fail, 1},
		{"newer than 257", Options{}, "open_tree_attr", nil, fail, 38},
		{"mount", Options{}, "mount", nil, allow, 0},
		{"openat", Options{}, "openat", []uint64{0, 0, 0x101000}, allow, 0},
		{"suppressed sync", Options{SuppressSync: true}, "sync", nil, fail, 0},
		{"suppressed fsync", Options{SuppressSync: true}, "fsync", []uint64{3}, fail, 0},
		{"fsync of a bad descriptor", Options{SuppressSync: true}, "fsync", []uint64{0xffffffff}, allow, 0},
		{"synchronous openat", Options{SuppressSync: true}, "openat", []uint64{0, 0, 0x101000}, fail, 22},
		{"plain openat", Options{SuppressSync: true}, "openat", []uint64{0, 0, 0x80000}, allow, 0},
		{"openat2", Options{SuppressSync: true}, "openat2", nil, fail, 38},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, err := Profile(c.o)
			if err != nil {
				t.Fatal(err)
			}
			if action, errno := verdict(t, spec.Linux.Seccomp, c.call, c.args...); action != c.action || errno != c.errno {
				t.Errorf("%s %d, want %s %d", action, errno, c.action, c.errno)
			}
		})
	}
}
