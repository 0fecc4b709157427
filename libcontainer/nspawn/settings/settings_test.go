package settings

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/uidrange"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGolden reads files with every key and compares the options that come of
// them, and all warnings.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.nspawn")
	if err != nil || len(files) < 3 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".nspawn")
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", report(t, string(raw)))
		})
	}
}

func report(t *testing.T, text string) string {
	t.Helper()
	s, warnings := Parse(text)
	o := profile.Options{}
	dirs, more := s.Apply(&o)
	var b strings.Builder
	for _, w := range append(warnings, more...) {
		b.WriteString("warning: " + w.String() + "\n")
	}
	for _, d := range dirs {
		b.WriteString("directory: " + d + "\n")
	}
	if s.PrivateUsers != nil {
		raw, _ := json.Marshal(s.PrivateUsers)
		b.WriteString("private users: " + string(raw) + "\n")
	}
	v := reflect.ValueOf(o)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			continue
		}
		raw, err := json.Marshal(v.Field(i).Interface())
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(v.Type().Field(i).Name + ": " + string(raw) + "\n")
	}
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s:\n%s", file, got)
	}
}

// TestEveryKeyIsStored sets each key alone; none may be taken and lost.
func TestEveryKeyIsStored(t *testing.T) {
	good := map[string]string{"Capability": "all", "AmbientCapability": "CAP_CHOWN", "DropCapability": "net_raw", "Environment": "A=b",
		"Bind": "/a", "BindReadOnly": "/a", "Overlay": "/a:/b:/c", "OverlayReadOnly": "/a:/b:/c", "TemporaryFileSystem": "/a",
		"OOMScoreAdjust": "5", "PrivateUsers": "pick", "PrivateUsersOwnership": "map", "Volatile": "overlay", "KillSignal": "rtmin+3",
		"MachineID": strings.Repeat("a", 32), "WorkingDirectory": "/w", "ResolvConf": "off", "Timezone": "off", "LinkJournal": "no",
		"NamespacePath": "/run/netns/x"}
	for _, group := range []struct{ section, keys string }{{"Exec", execKeys}, {"Files", filesKeys}, {"Network", networkKeys}} {
		for _, key := range strings.Fields(group.keys) {
			value := good[key]
			if value == "" {
				value = "1"
			}
			prefix := ""
			if key == "Parameters" {
				prefix = "Boot=yes\n"
			}
			s, warnings := Parse("[" + group.section + "]\n" + prefix + key + "=" + value + "\n")
			empty, _ := Parse("[" + group.section + "]\n" + prefix)
			s.keys, empty.keys = nil, nil
			if len(warnings) > 0 && key != "PrivateUsersOwnership" && key != "PrivateUsersChown" {
				t.Errorf("%s=%s: %v", key, value, warnings)
			}
			if reflect.DeepEqual(s, empty) {
				t.Errorf("%s=%s changed nothing", key, value)
			}
			s, _ = Parse("[" + group.section + "]\n" + key + "=" + value + "\n" + key + "=\n")
			s.keys = nil
			if !reflect.DeepEqual(s, &Settings{}) {
				t.Errorf("%s= does not reset it: %+v", key, s)
			}
		}
	}
}

