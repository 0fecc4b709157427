//go:build linux && cgo

package compile

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

// plain compiles a profile without the answer to unknown calls: what libseccomp
// makes of the rules as they stand.
func plain(t testing.TB, text []byte) (*translated, []byte) {
	t.Helper()
	var p specs.LinuxSeccomp
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	tr, err := translate(&p)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := tr.build(tr.defaultAction, tr.rules)
	if err != nil {
		t.Fatal(err)
	}
	return tr, prog
}

// argSets are arguments that the profiles below tell apart.
var argSets = [][6]uint64{
	{}, {1}, {2}, {3}, {8}, {13}, {16, 3, 9}, {16, 3, 0}, {2, 1, 9}, {0x20000}, {0x20008}, {0xffffffff}, {40}, {0x7e020000}, {0x10000000},
	{1 << 32}, {1, 2, 3, 4, 5, 6}, {5, 9}, {9, 5},
}

// Each verdict of the finished program must be the plain filter's, but for
// numbers above the highest named one, and holes in the table.
func TestENOSYSChangesNothingElse(t *testing.T) {
	needAMD64(t)
	const all = `"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"]`
	cases := map[string]string{
		"one call":               `{"defaultAction":"SCMP_ACT_ERRNO",` + all + `,"syscalls":[{"names":["openat2"],"action":"SCMP_ACT_ALLOW"}]}`,
		"kill by default":        `{"defaultAction":"SCMP_ACT_KILL_PROCESS",` + all + `,"syscalls":[{"names":["read","statx"],"action":"SCMP_ACT_ALLOW"}]}`,
		"trap by default":        `{"defaultAction":"SCMP_ACT_TRAP","syscalls":[{"names":["read","statx"],"action":"SCMP_ACT_ALLOW"},{"names":["personality"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":8,"op":"SCMP_CMP_EQ"},{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]}]}`,
		"masks and several args": `{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":13,` + all + `,"syscalls":[{"names":["faccessat2","socketcall"],"action":"SCMP_ACT_ALLOW"},{"names":["clone","socket","socketpair"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"},{"index":2,"value":9,"op":"SCMP_CMP_NE"}]}]}`,
		"explicit ENOSYS":        `{"defaultAction":"SCMP_ACT_ERRNO",` + all + `,"syscalls":[{"names":["clone3"],"action":"SCMP_ACT_ERRNO","errnoRet":38},{"names":["prlimit64"],"action":"SCMP_ACT_ERRNO","errnoRet":38,"args":[{"index":0,"value":1,"op":"SCMP_CMP_GT"}]},{"names":["read"],"action":"SCMP_ACT_TRACE","errnoRet":65534}]}`,
		"redundant rules":        `{"defaultAction":"SCMP_ACT_ERRNO",` + all + `,"syscalls":[{"names":["close_range"],"action":"SCMP_ACT_ERRNO","errnoRet":1},{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`,
		"i386 subcalls":          `{"defaultAction":"SCMP_ACT_ERRNO",` + all + `,"syscalls":[{"names":["socket","shutdown","shmget","semop","faccessat2"],"action":"SCMP_ACT_ALLOW"}]}`,
	}
	b, err := os.ReadFile("testdata/podman-4.3-eperm.json")
	if err != nil {
		t.Fatal(err)
	}
	cases["podman's, refusing with EPERM"] = string(b)
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			tr, want := plain(t, []byte(text))
			if !tr.wantsENOSYS() {
				t.Fatal("this profile should get the treatment")
			}
			got, err := tr.withENOSYS()
			if err != nil {
				t.Fatal(err)
			}
			for _, arch := range tr.filterArchs() {
				compare(t, tr, arch, want, got)
			}
		})
	}
}

func compare(t *testing.T, tr *translated, arch libseccomp.ScmpArch, want, got []byte) {
	t.Helper()
	audit := uint32(auditX86_64)
	if arch == libseccomp.ArchX86 {
		audit = auditI386
	}
	const enosys = 0x50000 | 38
	answered := 0
	for n := firstNumber(arch); n < firstNumber(arch)+560; n++ {
		name, known := n.GetNameByArch(arch)
		unknown := known != nil || newTo(tr, name)
		for _, args := range argSets {
			c := call{nr: uint32(n), arch: audit, args: args}
			w, g := mustRun(t, want, c), mustRun(t, got, c)
			if unknown {
				w = enosys
				answered++
			}
			if g != w && (g != enosys || !subcallNobodyKnows(arch, name, args)) {
				t.Errorf("%s %d (%s) %v: %s, want %s", arch, n, name, args, verdict(g), verdict(w))
			}
		}
	}
	if answered == 0 {
		t.Error("no number was thought unknown: the test tests nothing")
	}
}

// newTo tells whether the call is above the highest named one on each architecture.
func newTo(tr *translated, name string) bool {
	for _, f := range families {
		if name != f[0] && slices.Contains(f, name) && !newTo(tr, f[0]) {
			return false
		}
	}
	for _, arch := range tr.filterArchs() {
		n, err := libseccomp.GetSyscallFromNameByArch(name, arch)
		if err == nil && n >= firstNumber(arch) && n <= tr.last(arch) {
			return false
		}
	}
	return true
}

// subcallNobodyKnows: 1–20 are socketcall's subcalls, 1–4, 11–14, 21–24 ipc's.
func subcallNobodyKnows(arch libseccomp.ScmpArch, name string, args [6]uint64) bool {
	if arch != libseccomp.ArchX86 {
		return false
	}
	sub := args[0]
	return name == "socketcall" && (sub < 1 || sub > 20) ||
		name == "ipc" && (sub < 1 || sub > 4) && (sub < 11 || sub > 14) && (sub < 21 || sub > 24)
}

func TestENOSYSOnlyWhereItHelps(t *testing.T) {
	needAMD64(t)
	cases := map[string]struct{ profile, want string }{
		"allow":                {`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO"}]}`, "ALLOW"},
		"log":                  {`{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO"}]}`, "LOG"},
		"a tracer decides":     {`{"defaultAction":"SCMP_ACT_TRACE","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`, "TRACE(1)"},
		"no call is named":     {`{"defaultAction":"SCMP_ACT_ERRNO"}`, "ERRNO(1)"},
		"named by the profile": {`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`, "ERRNO(38)"},
		"errno":                {`{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`, "ERRNO(38)"},
		"kill":                 {`{"defaultAction":"SCMP_ACT_KILL_PROCESS","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`, "ERRNO(38)"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			prog := compileText(t, c.profile).BPF
			if got := verdict(mustRun(t, prog, call{nr: 9999, arch: auditX86_64})); got != c.want {
				t.Errorf("system call 9999: %s, want %s", got, c.want)
			}
		})
	}
}

func TestPodmansProfileFits(t *testing.T) {
	for _, name := range []string{"podman-4.3.json", "podman-4.3-eperm.json"} {
		if n := len(compileFile(t, name).BPF) / instructionSize; n > maxInstructions/2 {
			t.Errorf("%s: %d instructions", name, n)
		}
	}
}
