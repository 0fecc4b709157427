package plan_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// FuzzCompile shows that no document makes the way from config.json to a tape panic, and that each accepted one gets a
// plan and a program, or an error that names a field.
func FuzzCompile(f *testing.F) {
	for _, g := range golden {
		raw, err := os.ReadFile(g.config)
		if err != nil {
			f.Fatal(err)
		}
		if len(raw) < 6000 {
			f.Add(raw, true, true)
			f.Add(raw, false, false)
		}
	}
	for _, doc := range []string{
		`{"ociVersion":"1.0.0","root":{"path":"x"},"process":{"args":["a"],"cwd":"/"}}`,
		`{"ociVersion":"1.0.0","root":{"path":"x"},"process":{"args":[""],"cwd":"//a/../b"},"linux":{"namespaces":[{"type":"mount"}]},"mounts":[{"destination":"/"},{"destination":"..","type":"cgroup","options":["ro"]},{"destination":"a//b/.","options":["rbind","r","ratime","=x","size="]}]}`,
		`{"ociVersion":"1.0.0","root":{"path":"x"},"process":{"args":["a"],"cwd":"/","user":{"uid":4294967295,"gid":4294967295,"umask":4294967295,"additionalGids":[4294967295]}},"linux":{"namespaces":[{"type":"user"},{"type":"time"}],"uidMappings":[{"containerID":0,"hostID":4294967294,"size":1}],"gidMappings":[{"containerID":0,"hostID":0,"size":1}],"timeOffsets":{"monotonic":{"secs":-9223372036854775808,"nanosecs":999999999}}}}`,
		`{"ociVersion":"1.0.0","root":{"path":"x"},"process":{"args":["a"],"cwd":"/"},"linux":{"namespaces":[{"type":"mount"}],"devices":[{"path":"/dev/x","type":"c","major":-1,"minor":-1},{"path":"d","type":"p"}],"sysctl":{"kernel.shm_rmid_forced":"1"},"memoryPolicy":{"mode":"MPOL_LOCAL"}}}`,
	} {
		f.Add([]byte(doc), true, false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, unified, privileged bool) {
		c, err := spec.Decode(raw)
		if err != nil || spec.Validate(c.Spec) != nil || c.Spec.Process == nil {
			return
		}
		facts := v1("/group")
		if unified {
			facts = v2("/group")
		}
		facts.Privileged, facts.NoSetgroups = privileged, !privileged
		p, err := plan.Compile(c.Spec, facts, plan.Options{ID: "id", Bundle: "/bundle", Wait: true, Seccomp: len(c.Seccomp) > 0})
		if err != nil {
			if fe, ok := errors.AsType[spec.FieldError](err); !ok || fe.Path == "" || fe.Problem == "" {
				t.Fatalf("an error without a field: %#v", err)
			}
			return
		}
		if len(p.Steps) != len(p.Phases) || p.Steps[len(p.Steps)-1].Kind() != "execute" {
			t.Fatalf("a plan that does not end with the program: %v", p.Steps)
		}
		for _, s := range p.Steps {
			if s.Kind() == "" || s.String() == "" {
				t.Fatalf("a step without words: %#v", s)
			}
		}
		in := &lower.Input{Keep: 3, Sync: 3, Listen: 4, Inherited: 5, Fds: map[int]int{}, Filter: bytes.Repeat([]byte{6}, 8)}
		for i := range p.Steps {
			in.Fds[i] = 7
		}
		program, err := lower.Lower(p, in)
		if err != nil {
			t.Fatalf("a plan without a program: %v", err)
		}
		if program.Len() == 0 || program.Step(program.Len()-1) != len(p.Steps)-1 {
			t.Fatalf("the last record is of step %d of %d", program.Step(program.Len()-1), len(p.Steps))
		}
	})
}
