//go:build linux

package seccomp

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func mkfifo(path string) error { return unix.Mkfifo(path, 0o600) }

// needCompiler makes Load work in a test binary built without cgo, by a helper
// beside it, if it can be built here.
func needCompiler(t *testing.T) {
	t.Helper()
	if InProcess {
		return
	}
	self, err := os.Executable()
	must(t, err)
	helper := filepath.Dir(self) + "/" + HelperName
	cmd := exec.Command("go", "build", "-o", helper, "github.com/gspawn/gspawn-oci/cmd/gspawn-oci-seccomp")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no libseccomp to build the helper with: %v\n%s", err, out)
	}
}

const notifyProfile = `{"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/run/a.sock","listenerMetadata":"m",
	"syscalls":[{"names":["mkdir","no_such_call"],"action":"SCMP_ACT_NOTIFY"}]}`

func TestLoad(t *testing.T) {
	needCompiler(t)
	dir := Dir(t.TempDir())
	first, err := Load(json.RawMessage(notifyProfile), dir)
	must(t, err)
	if len(first.BPF) == 0 || first.Flags != 8|4 || !first.Notify || first.ListenerPath != "/run/a.sock" ||
		first.ListenerMetadata != "m" {
		t.Fatalf("compiled: %+v", first)
	}
	entryFile(t, dir)
	p, hit := (cache{dir: dir}).get([]byte(notifyProfile))
	if !hit || !same(&p, &first) {
		t.Errorf("from the cache: %v %+v", hit, p)
	}
	again, err := Load(json.RawMessage(notifyProfile), dir)
	if err != nil || !same(&again, &first) {
		t.Errorf("loaded again: %+v, %v", again, err)
	}
}

func TestLoadNothing(t *testing.T) {
	needCompiler(t)
	for _, raw := range []string{"", "null", "{}"} {
		if p, err := Load(json.RawMessage(raw), ""); err != nil || len(p.BPF) != 0 {
			t.Errorf("%q: %+v, %v", raw, p, err)
		}
	}
}

func TestLoadErrorNamesTheField(t *testing.T) {
	needCompiler(t)
	dir := Dir(t.TempDir())
	_, err := Load(json.RawMessage(`{"defaultAction":"ALLOW"}`), dir)
	if err == nil || err.Error() != `linux.seccomp.defaultAction: unknown action "ALLOW"` {
		t.Errorf("error %v", err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("an error was kept: %v", list)
	}
}

func TestLoadWithoutUsableCache(t *testing.T) {
	needCompiler(t)
	p, err := Load(json.RawMessage(notifyProfile), "/proc/self/no/such")
	if err != nil || len(p.BPF) == 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestHelperFailures(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	helper := filepath.Dir(self) + "/" + HelperName
	if _, err := os.Stat(helper); err == nil {
		must(t, os.Rename(helper, helper+".real"))
		t.Cleanup(func() { must(t, os.Rename(helper+".real", helper)) })
	} else {
		t.Cleanup(func() { os.Remove(helper) })
	}
	cases := []struct{ name, script, want string }{
		{"its error is ours", `cat >/dev/null; echo "gspawn-oci-seccomp: linux.seccomp.x: bad" >&2; exit 1`, "linux.seccomp.x: bad"},
		{"it does not read", `exec 0<&-; echo "gspawn-oci-seccomp: no" >&2; exit 1`, "no"},
		{"killed", `kill -9 $$`, "compile the profile by " + helper + ": signal: killed: "},
		{"does not start", `exit 127`, "compile the profile by " + helper + ": exit status 127: "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			must(t, os.WriteFile(helper, []byte("#!/bin/sh\n"+c.script+"\n"), 0o755))
			_, err := runHelper([]byte(strings.Repeat("x", 200000)), "--program")
			if err == nil || err.Error() != c.want {
				t.Errorf("error %q, want %q", err, c.want)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	needCompiler(t)
	s, err := Describe()
	must(t, err)
	if s.Version == "" || s.API == 0 || len(s.Actions) != 9 || len(s.Operators) != 7 || len(s.KnownFlags) != 4 {
		t.Errorf("%+v", s)
	}
}
