package hooks

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestRunErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	good := sh("exit 0")
	long := strings.Repeat("x", captureLimit)
	tests := map[string]struct {
		list []specs.Hook
		want string // "" is success
		is   error
	}{
		"none":              {nil, "", nil},
		"good":              {[]specs.Hook{good, good}, "", nil},
		"exit status":       {[]specs.Hook{sh("exit 3")}, `run createRuntime hook #0 "/bin/sh": exit status 3`, nil},
		"second":            {[]specs.Hook{good, sh("exit 1"), good}, `run createRuntime hook #1 "/bin/sh": exit status 1`, nil},
		"stderr":            {[]specs.Hook{sh("echo no network >&2; exit 1")}, `run createRuntime hook #0 "/bin/sh": exit status 1, stderr: no network`, nil},
		"both streams":      {[]specs.Hook{sh("echo out; echo err >&2; exit 1")}, `run createRuntime hook #0 "/bin/sh": exit status 1, stdout: out, stderr: err`, nil},
		"signal":            {[]specs.Hook{sh("kill -TERM $$")}, `run createRuntime hook #0 "/bin/sh": killed by signal: terminated`, nil},
		"missing":           {[]specs.Hook{{Path: "/none"}}, `run createRuntime hook #0 "/none": no such file or directory`, unix.ENOENT},
		"not executable":    {[]specs.Hook{{Path: file}}, `run createRuntime hook #0 "` + file + `": permission denied`, unix.EACCES},
		"only the last":     {[]specs.Hook{sh("printf 'aaaa%s' " + long + " >&2; exit 1")}, `run createRuntime hook #0 "/bin/sh": exit status 1, stderr: …` + long, nil},
		"timeout":           {[]specs.Hook{within(1, sh("echo waiting >&2; sleep 60"))}, `run createRuntime hook #0 "/bin/sh": timed out after 1s, stderr: waiting`, ErrTimeout},
		"in time":           {[]specs.Hook{within(60, good)}, "", nil},
		"stops reading":     {[]specs.Hook{within(1, sh("exec sleep 60 </dev/null"))}, `run createRuntime hook #0 "/bin/sh": timed out after 1s`, ErrTimeout},
		"writes for ever":   {[]specs.Hook{within(1, sh("exec yes "+strings.Repeat("y", 100)))}, "*timed out after 1s, stdout: …*", ErrTimeout},
		"invalid UTF-8":     {[]specs.Hook{sh(`printf '\377x' >&2; exit 1`)}, "run createRuntime hook #0 \"/bin/sh\": exit status 1, stderr: \ufffdx", nil},
		"closes its output": {[]specs.Hook{sh("exec >&- 2>&- <&-; sleep 0.1; exit 4")}, `run createRuntime hook #0 "/bin/sh": exit status 4`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := Run(CreateRuntime, tt.list, []byte(strings.Repeat("{}", 100)), nil, nil)
			var got string
			if err != nil {
				got = err.Error()
			}
			if middle, ok := strings.CutPrefix(tt.want, "*"); ok {
				if !strings.Contains(got, strings.TrimSuffix(middle, "*")) {
					t.Errorf("got %.200q, want %q", got, tt.want)
				}
			} else if got != tt.want {
				t.Errorf("\ngot  %.300q\nwant %.300q", got, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is not %v", err, tt.is)
			}
		})
	}
}

func TestRunProcess(t *testing.T) {
	o := newOut(t)
	write := func(h specs.Hook) []specs.Hook { return []specs.Hook{h} }
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	proc := func(file string) specs.Hook {
		return sh("tr '\\0' ' ' </proc/$$/" + file + " >" + o.path)
	}
	bare, plain := proc("environ"), sh("echo $PATH $GSPAWN_TEST >"+o.path)
	bare.Env, plain.Env = []string{}, nil
	t.Setenv("GSPAWN_TEST", "inherited")
	tests := map[string]struct {
		list  []specs.Hook
		state string
		start Starter
		want  string
	}{
		"state":             {list: write(sh("cat >" + o.path)), state: `{"id":"x"}`, want: `{"id":"x"}`},
		"large state":       {list: write(sh("sleep 0.1; wc -c >" + o.path)), state: strings.Repeat("s", 1<<20), want: "1048576"},
		"state left unread": {list: write(sh("echo done >" + o.path)), state: strings.Repeat("s", 1<<20), want: "done"},
		"order":             {list: []specs.Hook{sh("echo 1 >>" + o.path), sh("sleep 0.1; echo 2 >>" + o.path), sh("echo 3 >>" + o.path)}, want: "1\n2\n3"},
		"environment": {
			list: write(specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", "/usr/bin/env >" + o.path}, Env: []string{"A=1", "B=x y"}}),
			want: "A=1\nB=x y\nPWD=" + dir, start: In(dir),
		},
		"no environment":   {list: write(bare), want: ""},
		"no env":           {list: write(plain), want: os.Getenv("PATH") + " inherited"},
		"default env":      {list: WithEnv(write(plain), []string{"PATH=/default"}), want: "/default"},
		"default for []":   {list: WithEnv(write(bare), []string{"A=1"}), want: "A=1 "},
		"name":             {list: write(specs.Hook{Path: "/bin/sh", Args: []string{"-other-name", "-c", "echo $0 >" + o.path}}), want: "-other-name"},
		"directory":        {list: write(sh("pwd -P >" + o.path)), start: In(dir), want: dir},
		"group of its own": {list: write(sh("cut -d' ' -f5 /proc/$$/stat | sed s/^$$\\$/leader/ >" + o.path)), want: "leader"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			os.Remove(o.path)
			o.t = t
			if err := Run(Prestart, tt.list, []byte(tt.state), tt.start, nil); err != nil {
				t.Fatal(err)
			}
			o.want(tt.want)
		})
	}
}

