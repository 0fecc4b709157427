package spec

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// finding is a case of the tables: what is changed in the default document, and every line of the error,
// none for a document that is good.
type finding struct {
	name   string
	change func(s *specs.Spec)
	want   []string
}

func ptr[T any](v T) *T { return &v }

// runFindings validates each case from a fresh default document.
func runFindings(t *testing.T, cases []finding) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := Default()
			c.change(s)
			if d := cmp.Diff(c.want, lines(Validate(s))); d != "" {
				t.Errorf("findings differ (-want +got):\n%s", d)
			}
		})
	}
}

func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func setNamespaces(s *specs.Spec, ns ...specs.LinuxNamespace) { s.Linux.Namespaces = ns }

func addNamespace(s *specs.Spec, t specs.LinuxNamespaceType, path string) {
	s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: t, Path: path})
}

func TestValidateTop(t *testing.T) {
	runFindings(t, []finding{
		{"default", func(*specs.Spec) {}, nil},
		{"rootless", func(s *specs.Spec) { Rootless(s, 1000, 1000) }, nil},
		{"no process", func(s *specs.Spec) { s.Process = nil }, nil},
		{"version missing", func(s *specs.Spec) { s.Version = "" },
			[]string{`ociVersion: missing: it says which specification the document follows, like "1.3.0"`}},
		{"version 2", func(s *specs.Spec) { s.Version = "2.0.0" },
			[]string{`ociVersion: "2.0.0" is not supported, only versions 1.x are`}},
		{"version 0.5", func(s *specs.Spec) { s.Version = "0.5.0-dev" }, nil},
		{"version words", func(s *specs.Spec) { s.Version = "newest" },
			[]string{`ociVersion: "newest" is not a version like "1.3.0"`}},
		{"version with a tail", func(s *specs.Spec) { s.Version = "1.0.0 beta" },
			[]string{`ociVersion: "1.0.0 beta" is not a version like "1.3.0"`}},
		{"release candidate", func(s *specs.Spec) { s.Version = "1.0.0-rc5" }, nil},
		{"development version", func(s *specs.Spec) { s.Version = "1.0.2-dev" }, nil},
		{"newer minor", func(s *specs.Spec) { s.Version = "1.99.0+dev" }, nil},
		{"no root", func(s *specs.Spec) { s.Root = nil }, []string{"root: missing: a container needs a root file system"}},
		{"empty root", func(s *specs.Spec) { s.Root.Path = "" },
			[]string{"root.path: empty: a container needs a root file system"}},
		{"NUL in root", func(s *specs.Spec) { s.Root.Path = "a\x00b" },
			[]string{`root.path: contains a NUL byte: "a\x00b"`}},
		{"hostname without uts", func(s *specs.Spec) {
			setNamespaces(s, specs.LinuxNamespace{Type: "mount"})
			s.Domainname = "example.org"
		}, []string{
			"hostname: cannot be set without a uts namespace in linux.namespaces: it would be the host's",
			"domainname: cannot be set without a uts namespace in linux.namespaces: it would be the host's"}},
		{"long hostname", func(s *specs.Spec) { s.Hostname = strings.Repeat("h", 65) },
			[]string{`hostname: "` + strings.Repeat("h", 65) + `" is longer than 64 bytes`}},
		{"NUL in domainname", func(s *specs.Spec) { s.Domainname = "\x00" },
			[]string{`domainname: contains a NUL byte: "\x00"`}},
		{"empty annotation", func(s *specs.Spec) { s.Annotations = map[string]string{"": "x"} },
			[]string{`annotations[""]: a key must not be empty`}},
		{"no linux", func(s *specs.Spec) { s.Linux, s.Hostname = nil, "" }, nil},
		{"windows only", func(s *specs.Spec) { s.Linux, s.Version, s.Windows = nil, "", &specs.Windows{} },
			[]string{`linux: missing, but there is a section "windows": this runtime runs Linux containers only`}},
		{"windows as well", func(s *specs.Spec) { s.Windows = &specs.Windows{} }, nil},
		{"relative masked path", func(s *specs.Spec) { s.Linux.MaskedPaths = []string{"/proc/kcore", "proc/keys"} },
			[]string{`linux.maskedPaths[1]: "proc/keys" is not an absolute path`}},
		{"empty readonly path", func(s *specs.Spec) { s.Linux.ReadonlyPaths = []string{""} },
			[]string{"linux.readonlyPaths[0]: empty: an absolute path is needed"}},
		{"masked without mount namespace", func(s *specs.Spec) { setNamespaces(s, specs.LinuxNamespace{Type: "uts"}) },
			[]string{
				"linux.maskedPaths: cannot be set without a mount namespace in linux.namespaces: they would be hidden on the host",
				"linux.readonlyPaths: cannot be set without a mount namespace in linux.namespaces: they would be hidden on the host"}},
		{"propagation", func(s *specs.Spec) { s.Linux.RootfsPropagation = "rpublic" },
			[]string{`linux.rootfsPropagation: "rpublic" is not a propagation: shared, slave, private, unbindable, or one of them with an r before it`}},
		{"rslave", func(s *specs.Spec) { s.Linux.RootfsPropagation = "rslave" }, nil},
		{"mount label", func(s *specs.Spec) { s.Linux.MountLabel = `a",b="` },
			[]string{`linux.mountLabel: "a\",b=\"" is not an SELinux context`}},
		{"cgroupsPath", func(s *specs.Spec) { s.Linux.CgroupsPath = "/a\x00" },
			[]string{`linux.cgroupsPath: contains a NUL byte: "/a\x00"`}},
		{"personality", func(s *specs.Spec) { s.Linux.Personality = &specs.LinuxPersonality{Domain: "SVR4"} },
			[]string{`linux.personality.domain: "SVR4" is not a domain: LINUX or LINUX32`}},
		{"personality with flags", func(s *specs.Spec) {
			s.Linux.Personality = &specs.LinuxPersonality{Domain: "LINUX", Flags: []specs.LinuxPersonalityFlag{"X"}}
		}, []string{`linux.personality.flags[0]: "X" cannot be set: the specification defines no flags`}},
		{"personality LINUX32", func(s *specs.Spec) { s.Linux.Personality = &specs.LinuxPersonality{Domain: "LINUX32"} }, nil},
		{"several at once, in order", func(s *specs.Spec) {
			s.Version, s.Root, s.Process.Cwd = "2", nil, "here"
			s.Linux.CgroupsPath = "\x00"
		}, []string{
			`ociVersion: "2" is not supported, only versions 1.x are`,
			`process.cwd: "here" is not an absolute path`,
			"root: missing: a container needs a root file system",
			`linux.cgroupsPath: contains a NUL byte: "\x00"`}},
	})
}

