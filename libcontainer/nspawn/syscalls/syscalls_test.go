package syscalls

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const defaultCaps = 0xfdecafff

func lines(t *testing.T, file string) []string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Fields(string(raw))
	slices.Sort(list)
	return list
}

func filter(t *testing.T, caps uint64, values ...string) Filter {
	t.Helper()
	var request Request
	for _, v := range values {
		request.Add(v)
	}
	f, err := Default(caps, request)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestDefaultIsNspawns compares with the lists taken from nspawn 257.
func TestDefaultIsNspawns(t *testing.T) {
	f := filter(t, defaultCaps)
	if want := lines(t, "testdata/default-allow-257.txt"); !slices.Equal(f.Allow, want) {
		t.Errorf("allowed %d names, want %d; differ: %v", len(f.Allow), len(want), differ(f.Allow, want))
	}
	if want := lines(t, "testdata/default-eperm-257.txt"); !slices.Equal(f.Refuse, want) {
		t.Errorf("refused %d names, want %d; differ: %v", len(f.Refuse), len(want), differ(f.Refuse, want))
	}
	if n := len(filter(t, 0).Allow); n != 402 {
		t.Errorf("%d names without capabilities, want 402", n)
	}
}

func differ(a, b []string) []string {
	var out []string
	for _, n := range a {
		if !slices.Contains(b, n) {
			out = append(out, "+"+n)
		}
	}
	for _, n := range b {
		if !slices.Contains(a, n) {
			out = append(out, "-"+n)
		}
	}
	return out
}

// TestGroupSizes uses the sizes of section 4.5, direct and expanded.
func TestGroupSizes(t *testing.T) {
	for _, c := range []struct {
		name             string
		direct, expanded int
	}{
		{"@default", 67, 70}, {"@aio", 10, 10}, {"@basic-io", 18, 18}, {"@mount", 12, 12}, {"@file-system", 87, 87},
		{"@privileged", 31, 53}, {"@system-service", 61, 394}, {"@obsolete", 27, 27}, {"@known", 0, 556},
	} {
		entries, ok := Group(c.name)
		if !ok {
			t.Errorf("no group %s", c.name)
		}
		all := set{}
		if err := all.add(c.name, nil); err != nil || len(all) != c.expanded {
			t.Errorf("%s expands to %d, %v; want %d", c.name, len(all), err, c.expanded)
		}
		if c.direct != 0 && len(entries) != c.direct {
			t.Errorf("%s has %d direct entries, want %d", c.name, len(entries), c.direct)
		}
	}
	if n := strings.Count(groups, "\n"); n != 30 {
		t.Errorf("%d groups, want 30", n)
	}
}

func TestFilterRules(t *testing.T) {
	for _, c := range []struct {
		name            string
		caps            uint64
		values          []string
		allowed, denied string
	}{
		{"a group is added", defaultCaps, []string{"@keyring"}, "keyctl add_key ptrace", "bpf"},
		{"~ before a later word does nothing", defaultCaps, []string{"@keyring ~ptrace"}, "keyctl ptrace", ""},
		{"denying a group is by its name", defaultCaps, []string{"~@mount"}, "unshare", "mount pivot_root open_tree"},
		{"denying a call removes it everywhere", defaultCaps, []string{"~unshare setns"}, "mount", "unshare setns"},
		{"deny beats allow", defaultCaps, []string{"@keyring", "~@keyring"}, "", "keyctl"},
		{"a call of an allowed group", defaultCaps, []string{"@keyring", "~keyctl"}, "add_key", "keyctl"},
		{"capability SYS_TIME", defaultCaps | 1<<25, nil, "settimeofday", ""},
		{"capability BPF", defaultCaps | 1<<39, nil, "bpf", "perf_event_open"},
		{"no SYS_BOOT", defaultCaps &^ (1 << 22), nil, "", "reboot"},
		{"all capabilities", 1<<41 - 1, nil, "mlock syslog acct init_module iopl", "keyctl kexec_load quotactl swapon open_by_handle_at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := filter(t, c.caps, c.values...)
			for _, n := range strings.Fields(c.allowed) {
				if !slices.Contains(f.Allow, n) || slices.Contains(f.Refuse, n) {
					t.Errorf("%s is not allowed", n)
				}
			}
			for _, n := range strings.Fields(c.denied) {
				if slices.Contains(f.Allow, n) || !slices.Contains(f.Refuse, n) {
					t.Errorf("%s is not refused", n)
				}
			}
		})
	}
}

func TestRequestWarningsAndErrors(t *testing.T) {
	var r Request
	if w := r.Add("@keyring ~ptrace"); len(w) != 1 || !strings.Contains(w[0], "~ptrace") {
		t.Errorf("warnings %q", w)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
	r.Add("@nonsense")
	if err := r.Check(); err == nil || !strings.Contains(err.Error(), "@nonsense") {
		t.Errorf("error %v", err)
	}
	if _, err := Default(0, r); err == nil {
		t.Error("an unknown group was taken")
	}
}