// TestDescriptors is a runtime that itself inherited descriptors: they must not
// get into a hook, which here lists its own and fails to say so.
func TestDescriptors(t *testing.T) {
	fd, err := unix.FcntlInt(0, unix.F_DUPFD, 50)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ls := specs.Hook{Path: "/bin/ls", Args: []string{"ls", "-m", "/proc/self/fd/", "/none"}}
	err = Run(Prestart, []specs.Hook{ls}, nil, nil, nil)
	// 3 is what it reads the list by.
	if err == nil || !strings.Contains(err.Error(), "stdout: /proc/self/fd/:\n0, 1, 2, 3, stderr: ") {
		t.Errorf("got %v", err)
	}
}

func TestArgv(t *testing.T) {
	if got := Argv(&specs.Hook{Path: "/a/b"}); len(got) != 1 || got[0] != "/a/b" {
		t.Errorf("without args: %q", got)
	}
	if got := Argv(&specs.Hook{Path: "/a/b", Args: []string{"c", "d"}}); len(got) != 2 || got[0] != "c" {
		t.Errorf("with args: %q", got)
	}
}

func TestRunStops(t *testing.T) {
	o := newOut(t)
	list := []specs.Hook{sh("echo 0 >>" + o.path), sh("exit 1"), sh("echo 2 >>" + o.path)}
	err := Run(CreateContainer, list, nil, nil, nil)
	var failed *Error
	if !errors.As(err, &failed) || failed.Group != CreateContainer || failed.Index != 1 || failed.Path != "/bin/sh" {
		t.Errorf("got %#v", err)
	}
	o.want("0")
}

func TestRunAll(t *testing.T) {
	o := newOut(t)
	list := []specs.Hook{{Path: "/none"}, sh("echo 1 >>" + o.path), sh("exit 5"), sh("echo 3 >>" + o.path)}
	warnings := RunAll(Poststop, list, nil, nil)
	want := []string{
		`run poststop hook #0 "/none": no such file or directory`,
		`run poststop hook #2 "/bin/sh": exit status 5`,
	}
	if len(warnings) != len(want) {
		t.Fatalf("got %v", warnings)
	}
	for i := range want {
		if warnings[i].Error() != want[i] {
			t.Errorf("got %q, want %q", warnings[i], want[i])
		}
	}
	o.want("1\n3")
}

// TestTimeoutGroup is a hook whose child would go on without it.
func TestTimeoutGroup(t *testing.T) {
	o := newOut(t)
	err := Run(Poststart, []specs.Hook{within(1, sh("sleep 60 & echo $! >"+o.path+"; wait"))}, nil, nil, nil)
	if !errors.Is(err, ErrTimeout) {
		t.Fatalf("got %v", err)
	}
	text, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the hook's child %d goes on", pid)
		}
	}
}

// TestLeftBehind is a hook which leaves a process that holds its output.
func TestLeftBehind(t *testing.T) {
	o := newOut(t)
	begun := time.Now()
	if err := Run(CreateRuntime, []specs.Hook{sh("sleep 30 & echo $! >" + o.path)}, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("Run waited %v for a process that is not the hook", took)
	}
	text, err := os.ReadFile(o.path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("the process was not left alone: %v", err)
	}
}

// TestOtherChildren is a child of the runtime that ends while a hook runs: its
// status must still be there for the one who waits for it.
func TestOtherChildren(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "exit 7")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := Run(CreateRuntime, []specs.Hook{sh("sleep 0.2")}, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("the other child: %v", err)
	}
}

// TestStarter is a process that leads no group: its own end is enough.
func TestStarter(t *testing.T) {
	start := func(h *specs.Hook, stdin, stdout, stderr uintptr) (int, error) {
		return syscall.ForkExec(h.Path, Argv(h), &syscall.ProcAttr{Env: h.Env, Files: []uintptr{stdin, stdout, stderr}})
	}
	err := Run(StartContainer, []specs.Hook{within(1, sh("echo hi; exec sleep 60"))}, nil, start, nil)
	if want := `run startContainer hook #0 "/bin/sh": timed out after 1s, stdout: hi`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	refused := errors.New("no namespace")
	err = Run(StartContainer, []specs.Hook{sh("")}, nil, func(*specs.Hook, uintptr, uintptr, uintptr) (int, error) { return 0, refused }, nil)
	if !errors.Is(err, refused) {
		t.Errorf("got %v, want %v", err, refused)
	}
}

// TestDescriptorsClosed counts what is open before and after.
func TestDescriptorsClosed(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := count()
	for range 5 {
		_ = Run(Prestart, []specs.Hook{sh("exit 0"), sh("exec sleep 0"), {Path: "/none"}}, []byte("{}"), nil, nil)
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors are open, were %d", after, before)
	}
}
