//go:build linux && cgo

package compile

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	libseccomp "github.com/seccomp/libseccomp-golang"
)

// FuzzJSON: whatever the profile, the compiler returns, and a program it returns
// is one the kernel would take.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"],"syscalls":[{"names":["socketcall"],"action":"SCMP_ACT_ALLOW"},{"names":["clone","socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"},{"index":2,"value":9,"op":"SCMP_CMP_NE"}]}]}`))
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],"listenerPath":"/a","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}`))
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_KILL","defaultErrnoRet":4294967296,"syscalls":[{"names":["read","read"],"action":"SCMP_ACT_TRACE","errnoRet":65535},{"names":[""]}]}`))
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_TRAP","syscalls":[{"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":8,"op":"SCMP_CMP_EQ"},{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_GT"},{"index":5,"op":"SCMP_CMP_LE"}]}]}`))
	f.Add([]byte(`{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_AARCH64","SCMP_ARCH_ARM","SCMP_ARCH_S390X"],"syscalls":[{"names":["ipc","shmget","semop"],"action":"SCMP_ACT_LOG"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := JSON(raw)
		if err != nil {
			if r != nil || !strings.HasPrefix(err.Error(), "linux.seccomp") {
				t.Fatalf("result %v, error %q", r, err)
			}
			return
		}
		checkShape(t, r.BPF)
	})
}

// checkShape makes the kernel's own checks (bpf_check_classic): known length,
// jumps forward and inside, a return at the end.
func checkShape(t *testing.T, prog []byte) {
	t.Helper()
	if len(prog) == 0 {
		return
	}
	n := len(prog) / instructionSize
	if len(prog)%instructionSize != 0 || n > maxInstructions {
		t.Fatalf("%d bytes", len(prog))
	}
	for _, arch := range []uint32{auditX86_64, auditI386, 0xc00000b7, 0} {
		for _, nr := range []uint32{0, 1, 41, 102, 135, 435, 9999, x32Bit | 41, 0xffffffff} {
			for _, args := range argSets[:4] {
				mustRun(t, prog, call{nr: nr, arch: arch, args: args})
			}
		}
	}
	if last := prog[len(prog)-instructionSize:]; last[0] != opReturnK {
		t.Fatalf("ends with instruction %#x", last[0])
	}
}

// FuzzMeaning makes profiles and compares the program with the oracle. Each call
// is in one rule, and each argument in one condition of it: of overlapping ranges
// for one call libseccomp 2.5.4 makes too much (arg0 >= 9, or arg0 < 40 and
// arg1 < 8: it lets (5, 9) through), for runc as for us.
func FuzzMeaning(f *testing.F) {
	needAMD64(f)
	for seed := range uint64(8) {
		f.Add(seed, uint8(seed))
	}
	f.Fuzz(func(t *testing.T, seed uint64, kind uint8) {
		text := randomProfile(rand.New(rand.NewPCG(seed, uint64(kind))), kind)
		r, err := JSON([]byte(text))
		if err != nil {
			if strings.Contains(err.Error(), "contradicts") {
				t.Skip("socketcall on i386, which refuses what it cannot express")
			}
			t.Fatalf("%s: %v", text, err)
		}
		t.Log(text)
		newOracle(t, []byte(text)).check(t, r.BPF)
	})
}

func randomProfile(rnd *rand.Rand, kind uint8) string {
	defaults := []string{`"SCMP_ACT_ERRNO"`, `"SCMP_ACT_ERRNO","defaultErrnoRet":38`, `"SCMP_ACT_KILL_PROCESS"`, `"SCMP_ACT_LOG"`}
	archs := []string{`"SCMP_ARCH_X86_64"`, `"SCMP_ARCH_X86_64","SCMP_ARCH_X32"`, `"SCMP_ARCH_X86"`, `"SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"`}
	ops := []string{"EQ", "NE", "LT", "LE", "GE", "GT", "MASKED_EQ"}
	values := []uint64{0, 1, 2, 3, 5, 8, 9, 13, 16, 40, 0x20000, 0xffffffff}
	numbers := rnd.Perm(450)
	var rules []string
	for range 1 + rnd.IntN(6) {
		var names, args []string
		n := 1 + rnd.IntN(40)
		for _, nr := range numbers[:n] {
			if name, err := libseccomp.ScmpSyscall(nr).GetName(); err == nil {
				names = append(names, `"`+name+`"`)
			}
		}
		numbers = numbers[n:]
		if len(names) == 0 {
			continue
		}
		for _, index := range rnd.Perm(6)[:rnd.IntN(4)] {
			v := values[rnd.IntN(len(values))]
			args = append(args, fmt.Sprintf(`{"index":%d,"value":%d,"valueTwo":%d,"op":"SCMP_CMP_%s"}`,
				index, v, v&values[rnd.IntN(len(values))], ops[rnd.IntN(len(ops))]))
		}
		rules = append(rules, fmt.Sprintf(`{"names":[%s],"action":"SCMP_ACT_ALLOW","args":[%s]}`, strings.Join(names, ","), strings.Join(args, ",")))
	}
	return fmt.Sprintf(`{"defaultAction":%s,"architectures":[%s],"syscalls":[%s]}`,
		defaults[kind%4], archs[kind/4%4], strings.Join(rules, ","))
}
