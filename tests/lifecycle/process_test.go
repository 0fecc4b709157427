package lifecycle

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

func ptr[T any](v T) *T { return &v }

// user changes the process's user, without capabilities.
func user(uid, gid uint32, more ...uint32) change {
	return func(s *specs.Spec) {
		s.Process.User = specs.User{UID: uid, GID: gid, AdditionalGids: more}
		s.Process.Capabilities = &specs.LinuxCapabilities{}
	}
}

// TestProcess looks at the program's attributes from inside.
func TestProcess(t *testing.T) {
	tests := []struct {
		name, script string
		change       change
		want         string
	}{
		{"user", "id -u; id -g; id -G", user(1000, 1000, 5, 2000), "1000\n1000\n1000 5 2000"},
		{"unknown user", "id -u; id -g", user(4242, 4343), "4242\n4343"},
		{"groups of root", "id -G", func(s *specs.Spec) { s.Process.User.AdditionalGids = []uint32{7} }, "0 7"},
		{"no groups of the runtime's", "id -G", func(*specs.Spec) {}, "0"},
		{"home of root", "echo $HOME", func(*specs.Spec) {}, "/root"},
		{"home of a user", "echo $HOME", user(1000, 1000), "/home/user"},
		{"home of an unknown user", "echo $HOME", user(4242, 0), "/"},
		{"configured home", "echo $HOME", func(s *specs.Spec) { s.Process.Env = append(s.Process.Env, "HOME=/x") }, "/x"},
		{"nothing of the runtime's environment", "env | grep -c LEAK; true", func(*specs.Spec) {}, "0"},
		{"umask", "umask", func(s *specs.Spec) { s.Process.User.Umask = ptr(uint32(0o77)) }, "0077"},
		{"default umask", "umask", func(*specs.Spec) {}, "0022"},
		{"working directory", "pwd", func(s *specs.Spec) { s.Process.Cwd = "/home/user" }, "/home/user"},
		{"missing working directory", "pwd", func(s *specs.Spec) { s.Process.Cwd = "/made/for/it" }, "/made/for/it"},
		{"rlimits", "ulimit -n; ulimit -Hn; ulimit -c", func(s *specs.Spec) {
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 100, Hard: 200}, {Type: "RLIMIT_CORE"}}
		}, "100\n200\n0"},
		{"rlimits of a user", "ulimit -n; ulimit -Hn", func(s *specs.Spec) {
			user(1000, 1000)(s)
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 64, Hard: 65}}
		}, "64\n65"},
		{"rlimits in a user namespace", "ulimit -n; ulimit -Hn", func(s *specs.Spec) {
			fixtures.WithUserNamespace(100000, 65536)(s)
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 64, Hard: 65}}
		}, "64\n65"},
		{"timer slack of the caller", "cat /proc/self/timerslack_ns", func(*specs.Spec) {}, "50000"},
		{"oom score", "cat /proc/self/oom_score_adj", func(s *specs.Spec) { s.Process.OOMScoreAdj = ptr(321) }, "321"},
		{"oom score of a user", "cat /proc/self/oom_score_adj", func(s *specs.Spec) {
			user(1000, 1000)(s)
			s.Process.OOMScoreAdj = ptr(322)
		}, "322"},
		{"scheduler", "grep -E '^(policy|prio)' /proc/self/sched", func(s *specs.Spec) {
			s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Nice: 5}
		}, "policy                                       :                    3\nprio                                         :                  125"},
		{"io priority", "ionice -p 1", func(s *specs.Spec) {
			s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 6}
		}, "best-effort: prio 6"},
		{"personality", "uname -m", func(s *specs.Spec) {
			s.Linux.Personality = &specs.LinuxPersonality{Domain: specs.PerLinux32}
		}, "i686"},
		{"memory policy", "cut -d' ' -f2 /proc/self/numa_maps | sort -u", func(s *specs.Spec) {
			s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolInterleave, Nodes: "0"}
		}, "interleave:0"},
		{"no new privileges", "grep NoNewPrivs /proc/self/status", func(*specs.Spec) {}, "NoNewPrivs:\t1"},
		{"new privileges", "grep NoNewPrivs /proc/self/status", func(s *specs.Spec) { s.Process.NoNewPrivileges = false }, "NoNewPrivs:\t0"},
		{"pid 1", "echo $$; cut -d' ' -f6 /proc/1/stat", func(*specs.Spec) {}, "1\n1"},
		{"no signal is ignored or blocked", "", fixtures.Args("/bin/grep", "-E", "Sig(Ign|Blk)", "/proc/1/status"), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000"},
		{"argv[0]", "tr '\\0' ' ' </proc/1/cmdline | cut -d' ' -f1", func(*specs.Spec) {}, "/bin/sh"},
	}
	if machine, err := os.ReadFile("/proc/self/numa_maps"); err != nil || len(machine) == 0 {
		t.Log("no NUMA here")
	}
	t.Setenv("LEAK", "1")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "memory policy" {
				require.File(t, "/proc/self/numa_maps")
			}
			if tt.name == "scheduler" {
				require.File(t, "/proc/self/sched")
			}
			want(t, tt.script, output(t, fixtures.Shell(tt.script), tt.change), tt.want)
		})
	}
}

