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

// oracle says what a profile means, straight from its text: the first rule that
// matches, or the default, or ENOSYS above the highest call named. It holds for
// profiles in which no two rules with different actions match the same call.
type oracle struct {
	p  specs.LinuxSeccomp
	tr *translated
	// new remembers newTo
	new map[string]bool
}

func newOracle(t testing.TB, text []byte) *oracle {
	t.Helper()
	o := &oracle{new: map[string]bool{}}
	if err := json.Unmarshal(text, &o.p); err != nil {
		t.Fatal(err)
	}
	var err error
	if o.tr, err = translate(&o.p); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *oracle) unknown(name string) bool {
	is, ok := o.new[name]
	if !ok {
		is = newTo(o.tr, name)
		o.new[name] = is
	}
	return is
}

func ret(a specs.LinuxSeccompAction, errno *uint) uint32 {
	e := uint32(1)
	if errno != nil {
		e = uint32(*errno)
	}
	switch a {
	case specs.ActErrno:
		return 0x50000 | e
	case specs.ActTrace:
		return 0x7ff00000 | e
	}
	return map[specs.LinuxSeccompAction]uint32{
		specs.ActKillProcess: 0x80000000, specs.ActTrap: 0x30000, specs.ActNotify: 0x7fc00000,
		specs.ActLog: 0x7ffc0000, specs.ActAllow: 0x7fff0000,
	}[a]
}

func holds(a specs.LinuxSeccompArg, args [6]uint64) bool {
	v := args[a.Index]
	switch a.Op {
	case specs.OpEqualTo:
		return v == a.Value
	case specs.OpNotEqual:
		return v != a.Value
	case specs.OpLessThan:
		return v < a.Value
	case specs.OpLessEqual:
		return v <= a.Value
	case specs.OpGreaterEqual:
		return v >= a.Value
	case specs.OpGreaterThan:
		return v > a.Value
	}
	return v&a.Value == a.ValueTwo
}

// matches: all conditions, or any of them when two are for one argument.
func matches(args []specs.LinuxSeccompArg, v [6]uint64) bool {
	seen, several, all, some := map[uint]bool{}, false, true, false
	for _, a := range args {
		several = several || seen[a.Index]
		seen[a.Index] = true
		if holds(a, v) {
			some = true
		} else {
			all = false
		}
	}
	if several {
		return some
	}
	return all
}

func (o *oracle) decide(name string, args [6]uint64) uint32 {
	if o.tr.wantsENOSYS() && o.unknown(name) {
		return 0x50000 | 38
	}
	for _, s := range o.p.Syscalls {
		for _, want := range s.Names {
			if want == name && matches(s.Args, args) {
				return ret(s.Action, s.ErrnoRet)
			}
		}
	}
	return ret(o.p.DefaultAction, o.p.DefaultErrnoRet)
}

// check compares a program with the oracle, for all calls of x86-64 and x32 that
// libseccomp knows, and those of i386 that are no part of socketcall and ipc.
func (o *oracle) check(t *testing.T, prog []byte) {
	t.Helper()
	for _, arch := range o.tr.filterArchs() {
		audit := uint32(auditX86_64)
		if arch == libseccomp.ArchX86 {
			audit = auditI386
		}
		for n := firstNumber(arch); n < firstNumber(arch)+600; n++ {
			name, err := n.GetNameByArch(arch)
			if err != nil || slices.Contains(unimplemented[:], name) || arch == libseccomp.ArchX86 && inFamily(name) {
				continue
			}
			for _, args := range argSets {
				if arch != libseccomp.ArchAMD64 && args[0]>>32 != 0 {
					continue // for libseccomp, arguments have 32 bits on i386 and x32
				}
				got, err := run(prog, call{nr: uint32(n), arch: audit, args: args})
				if want := o.decide(name, args); err != nil || got != want {
					t.Errorf("%s %d (%s) %v: %s %v, want %s", arch, n, name, args, verdict(got), err, verdict(want))
				}
			}
		}
	}
}

func inFamily(name string) bool {
	return slices.ContainsFunc(families[:], func(f []string) bool { return slices.Contains(f, name) })
}

func TestProgramsMeanWhatProfilesSay(t *testing.T) {
	needAMD64(t)
	const all = `"architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86","SCMP_ARCH_X32"]`
	const cond = `{"names":["clone","socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2114060288,"valueTwo":0,"op":"SCMP_CMP_MASKED_EQ"},{"index":2,"value":9,"op":"SCMP_CMP_NE"}]}`
	cases := map[string]string{
		// without anchor, libseccomp 2.5.4 makes nonsense of these
		"stray call first, refusing":  `{"defaultAction":"SCMP_ACT_ERRNO",` + all + `,"syscalls":[{"names":["socketcall"],"action":"SCMP_ACT_ALLOW"},` + cond + `]}`,
		"stray call first, ENOSYS":    `{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,` + all + `,"syscalls":[{"names":["_llseek"],"action":"SCMP_ACT_ALLOW"},` + cond + `]}`,
		"stray call first, logging":   `{"defaultAction":"SCMP_ACT_LOG","architectures":["SCMP_ARCH_X32"],"syscalls":[{"names":["_llseek"],"action":"SCMP_ACT_ALLOW"},` + cond + `]}`,
		"stray on i386 only":          `{"defaultAction":"SCMP_ACT_KILL_PROCESS",` + all + `,"syscalls":[{"names":["ioctl","time","kcmp","memfd_secret"],"action":"SCMP_ACT_ALLOW","args":[{"index":5,"value":131072,"op":"SCMP_CMP_NE"}]},{"names":["accept"],"action":"SCMP_ACT_ALLOW"}]}`,
		"nothing but stray calls":     `{"defaultAction":"SCMP_ACT_LOG",` + all + `,"syscalls":[{"names":["_llseek"],"action":"SCMP_ACT_ALLOW"}]}`,
		"operators":                   `{"defaultAction":"SCMP_ACT_ERRNO",` + all + `,"syscalls":[{"names":["prctl","mount"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":2,"op":"SCMP_CMP_LE"},{"index":1,"value":2,"op":"SCMP_CMP_GE"},{"index":5,"value":6,"op":"SCMP_CMP_EQ"}]},{"names":["ptrace"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"op":"SCMP_CMP_LT"},{"index":0,"value":8,"op":"SCMP_CMP_GT"}]}]}`,
		"everything named is refused": `{"defaultAction":"SCMP_ACT_ALLOW",` + all + `,"syscalls":[{"names":["mount","umount2","ptrace","kexec_load"],"action":"SCMP_ACT_ERRNO"}]}`,
	}
	for _, name := range []string{"podman-4.3.json", "podman-4.3-eperm.json"} {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		cases[name] = string(b)
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			newOracle(t, []byte(text)).check(t, compileText(t, text).BPF)
		})
	}
}
