package state

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
)

// TestParseProcess shows that a pid file which a kill cut short is none.
func TestParseProcess(t *testing.T) {
	whole := "4711 123456789 321\n"
	if p := parseProcess(whole); p.PID != 4711 || p.StartTime != 123456789 || p.Records != 321 {
		t.Errorf("%q: %+v", whole, p)
	}
	for n := range len(whole) {
		if p := parseProcess(whole[:n]); p != (Process{}) {
			t.Errorf("cut after %d bytes, %q: %+v", n, whole[:n], p)
		}
	}
	for _, text := range []string{"a b c\n", "1 2\n", "1 2 3 4\n", "1 -2 3\n", "99999999999999999999 1 1\n", "\n"} {
		if p := parseProcess(text); p != (Process{}) {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

func TestParseStat(t *testing.T) {
	after := " 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 8888 0 0"
	tests := []struct {
		name, line string
		state      byte
		start      uint64
		ok         bool
	}{
		{"plain", "7 (sh) S" + after, 'S', 8888, true},
		{"a name like the end of a name", "7 (a) R (b) S" + after, 'S', 8888, true},
		{"a name with parentheses and blanks", "7 () Z 1 (x)) T" + after, 'T', 8888, true},
		{"a name with a line end", "7 (a\nb) S" + after, 'S', 8888, true},
		{"zombie", "7 (sh) Z" + after, 'Z', 8888, true},
		{"too short", "7 (sh) S 1 2 3", 0, 0, false},
		{"no name", "7 S" + after, 0, 0, false},
		{"nothing after the name", "7 (sh)", 0, 0, false},
		{"empty", "", 0, 0, false},
		{"a long state", "7 (sh) SS" + after, 0, 0, false},
		{"a start that is no number", "7 (sh) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 x 0 0", 'S', 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			state, start, ok := parseStat([]byte(tt.line))
			if ok != tt.ok || ok && (state != tt.state || start != tt.start) {
				t.Errorf("%c %d %v", state, start, ok)
			}
		})
	}
}

// TestAlive shows that a process is known by its start time and not by its ID alone, and that a zombie is dead.
func TestAlive(t *testing.T) {
	me, ok := Find(os.Getpid())
	if !ok || !me.Alive() || me.StartTime == 0 {
		t.Fatalf("this process: %+v %v", me, ok)
	}
	other := me
	other.StartTime++
	if other.Alive() {
		t.Error("a process of another start time is taken for this one")
	}
	if (Process{}).Alive() {
		t.Error("no process lives")
	}
	if me.IsInit() {
		t.Error("this test is taken for an init")
	}
	child := exec.Command("/bin/sh", "-c", "exit 0")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, ok := Find(child.Process.Pid); !ok {
			break // a zombie, as nobody has waited for it
		}
		if time.Now().After(end) {
			t.Fatal("a zombie is taken for a process")
		}
	}
	_ = child.Wait()
}

// TestDir follows a directory from its making to its removal.
func TestDir(t *testing.T) {
	root := filepath.Join(t.TempDir(), "deep", "root")
	d, err := Create(root, "one")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(root, "one"); !errors.Is(err, ErrExists) {
		t.Errorf("second create: %v", err)
	}
	if _, err := d.Container(); !errors.Is(err, ErrNotExist) {
		t.Errorf("description before it is written: %v", err)
	}
	if p, err := d.Process(); err != nil || p != (Process{}) {
		t.Errorf("process before there is one: %+v %v", p, err)
	}
	owner := 100000
	c := Container{
		ID: "one", OCIVersion: "1.2.0", Bundle: "/b \"x\"\n", Rootfs: "/b/r", Created: time.Now().UTC().Round(0),
		Owner: 7, Namespaces: 1 << 40, PrivatePID: true, NoNewKeyring: true, Resctrl: Resctrl{"/r", "/r/g", true, "/r/g/m"}, Supervisor: Process{4, 5, 0},
		Cgroup: cgroup.Saved{Owner: &owner, Paths: map[string]string{"pids": "/sys/x"}},
	}
	if err := errors.Join(d.WriteContainer(&c), d.WriteConfig([]byte("{}")), d.SetProcess(Process{1, 2, 3})); err != nil {
		t.Fatal(err)
	}
	got, err := d.Container()
	if err != nil {
		t.Fatal(err)
	}
	if got.Bundle != c.Bundle || !got.Created.Equal(c.Created) || got.Namespaces != c.Namespaces || !got.PrivatePID ||
		got.Owner != 7 || got.Supervisor != c.Supervisor || got.Resctrl != c.Resctrl || *got.Cgroup.Owner != owner || got.Cgroup.Paths["pids"] != "/sys/x" {
		t.Errorf("read back: %+v", got)
	}
	if !anotherIsBusy(t, root) {
		t.Error("a locked directory does not look busy to others")
	}
	d.Unlock()
	if anotherIsBusy(t, root) {
		t.Error("an unlocked directory looks busy")
	}
	if ids, err := List(root); err != nil || len(ids) != 1 || ids[0] != "one" {
		t.Errorf("list: %q %v", ids, err)
	}
	if err := d.Remove(); err != nil {
		t.Fatal(err)
	}
	if err := d.Lock(); !errors.Is(err, ErrNotExist) {
		t.Errorf("lock of a removed directory: %v", err)
	}
	d.Close()
	if _, err := Open(root, "one"); !errors.Is(err, ErrNotExist) {
		t.Errorf("open of a removed one: %v", err)
	}
}

func anotherIsBusy(t *testing.T, root string) bool {
	t.Helper()
	d, err := Open(root, "one")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return d.Busy()
}

// TestHostileDirectory shows that no file of a container is reached through a symlink.
func TestHostileDirectory(t *testing.T) {
	root := t.TempDir()
	outside := filepath.Join(root, "outside")
	if err := os.WriteFile(outside, []byte("1 2 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Create(filepath.Join(root, "s"), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.Symlink(outside, filepath.Join(d.Path(), pidFile)); err != nil {
		t.Fatal(err)
	}
	if p, err := d.Process(); err == nil && p.PID != 0 {
		t.Errorf("read through a symlink: %+v", p)
	}
	if err := d.SetProcess(Process{9, 9, 9}); err == nil {
		t.Error("written through a symlink")
	}
	if text, _ := os.ReadFile(outside); string(text) != "1 2 3\n" {
		t.Errorf("the file outside is %q", text)
	}
	if err := os.Symlink(root, filepath.Join(root, "s", "two")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(root, "s"), "two"); err == nil {
		t.Error("a symlink is opened as a container")
	}
}

// TestDamaged shows what is said of a description that cannot be read.
func TestDamaged(t *testing.T) {
	d, err := Create(t.TempDir(), "one")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.write(stateFile, []byte(`{"id":"one","bundle":`)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Container(); err == nil || !strings.Contains(err.Error(), "delete --force") {
		t.Errorf("damaged: %v", err)
	}
}
