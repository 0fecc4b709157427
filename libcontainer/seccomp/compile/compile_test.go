//go:build linux && cgo

package compile

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func needAMD64(t testing.TB) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the table has x86-64 numbers")
	}
}

func compileFile(t testing.TB, name string) *Result {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := JSON(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func compileText(t testing.TB, text string) *Result {
	t.Helper()
	r, err := JSON([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

func TestActionsAndOperators(t *testing.T) {
	needAMD64(t)
	type probe struct {
		args [6]uint64
		want string
	}
	rule := func(action, errno, args string) string {
		return `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["personality"],"action":"SCMP_ACT_` + action + `"` + errno + `,"args":[` + args + `]}]}`
	}
	arg := func(op, v, v2 string) string {
		return `{"index":0,"op":"SCMP_CMP_` + op + `","value":` + v + `,"valueTwo":` + v2 + `}`
	}
	a := func(v uint64) [6]uint64 { return [6]uint64{v} }
	cases := []struct {
		name, profile string
		probes        []probe
	}{
		{"kill is kill thread", rule("KILL", "", ""), []probe{{a(0), "KILL_THREAD"}}},
		{"kill thread", rule("KILL_THREAD", "", ""), []probe{{a(0), "KILL_THREAD"}}},
		{"kill process", rule("KILL_PROCESS", "", ""), []probe{{a(0), "KILL_PROCESS"}}},
		{"trap", rule("TRAP", "", ""), []probe{{a(0), "TRAP"}}},
		{"log", rule("LOG", "", ""), []probe{{a(0), "LOG"}}},
		{"errno is EPERM", rule("ERRNO", "", ""), []probe{{a(0), "ERRNO(1)"}}},
		{"errno 0", rule("ERRNO", `,"errnoRet":0`, ""), []probe{{a(0), "ERRNO(0)"}}},
		{"errno 4094", rule("ERRNO", `,"errnoRet":4094`, ""), []probe{{a(0), "ERRNO(4094)"}}},
		{"trace is EPERM", rule("TRACE", "", ""), []probe{{a(0), "TRACE(1)"}}},
		{"trace 65535", rule("TRACE", `,"errnoRet":65535`, ""), []probe{{a(0), "TRACE(65535)"}}},
		{"EQ on all 64 bits", rule("LOG", "", arg("EQ", "8589934593", "0")), []probe{{a(8589934593), "LOG"}, {a(1), "ALLOW"}, {a(8589934592), "ALLOW"}}},
		{"NE", rule("LOG", "", arg("NE", "5", "0")), []probe{{a(5), "ALLOW"}, {a(4), "LOG"}, {a(5 + 1<<32), "LOG"}}},
		{"LT", rule("LOG", "", arg("LT", "5", "0")), []probe{{a(5), "ALLOW"}, {a(4), "LOG"}, {a(1 << 40), "ALLOW"}}},
		{"LE", rule("LOG", "", arg("LE", "5", "0")), []probe{{a(5), "LOG"}, {a(6), "ALLOW"}, {a(1 << 40), "ALLOW"}}},
		{"GE", rule("LOG", "", arg("GE", "5", "0")), []probe{{a(5), "LOG"}, {a(4), "ALLOW"}, {a(1 << 40), "LOG"}}},
		{"GT", rule("LOG", "", arg("GT", "5", "0")), []probe{{a(5), "ALLOW"}, {a(6), "LOG"}, {a(1 << 40), "LOG"}}},
		// value is the mask, valueTwo what is left
		{"MASKED_EQ", rule("LOG", "", arg("MASKED_EQ", "12", "8")), []probe{{a(9), "LOG"}, {a(13), "ALLOW"}, {a(8 + 1<<40), "LOG"}}},
		{"different arguments: and", rule("LOG", "", arg("EQ", "1", "0")+`,{"index":5,"op":"SCMP_CMP_EQ","value":2}`), []probe{
			{[6]uint64{1, 0, 0, 0, 0, 2}, "LOG"}, {[6]uint64{1}, "ALLOW"}, {[6]uint64{0, 0, 0, 0, 0, 2}, "ALLOW"},
		}},
		{"same argument twice: or", rule("LOG", "", arg("EQ", "1", "0")+","+arg("EQ", "7", "0")), []probe{{a(1), "LOG"}, {a(7), "LOG"}, {a(3), "ALLOW"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			prog := compileText(t, c.profile).BPF
			for _, p := range c.probes {
				got := verdict(mustRun(t, prog, call{nr: unix.SYS_PERSONALITY, arch: auditX86_64, args: p.args}))
				if got != p.want {
					t.Errorf("personality(%v): %s, want %s", p.args, got, p.want)
				}
			}
			if got := verdict(mustRun(t, prog, call{nr: unix.SYS_READ, arch: auditX86_64})); got != "ALLOW" {
				t.Errorf("read: %s, want the default", got)
			}
		})
	}
}

func TestErrorsNameTheField(t *testing.T) {
	sys := func(s string) string {
		return `{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},` + s + `]}`
	}
	cases := []struct{ name, profile, want string }{
		{"not JSON", `{`, "linux.seccomp: parse JSON: "},
		{"default action", `{"defaultAction":"ALLOW"}`, `linux.seccomp.defaultAction: unknown action "ALLOW"`},
		{"no default action", `{"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}`, `linux.seccomp.defaultAction: unknown action ""`},
		{"default errno of a kill", `{"defaultAction":"SCMP_ACT_KILL","defaultErrnoRet":1}`, "linux.seccomp.defaultErrnoRet: SCMP_ACT_KILL takes no errno"},
		{"notify by default", `{"defaultAction":"SCMP_ACT_NOTIFY","listenerPath":"/x"}`, "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default action"},
		{"architecture", `{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86","X"]}`, `linux.seccomp.architectures[1]: unknown architecture "X"`},
		{"architecture of the other byte order", `{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_S390"]}`, "linux.seccomp.architectures[0]: add s390 to a filter of this machine: "},
		{"action", sys(`{"names":["write"],"action":"x"}`), `linux.seccomp.syscalls[1].action: unknown action "x"`},
		{"no names", sys(`{"action":"SCMP_ACT_LOG"}`), "linux.seccomp.syscalls[1].names: is empty"},
		{"empty name", sys(`{"names":["read",""],"action":"SCMP_ACT_LOG"}`), "linux.seccomp.syscalls[1].names[1]: is empty"},
		{"errno of an allow", sys(`{"names":["x"],"action":"SCMP_ACT_ALLOW","errnoRet":1}`), "linux.seccomp.syscalls[1].errnoRet: SCMP_ACT_ALLOW takes no errno"},
		{"errno too large", sys(`{"names":["x"],"action":"SCMP_ACT_ERRNO","errnoRet":4096}`), "linux.seccomp.syscalls[1].errnoRet: 4096 is above 4094"},
		{"operator", sys(`{"names":["x"],"action":"SCMP_ACT_LOG","args":[{"index":0,"op":"EQ"}]}`), `linux.seccomp.syscalls[1].args[0].op: unknown operator "EQ"`},
		{"argument index", sys(`{"names":["x"],"action":"SCMP_ACT_LOG","args":[{"index":0,"op":"SCMP_CMP_EQ"},{"index":6,"op":"SCMP_CMP_EQ"}]}`), "linux.seccomp.syscalls[1].args[1].index: 6 is above 5"},
		{"notify on write", `{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/x","syscalls":[{"names":["mkdir","write"],"action":"SCMP_ACT_NOTIFY"}]}`, `linux.seccomp.syscalls[0].names[1]: SCMP_ACT_NOTIFY cannot be used for "write"`},
		{"notify to nobody", `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}`, "linux.seccomp.listenerPath: must be set"},
		{"flag", `{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_LOG","LOG"]}`, `linux.seccomp.flags[1]: unknown flag "LOG"`},
		{"killable wait without listener", `{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}`, "linux.seccomp.flags[0]: SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV needs a rule with SCMP_ACT_NOTIFY"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := JSON([]byte(c.profile))
			if err == nil {
				t.Fatalf("compiled to %d bytes, want error %q", len(r.BPF), c.want)
			}
			if !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %q, want %q…", err, c.want)
			}
		})
	}
}

func TestFlagsAndListener(t *testing.T) {
	const rules = `"listenerPath":"/run/a.sock","listenerMetadata":"m","syscalls":[{"names":["mkdir","no_such_call"],"action":"SCMP_ACT_NOTIFY"}]`
	cases := []struct {
		name, profile string
		want          uint32
	}{
		{"absent: SPEC_ALLOW", `{"defaultAction":"SCMP_ACT_ALLOW"}`, 4},
		{"null: SPEC_ALLOW", `{"defaultAction":"SCMP_ACT_ALLOW","flags":null}`, 4},
		{"empty: none", `{"defaultAction":"SCMP_ACT_ALLOW","flags":[]}`, 0},
		{"LOG TSYNC", `{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_TSYNC"]}`, 2},
		{"SPEC_ALLOW", `{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]}`, 4},
		{"notify", `{"defaultAction":"SCMP_ACT_ALLOW",` + rules + `}`, 8 | 4},
		{"killable", `{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],` + rules + `}`, 8 | 32},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := compileText(t, c.profile)
			if r.Flags != c.want {
				t.Errorf("flags %#x, want %#x", r.Flags, c.want)
			}
			if notify := c.want&8 != 0; r.Notify != notify {
				t.Errorf("Notify %v", r.Notify)
			} else if notify && (r.ListenerPath != "/run/a.sock" || r.ListenerMetadata != "m" || !slices.Equal(r.Unknown, []string{"no_such_call"})) {
				t.Errorf("listener %q %q, unknown %v", r.ListenerPath, r.ListenerMetadata, r.Unknown)
			}
		})
	}
}

func TestNoProfile(t *testing.T) {
	for _, text := range []string{`null`, `{}`, `{"architectures":["SCMP_ARCH_X86_64"]}`} {
		if r := compileText(t, text); r.BPF != nil || r.Flags != 0 {
			t.Errorf("%s: %d bytes, flags %d; want nothing", text, len(r.BPF), r.Flags)
		}
	}
}

func TestOtherArchitectureIsKilled(t *testing.T) {
	needAMD64(t)
	prog := compileText(t, `{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_ERRNO"}]}`).BPF
	if got := verdict(mustRun(t, prog, call{arch: auditI386})); got != "KILL_THREAD" {
		t.Errorf("i386 call under an x86-64 profile: %s", got)
	}
}

func TestDescribeAgreesWithCompiler(t *testing.T) {
	s, err := Describe()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]string{s.Actions, s.Operators, s.Archs, s.KnownFlags} {
		if len(list) == 0 || !slices.IsSorted(list) {
			t.Errorf("%v is empty or not sorted", list)
		}
	}
	for _, a := range s.Actions {
		if _, err := JSON([]byte(`{"defaultAction":"SCMP_ACT_LOG","listenerPath":"/x","syscalls":[{"names":["mkdir"],"action":"` + a + `"}]}`)); err != nil {
			t.Errorf("action %s of the list: %v", a, err)
		}
	}
	for _, op := range s.Operators {
		if _, err := JSON([]byte(`{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_LOG","args":[{"index":1,"op":"` + op + `"}]}]}`)); err != nil {
			t.Errorf("operator %s of the list: %v", op, err)
		}
	}
}
