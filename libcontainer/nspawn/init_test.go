package nspawn

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
)

// memTree is a Tree of file contents by path; a content that starts with "->"
// is a symlink, one that starts with "x:" is executable.
type memTree map[string]string

func (t memTree) follow(name string) (string, string, error) {
	name = path.Clean(name)
	for range 10 {
		name = t.followParents(name)
		content, ok := t[name]
		if !ok {
			return "", "", fmt.Errorf("open %q: %w", name, fs.ErrNotExist)
		}
		target, link := strings.CutPrefix(content, "->")
		if !link {
			return name, content, nil
		}
		if !strings.HasPrefix(target, "/") {
			target = path.Join(path.Dir(name), target)
		}
		name = path.Clean(target)
	}
	return "", "", fmt.Errorf("open %q: too many links", name)
}

func (t memTree) followParents(name string) string {
	for _, dir := range []string{"/lib", "/sbin", "/bin"} {
		if target, ok := strings.CutPrefix(t[dir], "->"); ok && strings.HasPrefix(name, dir+"/") {
			return path.Join("/", target, name[len(dir):])
		}
	}
	return name
}

func (t memTree) Resolve(name string) (string, fs.FileMode, error) {
	file, content, err := t.follow(name)
	switch {
	case err != nil:
		return "", 0, err
	case content == "dir":
		return file, fs.ModeDir | 0o755, nil
	case strings.HasPrefix(content, "x:"):
		return file, 0o755, nil
	}
	return file, 0o644, nil
}

func (t memTree) Read(name string, limit int) ([]byte, error) {
	_, content, err := t.follow(name)
	if err != nil {
		return nil, err
	}
	content = strings.TrimPrefix(content, "x:")
	return []byte(content[:min(limit, len(content))]), nil
}

func (t memTree) List(name string) ([]string, error) {
	var names []string
	for file := range t {
		if path.Dir(file) == name {
			names = append(names, path.Base(file))
		}
	}
	if names == nil {
		return nil, fmt.Errorf("open %q: %w", name, fs.ErrNotExist)
	}
	return names, nil
}

var (
	debianTree = memTree{"/lib": "->usr/lib", "/sbin": "->usr/sbin", "/bin": "->usr/bin",
		"/usr/sbin/init": "->../lib/systemd/systemd", "/usr/lib/systemd/systemd": "x:\x7fELF libsystemd-core-257.so",
		"/usr/lib/systemd/libsystemd-shared-252.so":                       "x:",
		"/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-257.13-1.so": "x:"}
	alpineTree = memTree{"/sbin/init": "->/bin/busybox", "/bin/sh": "->/bin/busybox", "/bin/busybox": "x:\x7fELF"}
)

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name, arg0, search string
		tree               memTree
		want               Kind
		found              string
	}{
		{"debian", "/sbin/init", "", debianTree, Systemd, "is systemd"},
		{"debian by its own path", "/lib/systemd/systemd", "", debianTree, Systemd, "is systemd"},
		{"by PATH", "init", "/opt:/usr/sbin", debianTree, Systemd, "is systemd"},
		{"not on PATH", "init", "/opt:/usr/bin", debianTree, None, "does not exist"},
		{"no usable PATH", "init", ".:", debianTree, None, "names no absolute directory"},
		{"alpine", "/sbin/init", "", alpineTree, Busybox, "is busybox"},
		{"busybox's shell", "/bin/sh", "", alpineTree, None, "is not the name of an init"},
		{"busybox as a hard link", "/sbin/init", "", memTree{"/sbin/init": "x:..BusyBox v1.37.."}, Busybox, ""},
		{"sysvinit", "/sbin/init", "", memTree{"/sbin/init": "x:..INIT: /etc/inittab"}, SysVInit, ""},
		{"openrc", "/sbin/openrc-init", "", memTree{"/sbin/openrc-init": "x:"}, OpenRC, ""},
		{"openrc as init", "/sbin/init", "", memTree{"/sbin/init": "->openrc-init", "/sbin/openrc-init": "x:"}, OpenRC, ""},
		{"runit", "/sbin/init", "", memTree{"/sbin/init": "->runit-init", "/sbin/runit-init": "x:"}, Runit, ""},
		{"runit by content", "/sbin/init", "", memTree{"/sbin/init": "x:/etc/runit/stopit"}, Runit, ""},
		{"s6-linux-init", "/sbin/init", "", memTree{"/sbin/init": "x:#!/bin/execlineb -S0\ns6-linux-init -c /etc/s6"}, S6, ""},
		{"copy of systemd", "/sbin/init", "", memTree{"/sbin/init": "x:libsystemd-core-255.so"}, Systemd, ""},
		{"s6-overlay is an application", "/init", "", memTree{"/init": "x:#!/bin/sh\ns6-linux-init"}, None, "not the name"},
		{"podman --init", "/dev/init", "", memTree{"/dev/init": "x:BusyBox v1"}, None, "not the name"},
		{"tini as init", "/sbin/init", "", memTree{"/sbin/init": "x:\x7fELF tini"}, None, "is no init that is known"},
		{"script", "/sbin/init", "", memTree{"/sbin/init": "x:#!/bin/sh\ngrep x /etc/inittab"}, None, "no init that is known"},
		{"not executable", "/sbin/init", "", memTree{"/sbin/init": "/etc/inittab"}, None, "is not executable"},
		{"a directory", "/sbin/init", "", memTree{"/sbin/init": "dir"}, None, "is not a regular file"},
		{"absent", "/sbin/init", "", memTree{}, None, "does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Detect(c.tree, c.arg0, c.search)
			if err != nil {
				t.Fatal(err)
			}
			if got.Kind != c.want || !strings.Contains(got.Looked(), c.found) {
				t.Errorf("Detect = %v, looked %q; want %v, %q", got.Kind, got.Looked(), c.want, c.found)
			}
		})
	}
}

