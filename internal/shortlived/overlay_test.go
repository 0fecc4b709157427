package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestApply has edits that do not fit refused, and others done where they are meant.
func TestApply(t *testing.T) {
	const text = "package p\n\nfunc a() {\n\tx()\n}\n\nfunc b() {\n\tx()\n\ty()\n\ty()\n}\n"
	for name, c := range map[string]struct{ function, old, want string }{
		"in its function":      {"func b() {", "\tx()\n", strings.Replace(text, "\tx()\n\ty", "\tz()\n\ty", 1)},
		"in the file":          {"", "func a", strings.Replace(text, "func a", "\tz()\n", 1)},
		"no such function":     {"func c() {", "\tx()\n", ""},
		"not there":            {"func a() {", "\ty()\n", ""},
		"there twice":          {"func b() {", "\ty()\n", ""},
		"in the file twice":    {"", "\tx()\n", ""},
		"in another function ": {"func a() {", "func b", ""},
	} {
		e := edit{"p.go", c.function, c.old, "\tz()\n"}
		got, err := e.apply(text)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestOtherGo: with a Go that is not the one the edits are for, the overlay replaces nothing, and the linker is Go's own.
func TestOtherGo(t *testing.T) {
	root, dir := t.TempDir(), t.TempDir()
	for source, edits := range map[string][]edit{runtimeSource(root): runtimeEdits, linkerSource(root): linkerEdits} {
		for _, e := range edits {
			writeFile(t, filepath.Join(source, e.file), "package p\n")
		}
	}
	if err := run([]string{root, dir}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(dir + "/overlay.json"); err != nil || string(text) != `{"Replace":{}}` {
		t.Errorf("%s, %v", text, err)
	}
	link := filepath.Join(t.TempDir(), "link")
	writeFile(t, link, "#!/bin/sh\necho \"$@\"\n")
	if err := os.Chmod(link, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(dir+"/tool", link, "-V=full").Output(); err != nil || string(out) != "-V=full\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

const elements = 8*1000 + 28 // what testdata/said counts

// TestEdits runs a program with the edited runtime, and without. It fails when Go's runtime has become another one: then the
// edits need a look.
func TestEdits(t *testing.T) {
	short := build(t, overlay(t, ""))
	for name, program := range map[string]string{"plain": build(t, ""), "short": short} { // an empty overlay is none
		r := said(t, program)
		t.Logf("%s: %d threads, a goroutine waits %d µs for one in a system call", name, r.threads, r.handOver)
		if r.sum != elements || !r.signal || r.handOver > 1e6 {
			t.Errorf("%s: %d of %d elements, real-time signal %t", name, r.sum, elements, r.signal)
		}
		if few := r.procs == 1 && r.threads <= 2; few != (name == "short") {
			t.Errorf("%s: %d processors, %d threads", name, r.procs, r.threads)
		}
	}
	if got := said(t, short, "GOMAXPROCS=3"); got.procs != 3 {
		t.Errorf("the user's GOMAXPROCS=3 became %d", got.procs)
	}
}

// TestSlowFaults has every fault count as slow, and then none: in the first case more of the data and of the heap is mapped.
func TestSlowFaults(t *testing.T) {
	mapped := func(limit string) memory {
		program := build(t, overlay(t, limit))
		return resident(t, said(t, program), program)
	}
	all, few := mapped("-1"), mapped("1 << 40")
	t.Logf("%+v where faults are slow, %+v where they are not", all, few)
	if all.data <= few.data || all.heap < few.heap+64 {
		t.Errorf("%+v are mapped where faults are slow, and %+v where they are not", all, few)
	}
}

// memory is what lies in memory, in kB.
type memory struct{ data, heap uint64 }

var mapping = regexp.MustCompile(`(?ms)^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(\S*)$.*?^Rss: +(\d+) kB$`)

// resident reads smaps (proc_pid_smaps(5)) of a program that the Go linker has laid out.
func resident(t *testing.T, r report, program string) (m memory) {
	t.Helper()
	number := func(text string, base int) uint64 {
		n, err := strconv.ParseUint(text, base, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	heap, programEnd := r.heap, uint64(0)
	for _, f := range mapping.FindAllStringSubmatch(r.maps, -1) {
		start, end, permissions, name, rss := number(f[1], 16), number(f[2], 16), f[3], f[4], number(f[5], 10)
		if name == program {
			programEnd = end
		}
		switch {
		case permissions == "rw-p" && (name == program || start == programEnd):
			m.data += rss
		case start <= heap && heap < end:
			m.heap = rss
		}
	}
	return m
}

// overlay writes one. With a limit a fault counts as slow from there on, in nanoseconds.
func overlay(t *testing.T, limit string) (file string) {
	t.Helper()
	source := runtimeSource(goRoot(t))
	files, err := edited(source, runtimeEdits, map[string]string{"populate.go": populate})
	if err != nil {
		t.Fatalf("the edits do not fit %s: %v", runtime.Version(), err)
	}
	if limit != "" {
		e := edit{"populate.go", "const (", "slowFault = 4000 ", "slowFault = " + limit}
		if files[e.file], err = e.apply(files[e.file]); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := writeOverlay(dir, source, files); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "overlay.json")
}

func goRoot(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("no go command to compile with: %v", err)
	}
	return strings.TrimSpace(string(root))
}

func build(t *testing.T, overlay string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "said")
	cmd := exec.Command("go", "build", "-trimpath", "-overlay", overlay, "-o", program, "./testdata/said")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=norandomizedheapbase64")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return program
}

// report is what testdata/said says; handOver in microseconds.
type report struct {
	procs, threads, sum, handOver int
	signal                        bool
	heap                          uint64
	maps                          string
}

func said(t *testing.T, program string, env ...string) (r report) {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.Command(program)
	cmd.Env = append([]string{}, env...) // nil would be our own
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", program, err, &stderr)
	}
	r.maps = stdout.String()
	const form = "procs %d\nthreads %d\nheap %v\nsignal %t\nhandover %d\nsum %d\n"
	if _, err := fmt.Sscanf(stderr.String(), form, &r.procs, &r.threads, &r.heap, &r.signal, &r.handOver, &r.sum); err != nil {
		t.Fatalf("%s: %v in %q", program, err, &stderr)
	}
	return r
}
