package lifecycle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestPidfdSocketMissing: a wrong path costs nothing, not even a hook.
func TestPidfdSocketMissing(t *testing.T) {
	require.Root(t)
	mark := t.TempDir() + "/hook"
	c := fixtures.New(t, func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "touch " + mark}}}}
	})
	r := c.Do("create", "--pidfd-socket", c.Bundle+"/missing", "--bundle", c.Bundle, c.ID)
	if r.Code != 1 {
		t.Errorf("exit code %d", r.Code)
	}
	wantIn(t, "message", r.Stderr, "--pidfd-socket: connect to socket")
	if _, err := os.Stat(mark); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a hook ran: %v", err)
	}
}

// TestExecFlags looks at those of exec's options that are about the process's surroundings.
func TestExecFlags(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		c := sleeping(t)
		t.Run("pidfd-socket", func(t *testing.T) {
			socket := consoleSocket(t) // what comes is a descriptor as well
			pidFile := c.Bundle + "/exec.pid"
			c.Must("exec", "--detach", "--pidfd-socket", socket.path, "--pid-file", pidFile, c.ID, "/bin/sleep", "300")
			pid, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			select {
			case fd := <-socket.masters:
				defer fd.Close()
				info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd.Fd()))
				if err != nil {
					t.Fatal(err)
				}
				wantIn(t, "what the pidfd says", string(info), "\nPid:\t"+string(pid)+"\n")
			case <-time.After(10 * time.Second):
				t.Error("no pidfd came")
			}
		})
		t.Run("cgroup", func(t *testing.T) { execCgroup(t, c) })
		t.Run("ignore-paused", func(t *testing.T) {
			c.Must("pause", c.ID)
			r := c.Do("exec", c.ID, "/bin/true")
			if r.Code != 255 || !strings.Contains(r.Stderr, "cannot exec in a paused container (use --ignore-paused to override)") {
				t.Errorf("without the option: %+v", r)
			}
			cmd := c.Cmd("exec", "--ignore-paused", c.ID, "/bin/sh", "-c", "exit 7") // which is frozen as it comes
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case err := <-ended:
				t.Errorf("exec does not wait for resume: %v", err)
			case <-time.After(300 * time.Millisecond):
			}
			c.Must("resume", c.ID)
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				_ = cmd.Process.Kill()
				t.Fatal("exec does not end")
			}
			want(t, "exit code", fmt.Sprint(cmd.ProcessState.ExitCode()), "7")
		})
	})
}

func execCgroup(t *testing.T, c *fixtures.Container) {
	tests := []struct {
		name   string
		values []string
		v1, v2 string // the error, "" for none; "sub" for one of pids, or of all
	}{
		{"unknown controller", []string{"nosuch:/"}, "unknown controller nosuch in SubCgroupPaths", "unknown controller nosuch in SubCgroupPaths"},
		{"controller", []string{"pids:/"}, "", "unknown controller pids in SubCgroupPaths"},
		{"controller and path", []string{"pids:/sub"}, "sub", "unknown controller pids in SubCgroupPaths"},
		{"all", []string{"/"}, "", ""},
		{"outside", []string{"../sub"}, `must not contain ".."`, `must not contain ".."`},
		{"twice", []string{"pids:/", "pids:/sub"}, "given twice", "given twice"},
		{"missing", []string{"pids:/missing"}, "no such file or directory", "unknown controller pids"},
		{"missing of all", []string{"/missing"}, "no such file or directory", "no such file or directory"},
		{"all by path", []string{"sub"}, "no such file or directory", "sub"}, // of pids alone on v1
	}
	place := "/sys/fs/cgroup/pids"
	if require.IsCgroupV2() {
		place = "/sys/fs/cgroup"
	}
	place += c.Spec.Linux.CgroupsPath
	if err := os.Mkdir(place+"/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var args []string
			for _, v := range tt.values {
				args = append(args, "--cgroup", v)
			}
			expected := tt.v1
			if require.IsCgroupV2() {
				expected = tt.v2
			}
			// The host's view: the container's is its namespace's.
			pidFile := c.Bundle + "/exec.pid"
			args = append(append([]string{"exec", "--detach", "--pid-file", pidFile}, args...), c.ID, "/bin/sleep", "300")
			r := c.Do(args...)
			switch {
			case expected != "" && expected != "sub":
				if r.Code != 255 || !strings.Contains(plain(r.Stderr), expected) {
					t.Errorf("%+v, want an error with %q", r, expected)
				}
				return
			case r.Code != 0:
				t.Fatalf("%+v", r)
			}
			pid, err := os.ReadFile(pidFile)
			if err != nil {
				t.Fatal(err)
			}
			procs, err := os.ReadFile(filepath.Join(place, expected, "cgroup.procs"))
			if err != nil {
				t.Fatal(err)
			}
			wantIn(t, "processes of the cgroup", "\n"+string(procs), "\n"+string(pid)+"\n")
		})
	}
}

