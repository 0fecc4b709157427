//go:build linux && cgo

// Package compile turns linux.seccomp of the OCI configuration into a program
// for seccomp(2). Every comparison in the program is made by libseccomp, through
// its Go binding; nothing here writes BPF instructions of its own (link.go joins
// two programs of libseccomp into one).
//
// It needs cgo, which would tax every start of the runtime, so only the small
// binary gspawn-oci-seccomp and a CGO_ENABLED=1 build link it. It never loads a
// filter and never looks at anything but the profile and libseccomp's tables;
// it may import no package of the runtime.
package compile

import (
	"encoding/json"
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

// maxInstructions is BPF_MAXINSNS, the longest program the kernel takes.
const maxInstructions = 4096

// Result is a compiled profile.
type Result struct {
	// BPF is an array of struct sock_filter (8 bytes each) in the byte order of
	// this machine. It is nil when the profile is empty, which means no seccomp.
	BPF []byte
	// Flags are those for seccomp(SECCOMP_SET_MODE_FILTER), NEW_LISTENER included
	// when a rule uses SCMP_ACT_NOTIFY.
	Flags uint32
	// Notify tells that the filter has a listener, to be sent to ListenerPath.
	Notify           bool
	ListenerPath     string
	ListenerMetadata string
	// Unknown are the system calls whose names libseccomp has never heard of, in
	// the order of the profile. They are ignored, as runc does: profiles name the
	// calls of kernels to come, and the default action covers them.
	Unknown []string
}

// JSON compiles a profile given as the text of linux.seccomp. Errors name the
// field: `linux.seccomp.syscalls[3].args[0].op: …`.
func JSON(raw []byte) (*Result, error) {
	var p specs.LinuxSeccomp
	if err := json.Unmarshal(raw, &p); err != nil {
		return nil, fmt.Errorf("linux.seccomp: parse JSON: %w", err)
	}
	return Profile(&p)
}

// Profile compiles a profile.
func Profile(p *specs.LinuxSeccomp) (*Result, error) {
	// runc's rule for "seccomp is off", which engines write for unconfined.
	if p == nil || p.DefaultAction == "" && len(p.Syscalls) == 0 {
		return &Result{}, nil
	}
	setAPI()
	t, err := translate(p)
	if err != nil {
		return nil, err
	}
	r := &Result{
		Flags:            t.flags,
		Notify:           t.notify,
		ListenerPath:     p.ListenerPath,
		ListenerMetadata: p.ListenerMetadata,
		Unknown:          t.unknown,
	}
	if r.BPF, err = t.program(); err != nil {
		return nil, err
	}
	return r, nil
}

// program compiles the translated profile, with the ENOSYS answer for unknown
// system calls where there is room for it.
func (t *translated) program() ([]byte, error) {
	if t.wantsENOSYS() {
		bpf, err := t.withENOSYS()
		if err != nil {
			return nil, err
		}
		if len(bpf)/instructionSize <= maxInstructions {
			return bpf, nil
		}
		// Too long with it: the profile as it is written comes first.
	}
	bpf, err := t.build(t.defaultAction, t.rules)
	if err != nil {
		return nil, err
	}
	if n := len(bpf) / instructionSize; n > maxInstructions {
		return nil, fmt.Errorf("linux.seccomp: the filter has %d instructions, the kernel takes %d; remove architectures or rules with arguments", n, maxInstructions)
	}
	return bpf, nil
}

// build lets libseccomp make one program of the rules.
func (t *translated) build(defaultAction libseccomp.ScmpAction, rules []rule) ([]byte, error) {
	f, err := libseccomp.NewFilter(defaultAction)
	if err != nil {
		return nil, fmt.Errorf("linux.seccomp.defaultAction: make filter: %w", err)
	}
	defer f.Release()
	for i, a := range t.archs {
		if err := f.AddArch(a); err != nil {
			return nil, fmt.Errorf("linux.seccomp.architectures[%d]: add %s to a filter of this machine: %w", i, a, err)
		}
	}
	rules = append(t.anchor(rules, defaultAction), rules...)
	// libseccomp <= 2.5.4 misbehaves with the tree and no rules; with few of them
	// a list is as good.
	if len(rules) > treeFrom {
		if err := f.SetOptimize(2); err != nil {
			return nil, fmt.Errorf("linux.seccomp: choose libseccomp's binary tree: %w", err)
		}
	}
	for i := range rules {
		if err := rules[i].add(f, defaultAction); err != nil {
			return nil, err
		}
	}
	return export(f)
}

// treeFrom is the number of rules above which libseccomp shall sort the system
// calls in a binary tree instead of a list.
const treeFrom = 32
