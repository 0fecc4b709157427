package main

import (
	"debug/elf"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLayOut has the linker lay functions together, with the data that they use, in a program that works. It fails when Go's
// linker has become another one: then the edits need a look.
func TestLayOut(t *testing.T) {
	seldom, often := []string{"main.seldom", "few", "little"}, []string{"main.often", "many", "much"}
	for name, c := range map[string]struct {
		tool          string
		first, second []string
	}{
		"Go's": {"/usr/bin/env", seldom, often},
		// The very first function has no name at run time, whichever it is.
		"named": {tool(t, "main.missing\nruntime.main\nmain.often\n"), often, seldom},
	} {
		at := laid(t, c.tool)
		for i := range c.first {
			if a, b := at[c.first[i]], at[c.second[i]]; a == "" || b == "" || a >= b {
				t.Errorf("%s: %s lies at %s, %s at %s", name, c.first[i], a, c.second[i], b)
			}
		}
	}
}

// TestGoRootOfLinks has the linker made where what lies below Go's root are links.
func TestGoRootOfLinks(t *testing.T) {
	real, root := goRoot(t), t.TempDir()
	entries, err := os.ReadDir(real)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(real, e.Name()), filepath.Join(root, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOROOT", root)
	if at := laid(t, tool(t, "runtime.main\nmain.often\n")); at["main.often"] >= at["main.seldom"] {
		t.Errorf("main.often lies at %s, main.seldom at %s", at["main.often"], at["main.seldom"])
	}
}

// TestCutOff: what an interrupted build leaves of the linker would do for the go command, which looks at its beginning.
func TestCutOff(t *testing.T) {
	root, dir := goRoot(t), t.TempDir()
	link, part := filepath.Join(dir, "link"), filepath.Join(dir, "link.part")
	for range 2 {
		if _, err := buildLinker(root, dir, "runtime.main\n"); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(link, "-V").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if err := errors.Join(os.Rename(link, part), os.Truncate(part, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVersion: what the go command takes for the version of the linker has to tell ours from another. Of a development version
// it takes the last word, which has to begin as it does.
func TestVersion(t *testing.T) {
	dir := t.TempDir()
	if err := writeTool(dir, "ours"); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	for version, want := range map[string]string{
		"link version go1.26.0 X:nodwarf5":                      "X:nodwarf5-ordered-ours",
		"link version devel go1.27-0123456 buildID=a/b/c/d":     "buildID=a/b/c/d-ordered-ours",
		"link version go1.27-devel_0123456 X:x buildID=a/b/c/d": "buildID=a/b/c/d-ordered-ours",
	} {
		writeFile(t, link, "#!/bin/sh\necho "+version+"\n")
		if err := os.Chmod(link, 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(filepath.Join(dir, "tool"), link, "-V=full").Output()
		if words := strings.Fields(string(out)); err != nil || words[len(words)-1] != want {
			t.Errorf("%q became %q, %v", version, out, err)
		}
	}
}

// laid says where things lie in testdata/laid, in numbers of one length each.
func laid(t *testing.T, tool string) map[string]string {
	t.Helper()
	out, err := exec.Command(linked(t, tool, "./testdata/laid")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, address, _ := strings.Cut(strings.TrimSpace(line), " ")
		at[name] = address
	}
	return at
}

// TestLaidOut runs the program whose stacks grow and whose memory is collected: it needs all tables of the functions.
func TestLaidOut(t *testing.T) {
	if r := said(t, linked(t, tool(t, usedFunctions), "./testdata/said")); r.sum != elements || !r.signal {
		t.Errorf("%d of %d elements, real-time signal %t", r.sum, elements, r.signal)
	}
}

// TestUsedFunctions: when many of the functions have other names by now, `make order` is due.
func TestUsedFunctions(t *testing.T) {
	file, err := elf.Open(linked(t, tool(t, usedFunctions), "../.."))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for name := range strings.Lines(usedFunctions) {
		listed[strings.TrimSpace(name)] = true
	}
	names := len(listed)
	for _, s := range symbols {
		if name, _, _ := strings.Cut(s.Name, ".abi"); elf.ST_TYPE(s.Info) == elf.STT_FUNC && listed[name] {
			delete(listed, name)
		}
	}
	t.Logf("not in the program: %q", slices.Collect(maps.Keys(listed)))
	if len(listed) > names/10 {
		t.Errorf("%d of %d functions are not in the program", len(listed), names)
	}
}

// tool is what -toolexec takes, with a linker for these functions.
func tool(t *testing.T, functions string) string {
	t.Helper()
	dir := t.TempDir()
	id, err := buildLinker(goRoot(t), filepath.Join(dir, "linker"), functions)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeTool(dir, id); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "tool")
}

func linked(t *testing.T, tool, source string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "linked")
	cmd := exec.Command("go", "build", "-trimpath", "-toolexec", tool, "-o", program, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return program
}
