package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer"
)

func TestRootlessMode(t *testing.T) {
	for text, want := range map[string]libcontainer.Rootless{
		"auto": libcontainer.RootlessAuto, "true": libcontainer.RootlessYes, "1": libcontainer.RootlessYes,
		"false": libcontainer.RootlessNo, "F": libcontainer.RootlessNo,
	} {
		g := globals{rootless: text}
		if err := g.setup(); err != nil || g.runtime().Rootless != want {
			t.Errorf("%s: %v %v, want %v", text, g.runtime().Rootless, err, want)
		}
	}
	if err := (&globals{rootless: "maybe"}).setup(); err == nil {
		t.Error("maybe is taken for a mode")
	}
}

// TestDebugLevel: what is for debugging is logged as such, and not at all without --debug.
func TestDebugLevel(t *testing.T) {
	var out bytes.Buffer
	logger := logrus.StandardLogger()
	before, level := logger.Out, logger.Level
	t.Cleanup(func() { logger.SetOutput(before); logger.SetLevel(level) })
	logger.SetOutput(&out)
	for _, tt := range []struct {
		level logrus.Level
		want  string
	}{{logrus.InfoLevel, ""}, {logrus.DebugLevel, "level=debug"}} {
		out.Reset()
		logger.SetLevel(tt.level)
		(&globals{}).runtime().Debug("why")
		if got := out.String(); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("at level %v: %q, want %q", tt.level, got, tt.want)
		}
	}
}

func TestParseSignal(t *testing.T) {
	for text, want := range map[string]unix.Signal{
		"15": unix.SIGTERM, "0": 0, "37": 37, "64": 64, "KILL": unix.SIGKILL, "SIGKILL": unix.SIGKILL, "sigusr1": unix.SIGUSR1,
		"RTMIN": 34, "SIGRTMIN+3": 37, "rtmax": 64, "RTMAX-1": 63,
	} {
		if got, err := parseSignal(text); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "XYZ", "SIG", "-1", "65", "RTMIN-1", "RTMIN+31", "RTMAX+1", "RTMIN+x", "RTMIN3x", "9 "} {
		if got, err := parseSignal(text); err == nil || err.Error() != `unknown signal "`+text+`"` {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
}

func TestCheckID(t *testing.T) {
	for _, id := range []string{"a", "A9", "web_1.2+x-y", "_", "-x", strings.Repeat("x", maxID)} {
		if err := checkID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", ".", "..", ".x", "a/b", "../x", "a b", "a\x00", "ä", "a:b", strings.Repeat("x", maxID+1)} {
		if err := checkID(id); err == nil {
			t.Errorf("%q is taken for an id", id)
		}
	}
}

func TestBundleArgument(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, d := range []string{"web", ".hidden dir", "empty", "odd/config.json", strings.Repeat("l", 200)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"config.json", "web/config.json", ".hidden dir/config.json"} {
		if err := os.WriteFile(f, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for arg, id := range map[string]string{
		"web": "web", "web/": "web", "./web/.": "web", dir + "/web": "web", ".hidden dir": "_hidden_dir", ".": filepath.Base(dir),
	} {
		bundle, got, ok := bundleArgument(arg)
		if !ok || got != id {
			t.Errorf("%s: id %q %v, want %q", arg, got, ok, id)
		}
		if abs, _ := filepath.Abs(arg); bundle != abs {
			t.Errorf("%s: bundle %q, want %q", arg, bundle, abs)
		}
		if err := checkID(got); err != nil {
			t.Error(err)
		}
	}
	for _, arg := range []string{"", "empty", "odd", "nope", "web/config.json", "/"} {
		if bundle, id, ok := bundleArgument(arg); ok {
			t.Errorf("%q is taken for the bundle %q with id %q", arg, bundle, id)
		}
	}
}

func TestDefaultRoot(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "")
	if got := defaultRoot(); got != "/run/gspawn-oci" {
		t.Errorf("without XDG_RUNTIME_DIR: %s", got)
	}
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	t.Setenv("USER", "root")
	want := "/run/user/7/gspawn-oci"
	if os.Geteuid() == 0 {
		want = "/run/gspawn-oci"
	}
	if got := defaultRoot(); got != want {
		t.Errorf("with XDG_RUNTIME_DIR: %s, want %s", got, want)
	}
}

// TestPrintTable: columns are as wide as what is read, not as its bytes.
func TestPrintTable(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stdout
	os.Stdout = write
	err = printTable(2, func(i int, row []string) []string {
		return append(row, []string{"ID", "ünïcödé-bündle"}[i], "B")
	})
	os.Stdout = before
	write.Close()
	out, readErr := io.ReadAll(read)
	if err != nil || readErr != nil {
		t.Fatal(err, readErr)
	}
	if want := "ID               B\nünïcödé-bündle   B\n"; string(out) != want {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}