func TestValidateHooks(t *testing.T) {
	runFindings(t, []finding{
		{"good", func(s *specs.Spec) {
			s.Hooks = &specs.Hooks{Poststop: []specs.Hook{{Path: "/bin/true", Args: []string{"x"}, Timeout: ptr(1)}}}
		}, nil},
		{"relative path", func(s *specs.Spec) { s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/a"}, {Path: "b"}}} },
			[]string{`hooks.createRuntime[1].path: "b" is not an absolute path`}},
		{"no path", func(s *specs.Spec) { s.Hooks = &specs.Hooks{CreateContainer: []specs.Hook{{}}} },
			[]string{"hooks.createContainer[0].path: empty: an absolute path is needed"}},
		{"timeout", func(s *specs.Spec) {
			s.Hooks = &specs.Hooks{
				Prestart:  []specs.Hook{{Path: "/a", Timeout: ptr(0)}}, //nolint:staticcheck // deprecated, and what docker uses
				Poststart: []specs.Hook{{Path: "/a", Timeout: ptr(-5)}},
			}
		}, []string{
			"hooks.prestart[0].timeout: 0 is not a number of seconds greater than zero",
			"hooks.poststart[0].timeout: -5 is not a number of seconds greater than zero"}},
		{"NUL", func(s *specs.Spec) {
			s.Hooks = &specs.Hooks{StartContainer: []specs.Hook{{Path: "/a", Args: []string{"a", "\x00"}, Env: []string{"\x00"}}}}
		}, []string{
			`hooks.startContainer[0].args[1]: contains a NUL byte: "\x00"`,
			`hooks.startContainer[0].env[0]: contains a NUL byte: "\x00"`}},
	})
}

func TestErrorsAreOneByOne(t *testing.T) {
	s := Default()
	s.Version, s.Root = "", nil
	err := Validate(s)
	all, ok := errors.AsType[Errors](err)
	if !ok || len(all) != 2 {
		t.Fatalf("not two findings: %#v", err)
	}
	one, ok := errors.AsType[FieldError](err)
	if !ok || one.Path != "ociVersion" {
		t.Errorf("errors.As gives %#v", one)
	}
	if all[1].Path != "root" || strings.Contains(all[0].Error(), "\n") {
		t.Errorf("findings are %#v", all)
	}
}

func TestWarnings(t *testing.T) {
	s := Default()
	s.Version = "0.5.0"
	s.Mounts[1].Destination = "dev"
	s.Process.Capabilities.Bounding = []string{"CAP_KILL", "CAP_FLY"} // which the plan warns of
	warned, err := Check(s)
	if err != nil {
		t.Errorf("warnings are errors: %v", err)
	}
	want := Errors{
		{"ociVersion", `"0.5.0" is older than 1.0, it is read as if it were 1.0`},
		{"mounts[1].destination", `"dev" is relative, it is taken from / on`},
	}
	if d := cmp.Diff(want, warned); d != "" {
		t.Errorf("warnings differ (-want +got):\n%s", d)
	}
	if w, err := Check(Default()); len(w) != 0 || err != nil {
		t.Errorf("the default document has findings: %v, %v", w, err)
	}
}

func TestValidateProcessAlone(t *testing.T) {
	if got := lines(ValidateProcess(nil)); len(got) != 1 || got[0] != "process: missing: there is nothing to run" {
		t.Errorf("no process: %q", got)
	}
	if err := ValidateProcess(Default().Process); err != nil {
		t.Errorf("the default process: %v", err)
	}
	want := []string{"args: empty: there is nothing to run", `cwd: "x" is not an absolute path`}
	if d := cmp.Diff(want, lines(ValidateProcess(&specs.Process{Cwd: "x"}))); d != "" {
		t.Errorf("findings differ (-want +got):\n%s", d)
	}
}

func TestValidateResourcesAlone(t *testing.T) {
	if err := ValidateResources(nil); err != nil {
		t.Error(err)
	}
	// What docker update sends: zeros are "leave alone".
	r, err := DecodeResources([]byte(`{"memory":{"limit":0,"reservation":0,"swap":0,"kernel":0},"cpu":{"shares":0,"quota":0,` +
		`"period":0,"cpus":"","mems":""},"blockIO":{"weight":0},"pids":{"limit":0}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := ValidateResources(r); err != nil {
		t.Error(err)
	}
	r.Memory.Limit = ptr(int64(-2))
	if got := lines(ValidateResources(r)); len(got) != 1 || got[0] != "memory.limit: -2 is negative; -1 means no limit" {
		t.Errorf("findings are %q", got)
	}
}
