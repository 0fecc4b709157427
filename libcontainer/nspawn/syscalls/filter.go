package syscalls

import (
	"fmt"
	"strings"
)

// allowed are the entries that every container may use (nspawn-seccomp.c).
const allowed = "@aio @basic-io @chown @default @file-system @io-event @ipc @mount @network-io @process @resources @setuid " +
	"@signal @sync @timer " +
	"arm_fadvise64_64 brk cachestat capget capset copy_file_range fadvise64 fadvise64_64 flock get_mempolicy getcpu " +
	"getpriority getrandom ioctl ioprio_get kcmp madvise mincore mprotect mremap name_to_handle_at oldolduname olduname " +
	"personality readahead readdir remap_file_pages sched_get_priority_max sched_get_priority_min sched_getaffinity " +
	"sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_yield " +
	"sendfile sendfile64 setdomainname setfsgid setfsgid32 setfsuid setfsuid32 sethostname setpgid setsid splice sysinfo " +
	"tee umask uname userfaultfd vmsplice"

// The entries that go with a capability: the number, then the entries.
const conditional = "25 @clock\n" + // SYS_TIME
	"16 @module\n" + // SYS_MODULE
	"17 @raw-io\n" + // SYS_RAWIO
	"14 @memlock\n" + // IPC_LOCK
	"20 acct\n" + // SYS_PACCT
	"19 process_vm_readv process_vm_writev ptrace\n" + // SYS_PTRACE
	"22 reboot\n" + // SYS_BOOT
	"34 syslog\n" + // SYSLOG
	"26 vhangup\n" + // SYS_TTY_CONFIG
	"39 bpf\n" // BPF

// Filter is what a container may call.
type Filter struct {
	// Allow are the calls that are allowed; Refuse those that systemd 257
	// knows and that fail with EPERM. All others fail with ENOSYS, so that
	// programs fall back as they do on an older kernel.
	Allow, Refuse []string
}

// Request is what --system-call-filter= and SystemCallFilter= ask for on top
// of the default list.
type Request struct {
	Allow, Deny []string
}

// Add takes one value of the option in: words and @groups, a leading ~ on the
// whole value makes it a deny list. As in nspawn, a ~ before a later word is
// part of that word, hence without effect; it is returned as a warning.
func (r *Request) Add(value string) (warnings []string) {
	deny := false
	if rest, ok := strings.CutPrefix(strings.TrimSpace(value), "~"); ok {
		deny, value = true, rest
	}
	for _, word := range strings.Fields(value) {
		if strings.HasPrefix(word, "~") {
			warnings = append(warnings, fmt.Sprintf("%q has no effect: ~ counts at the start of the whole list only", word))
			continue
		}
		if deny {
			r.Deny = append(r.Deny, word)
		} else {
			r.Allow = append(r.Allow, word)
		}
	}
	return warnings
}

// Check gives the first entry of a request that is neither a group nor a
// system call known to systemd 257.
func (r Request) Check() error {
	known := set{}
	if err := known.add("@known", nil); err != nil {
		return err
	}
	for _, entry := range append(append([]string(nil), r.Allow...), r.Deny...) {
		if _, group := Group(entry); !group && !known[entry] {
			return fmt.Errorf("system call filter %q: neither a known system call nor a group (see systemd-analyze syscall-filter)", entry)
		}
	}
	return nil
}

// Default computes the filter of a container that keeps the capabilities of
// the mask bounding.
func Default(bounding uint64, request Request) (Filter, error) {
	deny := map[string]bool{}
	for _, entry := range request.Deny {
		deny[entry] = true
	}
	allow := set{}
	entries := strings.Fields(allowed)
	for _, line := range strings.Split(strings.TrimSuffix(conditional, "\n"), "\n") {
		number, names, _ := strings.Cut(line, " ")
		if bounding&(1<<(10*(number[0]-'0')+number[1]-'0')) != 0 {
			entries = append(entries, strings.Fields(names)...)
		}
	}
	for _, entry := range append(entries, request.Allow...) {
		if err := allow.add(entry, deny); err != nil {
			return Filter{}, err
		}
	}
	refuse := set{}
	if err := refuse.add("@known", nil); err != nil {
		return Filter{}, err
	}
	for name := range allow {
		delete(refuse, name)
	}
	return Filter{Allow: allow.sorted(), Refuse: refuse.sorted()}, nil
}
