package nspawn

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

var update = flag.Bool("update", false, "write the golden files")

func bundle(t *testing.T, name string) *specs.Spec {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var spec specs.Spec
	if err := json.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	return &spec
}

func systemdFacts() Facts {
	return Facts{ID: "box", Init: Init{Kind: Systemd, Path: "/sbin/init"}, HostMachineID: strings.Repeat("a1", 16),
		HostOSRelease: "/etc/os-release", HostOS: []string{"container_host_id=debian", "container_host_version_id=13"},
		Cgroup: Unified, Term: "xterm-256color", BootID: "11111111-2222-4333-8444-555555555555", Notify: true, Supervised: true,
		NrOpen: 1 << 20, MayRaise: true}
}

// TestGolden shows what boot mode does to the bundles of engines: the list that
// `gspawn-oci plan` prints, and the configuration that comes of it.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name, bundle string
		change       func(*Facts)
	}{
		{"docker", "docker.json", nil},
		{"docker-detached", "docker.json", func(f *Facts) { f.Supervised, f.Notify = false, false }},
		{"podman-hybrid", "podman-v1.json", func(f *Facts) { f.Cgroup, f.SystemdVersion = Hybrid, 252 }},
		{"bare", "bare.json", func(f *Facts) {
			f.NoMachineIDFile = true
			f.Credentials = []Credential{{"a", []byte("1")}}
		}},
		{"busybox", "docker.json", func(f *Facts) { f.Init.Kind = Busybox }},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, facts := bundle(t, c.bundle), systemdFacts()
			if c.change != nil {
				c.change(&facts)
			}
			before := bundle(t, c.bundle)
			additions := Adapt(spec, facts)
			out, applied, rest := Apply(spec, additions)
			if !reflect.DeepEqual(spec, before) {
				t.Error("the bundle was changed")
			}
			var text strings.Builder
			for _, a := range additions {
				if a.Reason == "" {
					t.Errorf("%s has no reason", a.Change)
				}
				text.WriteString(a.String() + "\n")
			}
			if len(applied) == 0 || len(applied)+len(rest) != len(additions) {
				t.Errorf("of %d additions %d were applied and %d were not", len(additions), len(applied), len(rest))
			}
			raw, err := json.MarshalIndent(out, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, c.name+".txt", text.String())
			golden(t, c.name+".applied.json", string(raw)+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
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
		t.Errorf("differs from %s (see with -update and git diff)", file)
	}
}

// TestApplicationGetsNothing is the promise to engines: in auto mode a bundle
// whose process is no init is plain OCI.
func TestApplicationGetsNothing(t *testing.T) {
	spec := bundle(t, "docker.json")
	spec.Process.Args = []string{"nginx", "-g", "daemon off;"}
	decision, err := Decide(spec, Sources{}, func() (Tree, error) {
		t.Error("the tree was looked at")
		return memTree{}, nil
	})
	if err != nil || decision.Boot {
		t.Fatalf("Decide = %+v, %v", decision, err)
	}
	facts := systemdFacts()
	facts.Init = decision.Init
	additions := Adapt(spec, facts)
	out, _, rest := Apply(spec, additions)
	if len(additions) != 0 || len(rest) != 0 || out != spec {
		t.Errorf("added %v", additions)
	}
}

func find[T Change](list []Addition) []T {
	var out []T
	for _, a := range list {
		if c, ok := a.Change.(T); ok {
			out = append(out, c)
		}
	}
	return out
}

// TestAddingIsIdempotent runs on its own result: what was added is not added
// again, so a second runtime in the chain does no harm.
func TestAddingIsIdempotent(t *testing.T) {
	for _, name := range []string{"docker.json", "podman-v1.json", "bare.json"} {
		once, _, _ := Apply(bundle(t, name), Adapt(bundle(t, name), systemdFacts()))
		for _, a := range Adapt(once, systemdFacts()) {
			switch a.Change.(type) {
			case SetEnv, AddNamespace, AddMount, DropMount, MountOptions, MaskPath, ReadonlyPath, UnmaskPath, WritablePath,
				DropDevice, SetHostname, SetRlimit, SetStopSignal:
				t.Errorf("%s: again: %s", name, a)
			}
		}
	}
}

func TestMountsAreOrdered(t *testing.T) {
	out, _, _ := Apply(bundle(t, "docker.json"), Adapt(bundle(t, "docker.json"), systemdFacts()))
	seen := map[string]int{}
	for i, m := range out.Mounts {
		seen[m.Destination] = i
	}
	for _, pair := range [][2]string{{"/run", "/run/secrets/x"}, {"/run", "/run/lock"}, {"/run", "/run/host"}, {"/run/host", "/run/host/os-release"}, {"/sys", "/sys/fs/cgroup"}} {
		if seen[pair[0]] >= seen[pair[1]] {
			t.Errorf("%s comes after %s", pair[0], pair[1])
		}
	}
}