// capStatus are the five sets from inside, as numbers: inheritable, permitted, effective, bounding, ambient.
func capStatus(t *testing.T, text string) [5]uint64 {
	t.Helper()
	var sets [5]uint64
	fields := strings.Fields(text)
	if len(fields) != 10 {
		t.Fatalf("capabilities are %q", text)
	}
	for i := range sets {
		n, err := strconv.ParseUint(fields[2*i+1], 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		sets[i] = n
	}
	return sets
}

const capChown, capKill, capNetBind = 1 << 0, 1 << 5, 1 << 10

func TestCapabilities(t *testing.T) {
	names := []string{"CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	const all = capChown | capKill | capNetBind
	tests := []struct {
		name string
		uid  uint32
		caps specs.LinuxCapabilities
		want [5]uint64
	}{
		{"none", 0, specs.LinuxCapabilities{}, [5]uint64{}},
		{"root", 0, specs.LinuxCapabilities{Bounding: names, Permitted: names, Effective: names}, [5]uint64{0, all, all, all, 0}},
		{"root's inheritable", 0, specs.LinuxCapabilities{Bounding: names, Permitted: names, Effective: names, Inheritable: names[:1]}, [5]uint64{capChown, all, all, all, 0}},
		{"user without ambient", 1000, specs.LinuxCapabilities{Bounding: names, Permitted: names, Effective: names, Inheritable: names}, [5]uint64{all, 0, 0, all, 0}},
		{"user with ambient", 1000, specs.LinuxCapabilities{
			Bounding: names, Permitted: names, Effective: names, Inheritable: names, Ambient: names[1:],
		}, [5]uint64{all, capKill | capNetBind, capKill | capNetBind, all, capKill | capNetBind}},
		{"ambient that is not inheritable", 1000, specs.LinuxCapabilities{Bounding: names, Permitted: names, Ambient: names}, [5]uint64{0, 0, 0, all, 0}},
		{"bounding alone", 1000, specs.LinuxCapabilities{Bounding: names[:1]}, [5]uint64{0, 0, 0, capChown, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := func(s *specs.Spec) { s.Process.User.UID, s.Process.Capabilities = tt.uid, &tt.caps }
			// grep is run by the shell, so that what is inherited shows, too.
			got := capStatus(t, output(t, set, fixtures.Args("/bin/grep", "^Cap", "/proc/self/status")))
			if got != tt.want {
				t.Errorf("inheritable, permitted, effective, bounding, ambient are %x, want %x", got, tt.want)
			}
		})
	}
	t.Run("no section", func(t *testing.T) {
		for _, namespace := range []change{func(*specs.Spec) {}, fixtures.WithUserNamespace(100000, 65536)} {
			without := func(s *specs.Spec) { s.Process.Capabilities = nil }
			got := capStatus(t, output(t, without, namespace, fixtures.Args("/bin/grep", "^Cap", "/proc/self/status")))
			if got != [5]uint64{} {
				t.Errorf("inheritable, permitted, effective, bounding, ambient are %x, want none", got)
			}
		}
	})
	t.Run("unknown names warn", func(t *testing.T) {
		require.Root(t)
		c := fixtures.New(t, func(s *specs.Spec) {
			s.Process.Capabilities.Bounding = append(s.Process.Capabilities.Bounding, "CAP_FUTURE")
		})
		r := c.Run()
		if r.Code != 0 || !strings.Contains(r.Stderr, "CAP_FUTURE") || !strings.Contains(r.Stderr, "level=warning") {
			t.Errorf("run: %+v", r)
		}
	})
	t.Run("exec", func(t *testing.T) {
		c := sleeping(t, grant("CAP_CHOWN"))
		got := capStatus(t, c.Must("exec", c.ID, "grep", "^Cap", "/proc/self/status"))
		if got != [5]uint64{capChown, capChown, capChown, capChown, 0} {
			t.Errorf("capabilities are %x", got)
		}
		got = capStatus(t, c.Must("exec", "--cap", "CAP_KILL", c.ID, "grep", "^Cap", "/proc/self/status"))
		if got[1] != capChown|capKill || got[3] != capChown|capKill {
			t.Errorf("with --cap CAP_KILL: %x", got)
		}
	})
}

// TestExecProcess looks at what exec's options do.
func TestExecProcess(t *testing.T) {
	c := sleeping(t)
	tests := []struct {
		name   string
		args   []string
		script string
		want   string
	}{
		{"user", []string{"--user", "1000:1000"}, "id -u; id -g; ulimit -n", "1000\n1000\n1024"},
		{"cwd", []string{"--cwd", "/home"}, "pwd", "/home"},
		{"env", []string{"--env", "A=b", "-e", "C=d"}, "echo $A$C", "bd"},
		{"groups", []string{"--additional-gids", "7", "-g", "8"}, "id -G", "0 7 8"},
		{"pid namespace", nil, "test $$ -gt 1 && cat /proc/1/comm", "sleep"},
		{"cgroup", nil, "grep -c /gspawn-test/ /proc/self/cgroup | grep -v '^0$' >/dev/null && echo inside", "inside"},
		{"no new privileges", []string{"--no-new-privs"}, "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1"},
		{"hostname", nil, "hostname", "fixture"},
		{"home", []string{"--user", "1000"}, "echo $HOME", "/home/user"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := append(append([]string{"exec"}, tt.args...), c.ID, "/bin/sh", "-c", tt.script)
			want(t, tt.script, c.Must(args...), tt.want)
		})
	}
	t.Run("process file", func(t *testing.T) {
		file := c.Bundle + "/process.json"
		if err := os.WriteFile(file, []byte(`{"args":["/bin/sh","-c","pwd; echo $X"],"cwd":"/tmp","env":["X=y"],"user":{"uid":0,"gid":0}}`), 0o644); err != nil {
			t.Fatal(err)
		}
		want(t, "stdout", c.Must("exec", "--process", file, c.ID), "/tmp\ny")
	})
	t.Run("affinity", func(t *testing.T) {
		file := c.Bundle + "/process.json"
		if err := os.WriteFile(file, []byte(`{"args":["/bin/grep","Cpus_allowed_list","/proc/self/status"],"cwd":"/","execCPUAffinity":{"initial":"0","final":"0"}}`), 0o644); err != nil {
			t.Fatal(err)
		}
		want(t, "stdout", c.Must("exec", "--process", file, c.ID), "Cpus_allowed_list:\t0")
	})
	t.Run("detached", func(t *testing.T) {
		c.Must("exec", "--detach", c.ID, "/bin/sh", "-c", "echo made >/tmp/made")
		eventually(t, "the program has run", func() bool {
			text, _ := os.ReadFile(c.Rootfs("tmp/made"))
			return string(text) == "made\n"
		})
	})
}

// TestSignalsIgnored: a caller that ignores signals hands that down. The runtime learns how the container and its hooks end all
// the same, for which it needs SIGCHLD, and hands nothing on.
func TestSignalsIgnored(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.Args("/bin/grep", "-h", "SigIgn", "/proc/1/status", "/none"), func(s *specs.Spec) {
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/true"}}}
	})
	run := c.Cmd("run", "--bundle", c.Bundle, c.ID)
	cmd := exec.Command(require.Program(t, "env"), append([]string{"--ignore-signal=CHLD,HUP,TSTP,TTOU,RTMIN,RTMIN+3,RTMAX"}, run.Args...)...)
	cmd.Env, cmd.Dir = run.Env, run.Dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, _ := cmd.Output()
	want(t, "of the container", string(out), "SigIgn:\t0000000000000000")
	if code := cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("exit code %d, want grep's 2: %s", code, &stderr)
	}
}

// TestSignalWhileMade: a signal that `run` gets before the program runs is the program's, and ends nothing halfway;
// those that ask to stop end a hook (TestHookStopped), others do not.
func TestSignalWhileMade(t *testing.T) {
	require.Root(t)
	c := fixtures.New(t, fixtures.Args("/bin/sleep", "300"), func(s *specs.Spec) {
		s.Linux.Namespaces = slices.DeleteFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { // whose init ignores what it has no handler for
			return n.Type == specs.PIDNamespace
		})
		s.Hooks = &specs.Hooks{CreateRuntime: []specs.Hook{{Path: "/bin/sh", Args: []string{"sh", "-c", "kill -USR1 $PPID"}}}}
	})
	if r := c.Run(); r.Code != 128+10 {
		t.Errorf("exit code %d, want 138: %s", r.Code, r.Stderr)
	}
}