// TestUpdateFlags sets each limit by its option. Where this machine has no means for one, the error names the field.
func TestUpdateFlags(t *testing.T) {
	require.Root(t)
	fixtures.OnBothCgroups(t, func(t *testing.T) {
		c := sleeping(t)
		for _, tt := range []struct{ flag, value, field, v1, v1value, v2, v2value string }{
			{"memory", "64m", "memory.limit", "memory/memory.limit_in_bytes", "67108864", "memory.max", "67108864"},
			{"memory-reservation", "32m", "memory.reservation", "memory/memory.soft_limit_in_bytes", "33554432", "memory.low", "33554432"},
			{"memory-swap", "96m", "memory.swap", "memory/memory.memsw.limit_in_bytes", "100663296", "memory.swap.max", "33554432"},
			{"cpu-share", "512", "cpu.shares", "cpu/cpu.shares", "512", "cpu.weight", "59"},
			{"cpu-period", "50000", "cpu.", "cpu/cpu.cfs_period_us", "50000", "cpu.max", "max 50000"},
			{"cpu-quota", "20000", "cpu.quota", "cpu/cpu.cfs_quota_us", "20000", "cpu.max", "20000 50000"},
			{"cpu-burst", "10000", "cpu.burst", "cpu/cpu.cfs_burst_us", "10000", "cpu.max.burst", "10000"},
			{"cpu-idle", "1", "cpu.idle", "cpu/cpu.idle", "1", "cpu.idle", "1"},
			{"cpu-rt-period", "900000", "cpu.realtimePeriod", "cpu/cpu.rt_period_us", "900000", "", ""},
			{"cpuset-cpus", "0", "cpu.cpus", "cpuset/cpuset.cpus", "0", "cpuset.cpus", "0"},
			{"cpuset-mems", "0", "cpu.mems", "cpuset/cpuset.mems", "0", "cpuset.mems", "0"},
			{"pids-limit", "55", "pids.limit", "pids/pids.max", "55", "pids.max", "55"},
			{"blkio-weight", "500", "blockIO.weight", "blkio/blkio.bfq.weight", "500", "io.weight", "default 4950"},
		} {
			t.Run(tt.flag, func(t *testing.T) {
				controller, name, _ := strings.Cut(tt.v1, "/")
				file, expected := filepath.Join("/sys/fs/cgroup", controller)+c.Spec.Linux.CgroupsPath+"/"+name, tt.v1value
				if require.IsCgroupV2() {
					file, expected = "/sys/fs/cgroup"+c.Spec.Linux.CgroupsPath+"/"+tt.v2, tt.v2value
				}
				r := c.Do("update", "--"+tt.flag, tt.value, c.ID)
				if strings.HasSuffix(file, "/") || unix.Access(file, unix.F_OK) != nil {
					if r.Code != 1 || !strings.Contains(r.Stderr, "linux.resources."+tt.field) || strings.Contains(r.Stderr, "no such file") {
						t.Errorf("without %s: %+v", file, r)
					}
					return
				}
				if r.Code != 0 {
					t.Fatalf("%+v", r)
				}
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				want(t, filepath.Base(file), string(text), expected)
			})
		}
		// What no machine has is refused before the cgroup is looked at.
		for flag, message := range map[string]string{
			"kernel-memory":     "memory.kernel: kernel memory cannot be limited by itself",
			"kernel-memory-tcp": "memory.kernelTCP: kernel memory cannot be limited by itself",
		} {
			if r := c.Do("update", "--"+flag, "64m", c.ID); r.Code != 1 || !strings.Contains(r.Stderr, message) {
				t.Errorf("%s: %+v", flag, r)
			}
		}
		if r := c.Do("update", "--l3-cache-schema", "L3:0=f", c.ID); r.Code != 1 || !strings.Contains(r.Stderr, "created without linux.intelRdt") {
			t.Errorf("l3-cache-schema: %+v", r)
		}
	})
}

// TestPidFileOfNobody: a process that comes to nothing leaves no file with its number.
func TestPidFileOfNobody(t *testing.T) {
	require.Root(t)
	c := sleeping(t)
	if err := os.WriteFile(c.Rootfs("text"), []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	pidFile := filepath.Join(t.TempDir(), "pid")
	other := fixtures.New(t, fixtures.Args("/text"))
	if err := os.WriteFile(other.Rootfs("text"), []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	run := []string{"run", "--bundle", other.Bundle, "--pid-file", pidFile, other.ID}
	for name, args := range map[string][]string{
		"socket of exec":  {"exec", "--pidfd-socket", pidFile + ".sock", "--pid-file", pidFile, c.ID, "/bin/true"},
		"program of exec": {"exec", "--pid-file", pidFile, c.ID, "/text"},
		"socket of run":   append([]string{"run", "--pidfd-socket", pidFile + ".sock"}, run[1:]...),
		"program of run":  run,
	} {
		r := c.Do(args...)
		if r.Code == 0 || !strings.Contains(r.Stderr, "level=error") {
			t.Errorf("%s: %+v", name, r)
		}
		if text, err := os.ReadFile(pidFile); err == nil {
			t.Errorf("%s: a pid file with %q", name, text)
		}
	}
}

// TestSocketOfAttendedTerminal: exec that stays has the terminal itself, as run has.
func TestSocketOfAttendedTerminal(t *testing.T) {
	require.Root(t)
	c := sleeping(t)
	r := c.Do("exec", "--tty", "--console-socket", "/nowhere", c.ID, "/bin/true")
	if r.Code == 0 {
		t.Errorf("exec: %+v", r)
	}
	wantIn(t, "message", r.Stderr, "cannot use console socket if the runtime will not detach or allocate tty")
}
