package plan

import (
	"reflect"
	"slices"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// TestMountOptions pins every word of config.md's table of mount options for Linux, and those that runc knows besides.
func TestMountOptions(t *testing.T) {
	own := func(set, clear uint64) mountOptions { return mountOptions{own: Attributes{set, clear}} }
	below := func(set, clear uint64) mountOptions { return mountOptions{rec: Attributes{set, clear}} }
	spread := func(flag uint64, recursive bool) mountOptions {
		return mountOptions{propagation: []Propagation{{flag, recursive}}}
	}
	super := func(key string) mountOptions { return mountOptions{super: []Option{{Key: key}}} }
	tests := map[string]mountOptions{
		"":         {},
		"defaults": {}, "loud": {}, "silent": {},
		"bind": {bind: true}, "rbind": {bind: true, bindRec: true}, "remount": {remount: true},
		"tmpcopyup": {copyUp: true}, "idmap": {idmap: true}, "ridmap": {idmap: true, ridmap: true},
		"ro": own(AttrRDOnly, 0), "rw": own(0, AttrRDOnly),
		"nosuid": own(AttrNoSuid, 0), "suid": own(0, AttrNoSuid),
		"nodev": own(AttrNoDev, 0), "dev": own(0, AttrNoDev),
		"noexec": own(AttrNoExec, 0), "exec": own(0, AttrNoExec),
		"nosymfollow": own(AttrNoSymFollow, 0), "symfollow": own(0, AttrNoSymFollow),
		"nodiratime": own(AttrNoDirAtime, 0), "diratime": own(0, AttrNoDirAtime),
		"noatime": own(AttrNoAtime, AttrAtimeMask), "atime": own(0, AttrAtimeMask),
		"strictatime": own(AttrStrictAtime, AttrAtimeMask), "nostrictatime": own(0, AttrAtimeMask),
		"relatime": own(0, AttrAtimeMask), "norelatime": own(AttrStrictAtime, AttrAtimeMask),
		"rro": below(AttrRDOnly, 0), "rrw": below(0, AttrRDOnly),
		"rnosuid": below(AttrNoSuid, 0), "rsuid": below(0, AttrNoSuid),
		"rnodev": below(AttrNoDev, 0), "rdev": below(0, AttrNoDev),
		"rnoexec": below(AttrNoExec, 0), "rexec": below(0, AttrNoExec),
		"rnosymfollow": below(AttrNoSymFollow, 0), "rsymfollow": below(0, AttrNoSymFollow),
		"rnodiratime": below(AttrNoDirAtime, 0), "rdiratime": below(0, AttrNoDirAtime),
		"rnoatime": below(AttrNoAtime, AttrAtimeMask), "ratime": below(0, AttrAtimeMask),
		"rstrictatime": below(AttrStrictAtime, AttrAtimeMask), "rnostrictatime": below(0, AttrAtimeMask),
		"rrelatime": below(0, AttrAtimeMask), "rnorelatime": below(AttrStrictAtime, AttrAtimeMask),
		"private": spread(PropPrivate, false), "rprivate": spread(PropPrivate, true),
		"shared": spread(PropShared, false), "rshared": spread(PropShared, true),
		"slave": spread(PropSlave, false), "rslave": spread(PropSlave, true),
		"unbindable": spread(PropUnbindable, false), "runbindable": spread(PropUnbindable, true),
		"sync": super("sync"), "async": super("async"), "dirsync": super("dirsync"), "lazytime": super("lazytime"),
		"nolazytime": super("nolazytime"), "mand": super("mand"), "nomand": super("nomand"),
		"iversion": {}, "noiversion": {},
		"acl": {super: []Option{{Key: "acl", Hint: true}}}, "noacl": {super: []Option{{Key: "noacl", Hint: true}}},
		"size=64k":  {data: []Option{{Key: "size", Value: "64k", HasValue: true}}},
		"mode=":     {data: []Option{{Key: "mode", HasValue: true}}},
		"usrquota":  {data: []Option{{Key: "usrquota"}}},
		"rootmode":  {data: []Option{{Key: "rootmode"}}},
		"a=b=c":     {data: []Option{{Key: "a", Value: "b=c", HasValue: true}}},
		"newgroups": {data: []Option{{Key: "newgroups"}}},
	}
	for word, want := range tests {
		if got := parseMountOptions([]string{word}); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", word, got, want)
		}
	}
}

