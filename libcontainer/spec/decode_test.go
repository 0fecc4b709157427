package spec

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestDecodeErrors(t *testing.T) {
	for doc, want := range map[string]string{
		`null`: "line 1:1: expected an object, found null",
		`{"linux":{"resources":{"memory":{"limit":"1G"}}}}`:                       "line 1:42: linux.resources.memory.limit: expected an integer, found a string",
		"{\"mounts\":[{},\n{\"options\":[\"ro\",{}]}]}":                           "line 2:18: mounts[1].options[1]: expected a string, found an object",
		`{"process":{"user":{"uid":4294967296}}}`:                                 "line 1:27: process.user.uid: expected an integer from 0 to 4294967295, found 4294967296",
		`{"process":{"oomScoreAdj":1.5}}`:                                         "line 1:27: process.oomScoreAdj: expected an integer, found the number 1.5",
		`{"annotations":{"a.b":1}}`:                                               `line 1:23: annotations["a.b"]: expected a string, found a number`,
		`{"linux":{"seccomp":"unconfined"}}`:                                      "line 1:21: linux.seccomp: expected an object, found a string",
		`{"linux":{"netDevices":{"eth0":{"name":23}}}}`:                           "line 1:40: linux.netDevices.eth0.name: expected a string, found a number",
		`{"windows":[]}`:                                                          "line 1:12: windows: expected an object, found an array",
		`{"process":{"args":"sh"}}`:                                               "line 1:20: process.args: expected an array, found a string",
		`{"linux":{"namespaces":{"type":"pid"}}}`:                                 "line 1:24: linux.namespaces: expected an array, found an object",
		`{"linux":{"resources":{"blockIO":{"weightDevice":[{"weight":65536}]}}}}`: "line 1:61: linux.resources.blockIO.weightDevice[0].weight: expected an integer from 0 to 65535, found 65536",
		`{"root":{"path":"a"}`:                                                    "line 1:21: root: unexpected end of the document",
		`{"hostname":"a"}}`:                                                       "line 1:17: unexpected data after the document",
	} {
		_, err := Decode([]byte(doc))
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", doc, err, want)
		}
	}
}

// TestDecodeSemantics is what is promised about documents that are unusual but not wrong.
func TestDecodeSemantics(t *testing.T) {
	for _, c := range []struct {
		name, doc string
		want      specs.Spec
	}{
		{"unknown members", `{"x":{"y":[1,{"z":null}]},"hostname":"h","root":{"path":"p","future":[]}}`,
			specs.Spec{Hostname: "h", Root: &specs.Root{Path: "p"}}},
		{"case matters", `{"Hostname":"x","HOSTNAME":"y"}`, specs.Spec{}},
		{"last wins", `{"hostname":"a","hostname":"b"}`, specs.Spec{Hostname: "b"}},
		{"last wins whole", `{"process":{"cwd":"/a","terminal":true,"capabilities":{"ambient":["A"]}},"process":{"cwd":"/b","capabilities":{}}}`,
			specs.Spec{Process: &specs.Process{Cwd: "/b", Capabilities: &specs.LinuxCapabilities{}}}},
		{"null resets", `{"hostname":"a","hostname":null,"root":{"path":"p"},"root":null,"mounts":[{}],"mounts":null}`, specs.Spec{}},
		{"empty is not absent", `{"mounts":[],"annotations":{},"linux":{"maskedPaths":[]}}`,
			specs.Spec{Mounts: []specs.Mount{}, Annotations: map[string]string{}, Linux: &specs.Linux{MaskedPaths: []string{}}}},
		{"escapes", `{"h\u006fstname":"\u0061\ud834\udd1e\n\/","root":{"path":"é"}}`,
			specs.Spec{Hostname: "a𝄞\n/", Root: &specs.Root{Path: "é"}}},
		{"other platforms", `{"windows":{"layerFolders":5},"vm":{"kernel":{"path":"x"}},"solaris":null}`,
			specs.Spec{Windows: &specs.Windows{}, VM: &specs.VM{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Decode([]byte(c.doc))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&c.want, got.Spec); d != "" {
				t.Errorf("value differs (-want +got):\n%s", d)
			}
		})
	}
}