func TestCgroupRules(t *testing.T) {
	with := func(m *specs.Mount, namespace bool) *specs.Spec {
		s := bootable("/sbin/init")
		if m != nil {
			s.Mounts = []specs.Mount{*m}
		}
		if namespace {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
		}
		return s
	}
	bind := mount(cgroupRoot, "bind", cgroupRoot, "rbind", "rw")
	rw, tmpfs := MountCgroup(), mount(cgroupRoot, "tmpfs", "tmpfs")
	for _, c := range []struct {
		name                     string
		spec                     *specs.Spec
		namespace, drop, add, rw bool
	}{
		{"nothing", with(nil, false), true, false, true, false},
		{"all there", with(&rw, true), false, false, false, false},
		{"the host's tree", with(&bind, false), true, true, true, false},
		{"a tmpfs", with(&tmpfs, true), false, true, true, false},
	} {
		list := Adapt(c.spec, systemdFacts())
		added := slices.ContainsFunc(find[AddMount](list), func(m AddMount) bool { return m.Mount.Destination == cgroupRoot })
		if (len(find[AddNamespace](list)) > 0) != c.namespace || (len(find[DropMount](list)) > 0) != c.drop || added != c.add ||
			len(find[Delegate](list)) != 1 {
			t.Errorf("%s: %v", c.name, list)
		}
	}
}

func TestHierarchy(t *testing.T) {
	for _, c := range []struct {
		host    Hierarchy
		version int
		want    Hierarchy
	}{
		{Hybrid, 252, Hybrid}, {Hybrid, 0, Hybrid}, {Hybrid, 232, Legacy}, {Hybrid, 229, Legacy}, {Legacy, 257, Legacy}, {Legacy, 0, Legacy},
	} {
		a := adapter{facts: &Facts{Cgroup: c.host, SystemdVersion: c.version}}
		if got := a.hierarchy(); got != c.want {
			t.Errorf("%s with systemd %d: %s, want %s", c.host, c.version, got, c.want)
		}
	}
}

func TestMachineIDSources(t *testing.T) {
	bundleID, treeID, noteID := strings.Repeat("1", 32), strings.Repeat("2", 32), strings.Repeat("3", 32)
	for _, c := range []struct {
		name, env, tree, note, want string
	}{
		{"the bundle's", "container_uuid=" + UUID(bundleID), treeID, noteID, bundleID},
		{"the tree's", "A=b", treeID, noteID, treeID},
		{"the annotation's", "A=b", "", UUID(noteID), noteID},
		{"derived", "container_uuid=nonsense", "", "nonsense", DeriveID("", "box")},
	} {
		spec := bootable("/sbin/init")
		spec.Process.Env = []string{c.env}
		spec.Annotations = map[string]string{annotation.MachineID: c.note}
		a := adapter{spec: spec, facts: &Facts{ID: "box", TreeMachineID: c.tree}}
		if got := a.machineID(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRunHostOfTheBundleIsLeftAlone(t *testing.T) {
	spec := bootable("/sbin/init")
	spec.Mounts = []specs.Mount{mount("/run/host", "bind", "/", "rbind")}
	list := Adapt(spec, systemdFacts())
	if n := len(find[File](list)) + len(find[Seal](list)) + len(find[Bind](list)); n != 0 {
		t.Errorf("%d changes of a /run/host that is the bundle's", n)
	}
}

func TestEmptyContainerVariableHidesTheManager(t *testing.T) {
	spec := bootable("/sbin/init")
	spec.Process.Env = []string{"container="}
	for _, f := range find[File](Adapt(spec, systemdFacts())) {
		if strings.HasSuffix(f.Path, "container-manager") {
			t.Error("the manager is told, though detection was turned off")
		}
	}
}

func TestHostOS(t *testing.T) {
	got := HostOS("NAME=x\nVERSION_ID=\"13\"\nID=debian\nBUILD_ID='a b'\nVARIANT_ID=\nID=\"de\\\"bian\"\nXID=no\n")
	want := []string{`container_host_id=de"bian`, "container_host_version_id=13", "container_host_build_id=a b"}
	if !slices.Equal(got, want) {
		t.Errorf("HostOS = %q, want %q", got, want)
	}
}

func FuzzAdapt(f *testing.F) {
	for _, name := range []string{"docker.json", "podman-v1.json", "bare.json"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in specs.Spec
		if json.Unmarshal(raw, &in) != nil {
			return
		}
		out, _, _ := Apply(&in, Adapt(&in, systemdFacts()))
		if in.Process != nil && in.Linux != nil {
			if _, ok := spec.Variable(out.Process.Env, "container"); !ok {
				t.Error("no container variable")
			}
		}
	})
}