func TestFindNamesEveryPlaceThatItLookedAt(t *testing.T) {
	got, err := Find(memTree{"/sbin/init": "x:nothing"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != None || len(got.Tried) != len(strings.Fields(candidates)) {
		t.Fatalf("Find = %v, tried %v", got.Kind, got.Tried)
	}
	for _, want := range []string{"/usr/lib/systemd/systemd: does not exist", "/sbin/init: is no init that is known", "/sbin/openrc-init"} {
		if !strings.Contains(got.Looked(), want) {
			t.Errorf("%q lacks %q", got.Looked(), want)
		}
	}
	got, err = Find(debianTree)
	if err != nil || got.Kind != Systemd || got.Path != "/usr/lib/systemd/systemd" {
		t.Errorf("Find of debian = %+v, %v", got, err)
	}
}

func TestSystemdVersion(t *testing.T) {
	for name, want := range map[string]int{
		"libsystemd-shared-252.so": 252, "libsystemd-shared-257.13-1.so": 257, "libsystemd-shared-v255.4.so": 255,
		"libsystemd-shared.so": 0, "libsystemd-core-257.so": 0, "libsystemd-shared-x.so": 0, "libsystemd-shared-257.txt": 0,
	} {
		if got := sharedVersion(name); got != want {
			t.Errorf("sharedVersion(%q) = %d, want %d", name, got, want)
		}
	}
	if got, err := SystemdVersion(debianTree); err != nil || got != 257 {
		t.Errorf("SystemdVersion = %d, %v; want the newest, 257", got, err)
	}
	if got, err := SystemdVersion(alpineTree); err != nil || got != 0 {
		t.Errorf("SystemdVersion without systemd = %d, %v", got, err)
	}
}

func TestMachineID(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	for content, want := range map[string]string{
		id + "\n": id, id: id, strings.ToUpper(id) + "\n": id, "": "", "uninitialized\n": "", "\n": "",
		strings.Repeat("0", 32) + "\n": "", id + id: "", "0123456789abcdef0123456789abcdeg\n": "",
	} {
		if got, err := MachineID(memTree{"/etc/machine-id": content}); err != nil || got != want {
			t.Errorf("MachineID(%q) = %q, %v; want %q", content, got, err, want)
		}
	}
	if got, err := MachineID(memTree{}); err != nil || got != "" {
		t.Errorf("MachineID of an empty tree = %q, %v", got, err)
	}
	if got := UUID(id); got != "01234567-89ab-cdef-0123-456789abcdef" {
		t.Errorf("UUID = %q", got)
	}
}

func TestDeriveID(t *testing.T) {
	a, b := DeriveID("h1", "box"), DeriveID("h2", "box")
	if _, ok := ParseID(a); !ok || a[12] != '4' || strings.IndexByte("89ab", a[16]) < 0 {
		t.Errorf("%q is not a version 4 id", a)
	}
	if a == b || a == DeriveID("h1", "box2") || a != DeriveID("h1", "box") {
		t.Error("the id does not depend on exactly host and container")
	}
	engine := strings.Repeat("ab", 16) + strings.Repeat("cd", 16)
	if got := DeriveID("h1", engine); got != engine[:32] {
		t.Errorf("DeriveID of an engine's id = %q, want its first half", got)
	}
}