// TestMountOptionOrder shows that of two words about one thing the last one counts.
func TestMountOptionOrder(t *testing.T) {
	tests := []struct {
		words      []string
		own, below Attributes
	}{
		{[]string{"ro", "rw"}, Attributes{0, AttrRDOnly}, Attributes{}},
		{[]string{"rw", "ro"}, Attributes{AttrRDOnly, 0}, Attributes{}},
		{[]string{"rro", "rw"}, Attributes{0, AttrRDOnly}, Attributes{AttrRDOnly, 0}},
		{[]string{"noatime", "strictatime"}, Attributes{AttrStrictAtime, AttrAtimeMask}, Attributes{}},
		{[]string{"strictatime", "relatime"}, Attributes{0, AttrAtimeMask}, Attributes{}},
		{[]string{"noatime", "nodiratime"}, Attributes{AttrNoAtime | AttrNoDirAtime, AttrAtimeMask}, Attributes{}},
		{[]string{"nosuid", "nodev", "suid"}, Attributes{AttrNoDev, AttrNoSuid}, Attributes{}},
	}
	for _, tt := range tests {
		if o := parseMountOptions(tt.words); o.own != tt.own || o.rec != tt.below {
			t.Errorf("%q: %+v %+v, want %+v %+v", tt.words, o.own, o.rec, tt.own, tt.below)
		}
	}
}

// TestRecursiveAttributes: a new file system has them as well, unless its own say otherwise.
func TestRecursiveAttributes(t *testing.T) {
	tests := []struct {
		words []string
		own   Attributes
	}{
		{[]string{"rnosuid", "nodev"}, Attributes{AttrNoSuid | AttrNoDev, 0}},
		{[]string{"rro", "rw"}, Attributes{0, AttrRDOnly}},
		{[]string{"rsuid", "nosuid"}, Attributes{AttrNoSuid, 0}},
		{[]string{"rnoatime", "nodev"}, Attributes{AttrNoAtime | AttrNoDev, AttrAtimeMask}},
		{[]string{"rnoatime", "strictatime"}, Attributes{AttrStrictAtime, AttrAtimeMask}},
	}
	for _, tt := range tests {
		m := newMount(0, &specs.Mount{Destination: "/x", Type: "proc", Options: tt.words})
		if m.Own != tt.own || m.Below != (Attributes{}) {
			t.Errorf("%q: %+v %+v, want %+v and none below", tt.words, m.Own, m.Below, tt.own)
		}
	}
}

// TestMountKind shows which mounts are bind mounts.
func TestMountKind(t *testing.T) {
	tests := []struct {
		kind    string
		options []string
		want    BindKind
	}{
		{"tmpfs", nil, NoBind}, {"bind", nil, BindOne}, {"none", []string{"bind"}, BindOne}, {"", []string{"shared"}, NoBind},
		{"none", []string{"rbind"}, BindBelow}, {"bind", []string{"rbind", "bind"}, BindBelow}, {"", []string{"rbind", "ro"}, BindBelow},
	}
	for _, tt := range tests {
		if m := newMount(0, &specs.Mount{Destination: "/x", Type: tt.kind, Options: tt.options}); m.Bind != tt.want {
			t.Errorf("type %q options %q: kind %d, want %d", tt.kind, tt.options, m.Bind, tt.want)
		}
	}
}

func TestCleanDestination(t *testing.T) {
	for in, want := range map[string]string{
		"/a": "/a", "a/b": "/a/b", "": "/", "/": "/", "/a//b/": "/a/b", "/a/../..": "/", "../../etc": "/etc", "/a/./b": "/a/b", "/..a": "/..a",
	} {
		if got := CleanDestination(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestProgramCandidates(t *testing.T) {
	tests := []struct {
		name, program string
		env, want     []string
	}{
		{"a path", "/bin/x", []string{"PATH=/a"}, []string{"/bin/x"}},
		{"a relative path", "./x", []string{"PATH=/a"}, []string{"./x"}},
		{"each directory", "x", []string{"PATH=/a:/b/"}, []string{"/a/x", "/b/x"}},
		{"no empty directory", "x", []string{"PATH=:/a::/b:"}, []string{"/a/x", "/b/x"}},
		{"the last PATH counts", "x", []string{"PATH=/a", "PATH=/b"}, []string{"/b/x"}},
		{"not another variable", "x", []string{"PATHS=/a", "MYPATH=/b"}, nil},
		{"no PATH", "x", nil, nil},
		{"the root", "x", []string{"PATH=/"}, []string{"/x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := programCandidates(tt.program, tt.env); !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// TestEnvironment shows that a configured HOME stays.
func TestEnvironment(t *testing.T) {
	tests := []struct {
		home      string
		env, want []string
	}{
		{"/root", []string{"A=1"}, []string{"A=1", "HOME=/root"}},
		{"/root", []string{"HOME=/x"}, []string{"HOME=/x"}},
		{"/root", []string{"HOMEX=/x"}, []string{"HOMEX=/x", "HOME=/root"}},
		{"", []string{"A=1"}, []string{"A=1"}},
	}
	for _, tt := range tests {
		if got := environment(tt.env, tt.home); !slices.Equal(got, tt.want) {
			t.Errorf("home %q, env %q: %q, want %q", tt.home, tt.env, got, tt.want)
		}
	}
}
