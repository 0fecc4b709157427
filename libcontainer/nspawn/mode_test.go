package nspawn

import (
	"errors"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
)

func bootable(arg0 string) *specs.Spec {
	return &specs.Spec{
		Process: &specs.Process{Args: []string{arg0}},
		Linux:   &specs.Linux{Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace}}},
	}
}

func TestDecide(t *testing.T) {
	annotated := func(s *specs.Spec, value string) *specs.Spec {
		s.Annotations = map[string]string{annotation.Boot: value}
		return s
	}
	joined := func() *specs.Spec {
		s := bootable("/sbin/init")
		s.Linux.Namespaces[0].Path = "/proc/1/ns/pid"
		return s
	}
	podSandbox := func(annotation string) *specs.Spec {
		s := annotated(bootable("/pause"), "yes")
		s.Annotations[annotation] = "sandbox"
		return s
	}
	podContainer := annotated(bootable("/sbin/init"), "yes")
	podContainer.Annotations["io.kubernetes.cri.container-type"] = "container"
	user := bootable("/sbin/init")
	user.Process.User.UID = 1000
	for _, c := range []struct {
		name   string
		spec   *specs.Spec
		from   Sources
		tree   memTree
		boot   bool
		kind   Kind
		reason string // of the decision or of the error
		fails  bool
	}{
		{"auto with systemd", bootable("/sbin/init"), Sources{}, debianTree, true, Systemd, "/sbin/init leads to /usr/lib/systemd/systemd, which is systemd", false},
		{"auto with an application", bootable("/usr/bin/nginx"), Sources{}, nil, false, None, `process.args[0] "/usr/bin/nginx" is not an init`, false},
		{"auto with a false init", bootable("/sbin/init"), Sources{}, memTree{"/sbin/init": "x:tini"}, false, None, "is no init that is known", false},
		{"annotation off", annotated(bootable("/sbin/init"), "no"), Sources{Flag: Yes}, nil, false, None, "the annotation io.gspawn.boot says no", false},
		{"annotation on over flag", annotated(bootable("/sbin/init"), "yes"), Sources{Flag: No}, debianTree, true, Systemd, "says yes", false},
		{"annotation auto beats flag", annotated(bootable("/bin/x"), "auto"), Sources{Flag: Yes}, nil, false, None, "not an init", false},
		{"flag off", bootable("/sbin/init"), Sources{Flag: No, Config: Yes}, nil, false, None, "--boot-mode says no", false},
		{"config off", bootable("/sbin/init"), Sources{Config: No}, nil, false, None, "/etc/gspawn-oci/config.toml says no", false},
		{"a wrapper, demanded", annotated(bootable("/entrypoint"), "yes"), Sources{}, debianTree, true, Systemd, `"/entrypoint" is taken to start the tree's systemd`, false},
		{"no init, demanded", annotated(bootable("/entrypoint"), "yes"), Sources{}, memTree{}, false, None, "/usr/sbin/init: does not exist", true},
		{"bad annotation", annotated(bootable("/sbin/init"), "maybe"), Sources{}, nil, false, None, `annotations["io.gspawn.boot"]: boot mode "maybe"`, true},
		{"joined pid namespace", joined(), Sources{}, nil, false, None, "no pid namespace of its own", false},
		{"joined pid namespace, demanded", annotated(joined(), "yes"), Sources{}, nil, false, None, "no pid namespace of its own", true},
		{"sandbox of containerd's pod, demanded", podSandbox("io.kubernetes.cri.container-type"), Sources{}, memTree{}, false, None, "the sandbox of a pod", false},
		{"sandbox of CRI-O's pod, demanded", podSandbox("io.kubernetes.cri-o.ContainerType"), Sources{Flag: Yes}, memTree{}, false, None, "the sandbox of a pod", false},
		{"container of a pod, demanded", podContainer, Sources{}, debianTree, true, Systemd, "says yes", false},
		{"not root", user, Sources{}, nil, false, None, "process.user.uid is 1000", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			opened := 0
			got, err := Decide(c.spec, c.from, func() (Tree, error) { opened++; return c.tree, nil })
			if (err != nil) != c.fails {
				t.Fatalf("error %v, want one: %v", err, c.fails)
			}
			text := got.Reason
			if err != nil {
				text = err.Error()
			}
			if got.Boot != c.boot || got.Init.Kind != c.kind || !strings.Contains(text, c.reason) {
				t.Errorf("Decide = %v %v %q, want %v %v %q", got.Boot, got.Init.Kind, text, c.boot, c.kind, c.reason)
			}
			if c.tree == nil && opened > 0 {
				t.Error("the tree was opened for nothing")
			}
		})
	}
	_, err := Decide(annotated(bootable("/x"), "yes"), Sources{}, func() (Tree, error) { return memTree{}, nil })
	if !errors.Is(err, ErrNoInit) {
		t.Errorf("error %v does not wrap ErrNoInit", err)
	}
}

func TestApplicationIsDecidedWithoutAllocating(t *testing.T) {
	if MaybeInit("/usr/bin/nginx") || MaybeInit("/bin/sh") || MaybeInit("/init") || !MaybeInit("/sbin/init") || !MaybeInit("systemd") {
		t.Error("MaybeInit is wrong")
	}
	maybe := false
	if n := testing.AllocsPerRun(10, func() { maybe = MaybeInit("/usr/bin/nginx") }); n != 0 || maybe {
		t.Errorf("%v allocations, and %v", n, maybe)
	}
}