// TestSchemaCorpus is the specification's own collection (schema/test/config).
func TestSchemaCorpus(t *testing.T) {
	bad := map[string]string{
		"invalid-json.json":    "line 1:2: expected a key in double quotes, found ']'",
		"linux-hugepage.json":  `linux.resources.hugepageLimits[0].pageSize: "64kB" is not a page size like "2MB"`,
		"linux-netdevice.json": "line 9:25: linux.netDevices.eth0.name: expected a string, found a number",
		"linux-rdma.json":      "line 10:35: linux.resources.rdma.mlx5_1.hcaHandles: expected an integer, found a string",
		// Sections of other platforms are not looked into, so it is the missing linux section that is told.
		"freebsd-vnet-disable.json": `linux: missing, but there is a section "freebsd": this runtime runs Linux containers only`,
	}
	names, err := filepath.Glob("testdata/schema/*/*.json")
	if err != nil || len(names) < 10 {
		t.Fatalf("corpus is missing: %v, %v", names, err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		got := judge(raw)
		want, base := "", filepath.Base(name)
		switch {
		case base == "linux-netdevice.json" && strings.Contains(name, "/good/"):
			// Good by the schema only: devices of the host would be taken from it to stay there.
			want = "linux.netDevices: needs a network namespace in linux.namespaces"
		case strings.Contains(name, "/bad/"):
			if want = bad[base]; want == "" {
				t.Errorf("%s: no expectation", name)
			}
		case strings.HasPrefix(base, "freebsd") || strings.HasPrefix(base, "zos"):
			want = "linux: missing, but there is a section"
		}
		if want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: found %q, want %q", name, got, want)
		}
	}
}

// judge gives the error of decoding or validating raw.
func judge(raw []byte) string {
	c, err := Decode(raw)
	if err == nil {
		err = Validate(c.Spec)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// asRunc removes from the default document what is meant to differ from the runc that made testdata: version and
// host name, and from runc's what newer ones have changed (no ambient capabilities, one more masked path).
func asRunc(s *specs.Spec) {
	s.Version, s.Hostname = "", ""
	s.Process.Capabilities.Ambient = nil
	if m := s.Linux.MaskedPaths; len(m) > 0 && m[len(m)-1] == "/sys/devices/virtual/tpm" {
		s.Linux.MaskedPaths = m[:len(m)-1]
	}
}

func TestDefaultIsRuncs(t *testing.T) {
	for file, ours := range map[string]*specs.Spec{"runc.json": Default(), "runc-rootless.json": rootlessDefault()} {
		raw, err := os.ReadFile("testdata/config/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var runcs specs.Spec
		if err := json.Unmarshal(raw, &runcs); err != nil {
			t.Fatal(err)
		}
		asRunc(&runcs)
		asRunc(ours)
		if d := cmp.Diff(&runcs, ours, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s differs (-runc +ours):\n%s", file, d)
		}
	}
}

func rootlessDefault() *specs.Spec {
	s := Default()
	Rootless(s, 0, 0)
	return s
}

func TestRootlessIsForItsUser(t *testing.T) {
	s := Default()
	addNamespace(s, specs.UserNamespace, "/proc/1/ns/user")
	AddCgroupNamespace(s)
	AddCgroupNamespace(s)
	Rootless(s, 1000, 100)
	want := []specs.LinuxNamespace{{Type: "pid"}, {Type: "ipc"}, {Type: "uts"}, {Type: "mount"}, {Type: "cgroup"}, {Type: "user"}}
	if d := cmp.Diff(want, s.Linux.Namespaces); d != "" {
		t.Errorf("namespaces differ:\n%s", d)
	}
	if u, g := s.Linux.UIDMappings[0].HostID, s.Linux.GIDMappings[0].HostID; u != 1000 || g != 100 {
		t.Errorf("mapped are %d and %d", u, g)
	}
}

func TestDefaultIsFresh(t *testing.T) {
	Default().Process.Capabilities.Bounding[0] = "X"
	if c := Default().Process.Capabilities; c.Bounding[0] == "X" || c.Effective[0] == "X" {
		t.Error("documents share memory")
	}
}
