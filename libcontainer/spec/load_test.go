package spec

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// bundle makes a bundle whose config.json is raw.
func bundle(t *testing.T, raw []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ConfigName), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestLoad(t *testing.T) {
	raw, err := os.ReadFile("testdata/config/podman.json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(bundle(t, raw))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(c.Raw, raw) {
		t.Error("Raw is not the file")
	}
	if err := Validate(c.Spec); err != nil {
		t.Error(err)
	}
	if !bytes.HasPrefix(c.Seccomp, []byte(`{"defaultAction":`)) || !bytes.Contains(raw, c.Seccomp) {
		t.Errorf("the profile is %.40q…", c.Seccomp)
	}
	if d := cmp.Diff(&specs.LinuxSeccomp{}, c.Spec.Linux.Seccomp); d != "" {
		t.Errorf("the marker differs:\n%s", d)
	}
}

func TestLoadWithoutProfile(t *testing.T) {
	for _, doc := range []string{`{"linux":{}}`, `{"linux":{"seccomp":null}}`, `{"linux":{"seccomp":{},"seccomp":null}}`} {
		c, err := Load(bundle(t, []byte(doc)))
		if err != nil {
			t.Fatal(err)
		}
		if c.Seccomp != nil || c.Spec.Linux.Seccomp != nil {
			t.Errorf("%s has a profile: %q", doc, c.Seccomp)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing bundle: %v", err)
	}
	dir := bundle(t, []byte("{\n \"root\": {\"path\": 5}\n}"))
	_, err := Load(dir)
	if want := dir + "/config.json:2:19: root.path: expected a string, found a number"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if err := os.Remove(dir + "/config.json"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/config.json", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a directory: %v", err)
	}
}

func TestLoadSize(t *testing.T) {
	// The limit itself is accepted: one annotation fills the document.
	head, tail := []byte(`{"ociVersion":"1.0.0","annotations":{"a":"`), []byte(`"}}`)
	fits := append(append(head, bytes.Repeat([]byte{'x'}, MaxSize-len(head)-len(tail))...), tail...)
	c, err := Load(bundle(t, fits))
	if err != nil || len(c.Spec.Annotations["a"]) != MaxSize-len(head)-len(tail) {
		t.Errorf("%d bytes: %v", len(fits), err)
	}
	_, err = Load(bundle(t, append(fits, '\n')))
	if err == nil || !strings.HasSuffix(err.Error(), "the document is larger than 10 MiB, the most that is accepted") {
		t.Errorf("%d bytes: %v", len(fits)+1, err)
	}
}

func TestLoadProcess(t *testing.T) {
	name := filepath.Join(t.TempDir(), "process.json")
	if err := os.WriteFile(name, []byte(`{"args":["id"],"cwd":"/","user":{"uid":5,"additionalGids":[1,2]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := LoadProcess(name)
	if err != nil {
		t.Fatal(err)
	}
	want := &specs.Process{Args: []string{"id"}, Cwd: "/", User: specs.User{UID: 5, AdditionalGids: []uint32{1, 2}}}
	if d := cmp.Diff(want, p); d != "" {
		t.Errorf("process differs:\n%s", d)
	}
	if err := os.WriteFile(name, []byte(`{"user":{"additionalGids":[1,-2]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = LoadProcess(name)
	if want := name + ":1:30: user.additionalGids[1]: expected an integer from 0 to 4294967295, found -2"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

// TestLoadProcessFromPipe is for shells' <(…): the size of a pipe is not known before it is read.
func TestLoadProcessFromPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	arg := strings.Repeat("long ", 30000)
	go func() {
		_ = os.WriteFile(name, []byte(`{"args":["`+arg+`"]}`), 0o600)
	}()
	p, err := LoadProcess(name)
	if err != nil || len(p.Args) != 1 || p.Args[0] != arg {
		t.Errorf("process is %.60v, %v", p, err)
	}
}