func TestRules(t *testing.T) {
	one := func(text string) *Settings { s, _ := Parse(text); return s }
	if s := one("[Exec]\nParameters=a b\n"); s.Parameters != nil {
		t.Error("Parameters= counts without Boot=")
	}
	if s := one("[Exec]\nBoot=no\nParameters=a 'b c' d\\x41\n"); !reflect.DeepEqual(s.Parameters, []string{"a", "b c", "dA"}) {
		t.Errorf("parameters %q", s.Parameters)
	}
	if s := one("[Exec]\nPrivateUsers=pick\n"); s.Ownership != "chown" {
		t.Errorf("ownership %q", s.Ownership)
	}
	if s := one("[Files]\nPrivateUsersOwnership=map\n"); s.PrivateUsers == nil || s.PrivateUsers.Mode != uidrange.Off {
		t.Errorf("private users %v", s.PrivateUsers)
	}
	o := profile.Options{Network: profile.Veth, NetworkOptions: []string{"Port=80"}}
	one("[Network]\nVirtualEthernet=no\n").Apply(&o)
	if o.Network != profile.Host || o.NetworkOptions != nil {
		t.Errorf("VirtualEthernet=no leaves %v %v", o.Network, o.NetworkOptions)
	}
	o = profile.Options{Network: profile.Veth}
	one("[Exec]\nBoot=yes\n").Apply(&o)
	if o.Network != profile.Veth || !o.Boot {
		t.Errorf("a file without [Network] changed %v", o)
	}
}

func TestParseLimit(t *testing.T) {
	const unlimited = ^uint64(0)
	for _, c := range []struct {
		kind, value string
		soft, hard  uint64
		fails       bool
	}{
		{"NOFILE", "1024:524288", 1024, 524288, false},
		{"NOFILE", "infinity", unlimited, unlimited, false},
		{"CORE", "0:infinity", 0, unlimited, false},
		{"STACK", "8M", 8 << 20, 8 << 20, false},
		{"CPU", "2min", 120, 120, false},
		{"RTTIME", "5ms", 5000, 5000, false},
		{"NICE", "-5", 25, 25, false},
		{"NICE", "+19", 1, 1, false},
		{"NOFILE", "8K", 0, 0, true},
		{"NOFILE", "5:4", 0, 0, true},
		{"AS", "99999999999E", 0, 0, true},
		{"AS", "", 0, 0, true},
		{"NICE", "-30", 0, 0, true},
	} {
		got, err := ParseLimit(c.kind, c.value)
		if (err != nil) != c.fails || err == nil && got != (specs.POSIXRlimit{Type: "RLIMIT_" + c.kind, Soft: c.soft, Hard: c.hard}) {
			t.Errorf("%s=%s: %+v, %v", c.kind, c.value, got, err)
		}
	}
}

func TestSignal(t *testing.T) {
	for in, want := range map[string]string{"SIGTERM": "SIGTERM", "term": "SIGTERM", "SIGRTMIN+3": "SIGRTMIN+3", "RTMAX-1": "SIGRTMAX-1", "37": "37",
		"RTMIN": "SIGRTMIN", "0": "", "65": "", "SIGX": "", "RTMIN+99": "", "RTMIN-1": "", "": ""} {
		got, err := Signal(in)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("Signal(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestBindAndOverlayErrors(t *testing.T) {
	for value, want := range map[string]string{"/a:/b:ro": `option "ro"`, "a": "not an absolute path", "/a:/b:rbind:x": "more than three",
		`/a\:b`: "", "/a:/b:norbind,idmap": "", ":/b": "", "+/a:/b": ""} {
		_, err := ParseBind(value)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("ParseBind(%q): %v, want %q", value, err, want)
		}
	}
	for value, want := range map[string]string{"/a": "one part", "/a:b": "not an absolute", "/a:/b": "", "/l1:/l2:/up:/dst": ""} {
		_, err := ParseOverlay(value, false)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("ParseOverlay(%q): %v, want %q", value, err, want)
		}
	}
	o, _ := ParseOverlay("/l1:/l2:/up:/dst", false)
	m, work, err := o.Mount()
	if err != nil || work != "/.#work-up" || m.Options[0] != "lowerdir=/l2:/l1" || m.Options[1] != "upperdir=/up" || m.Destination != "/dst" {
		t.Errorf("overlay %+v, %q, %v", m, work, err)
	}
	if o, _ := ParseOverlay("/a:/b", false); o.Upper != "/b" || o.Destination != "/b" || len(o.Lower) != 1 {
		t.Errorf("two parts: %+v", o)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.nspawn")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, _ := Parse(text)
		s.Apply(&profile.Options{})
	})
}
