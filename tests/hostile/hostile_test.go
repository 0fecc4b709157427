// Package hostile runs containers whose image, configuration or neighbours are an enemy's: a test for each of the
// vulnerabilities that container runtimes had, named after it. Each asserts the property that was broken: nothing
// outside of the root file system changes, nothing of the host is seen inside, and what cannot be done safely fails with
// a sentence and leaves nothing.
package hostile

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

const secret = "secret of the host"

// outside is a directory of the host that a hostile image points at.
type outside struct {
	t    *testing.T
	dir  string
	sums map[string]string
}

// newOutside makes directories and files of every name that a test might lead the runtime to.
func newOutside(t *testing.T) *outside {
	t.Helper()
	require.Root(t)
	o := &outside{t: t, dir: t.TempDir()}
	for d := o.dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"dir", "pts", "shm", "self/attr", "sys", "empty"} {
		must(t, os.MkdirAll(filepath.Join(o.dir, d), 0o777))
	}
	for _, f := range []string{"file", "dir/file", "secret", "kcore", "console", "self/attr/exec", "sys/x", "null"} {
		must(t, os.WriteFile(filepath.Join(o.dir, f), []byte(secret), 0o600))
	}
	o.sums = o.sum()
	return o
}

// check compares the directory with what it was: names, types, modes, owners by their mode line, and contents.
func (o *outside) check() {
	o.t.Helper()
	now := o.sum()
	for name, sum := range o.sums {
		if now[name] != sum {
			o.t.Errorf("outside of the container %s was %s and is %s", name, sum, now[name])
		}
	}
	for name := range now {
		if _, ok := o.sums[name]; !ok {
			o.t.Errorf("outside of the container %s was made", name)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	must(o.t, err)
	if strings.Contains(string(mounts), o.dir) {
		o.t.Errorf("something is mounted outside of the container:\n%s", mounts)
	}
}

func (o *outside) sum() map[string]string {
	o.t.Helper()
	sums := make(map[string]string)
	must(o.t, filepath.WalkDir(o.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := info.Mode().String()
		if d.Type().IsRegular() {
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			h := sha256.Sum256(data)
			text += hex.EncodeToString(h[:4])
		}
		sums[strings.TrimPrefix(p, o.dir)] = text
		return nil
	}))
	return sums
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// replace puts a symlink in the place of whatever the root file system has there.
func replace(t *testing.T, c *fixtures.Container, path, target string) {
	t.Helper()
	p := c.Rootfs(path)
	must(t, os.RemoveAll(p))
	must(t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(t, os.Symlink(target, p))
}

// tryRun runs the container; whether it may is not the question. If it does not, it has to say why in one sentence and
// leave nothing.
func tryRun(t *testing.T, c *fixtures.Container) fixtures.Result {
	t.Helper()
	r := c.Run()
	if strings.Contains(r.Stdout+r.Stderr, secret) {
		t.Errorf("the container sees the host's file:\n%s%s", r.Stdout, r.Stderr)
	}
	if strings.Contains(r.Stderr, "panic:") || strings.Contains(r.Stderr, "goroutine ") {
		t.Errorf("the runtime panics:\n%s", r.Stderr)
	}
	if r.Code != 0 && !strings.Contains(r.Stderr, "level=error") {
		t.Errorf("exit code %d without an error:\n%s", r.Code, r.Stderr)
	}
	if left := c.WaitClean(); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	return r
}

// refuse is tryRun for what must fail.
func refuse(t *testing.T, c *fixtures.Container, says string) {
	t.Helper()
	r := tryRun(t, c)
	if r.Code == 0 {
		t.Errorf("the container runs:\n%s", r.Stdout)
	}
	if !strings.Contains(r.Stderr, says) {
		t.Errorf("the error does not say %q:\n%s", says, r.Stderr)
	}
}

// targets are symlinks that lead to the same place outside if they are followed from the host's root or upwards.
func (o *outside) targets(name string) []string {
	p := filepath.Join(o.dir, name)
	return []string{p, strings.Repeat("../", 40) + p[1:]}
}

// script is a program that prints what it sees at paths, and writes to them.
func script(paths ...string) func(*specs.Spec) {
	var b strings.Builder
	for _, p := range paths {
		b.WriteString("cat " + p + " " + p + "/file 2>/dev/null; echo changed 2>/dev/null >" + p + "; echo changed 2>/dev/null >" + p + "/file;")
	}
	return fixtures.Shell(b.String() + "true")
}
