package lifecycle

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// nobody is a second real user: the unprivileged one that every machine has.
const nobody = 65534

// unprivileged is a bundle of nobody's, and the runtime where nobody can reach it.
type unprivileged struct {
	t       *testing.T
	c       *fixtures.Container
	dir     string
	runtime string
	wrap    []string // command before the runtime, run as root
}

func newUnprivileged(t *testing.T, changes ...change) *unprivileged {
	t.Helper()
	require.Root(t)
	c := fixtures.New(t, append([]change{withoutPrivileges}, changes...)...)
	u := &unprivileged{t: t, c: c, dir: filepath.Dir(c.Bundle)}
	u.runtime = filepath.Join(u.dir, "gspawn-oci")
	from, err := os.Open(c.Runtime)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(u.runtime, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("chown", "-R", "-h", strconv.Itoa(nobody)+":"+strconv.Itoa(nobody), u.dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return u
}

// withoutPrivileges is what `spec --rootless` writes.
func withoutPrivileges(s *specs.Spec) {
	fixtures.WithNamespace(specs.UserNamespace, "")(s)
	s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: nobody, Size: 1}}
	s.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: nobody, Size: 1}}
	s.Linux.CgroupsPath, s.Linux.Resources = "", nil
	kept := s.Mounts[:0]
	for _, m := range s.Mounts {
		if m.Destination == "/dev/pts" {
			m.Options = []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}
		}
		if m.Type != "cgroup" {
			kept = append(kept, m)
		}
	}
	s.Mounts = kept
}

// do runs the runtime as nobody, without anything of root's.
func (u *unprivileged) do(args ...string) (string, int) {
	u.t.Helper()
	args = append([]string{u.runtime, "--root", u.c.Root}, args...)
	var cmd *exec.Cmd
	if len(u.wrap) > 0 {
		args = append(append([]string(nil), u.wrap...), args...)
		cmd = exec.Command(args[0], args[1:]...)
	} else {
		cmd = exec.Command(args[0], args[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	cmd.Dir, cmd.Env = u.c.Bundle, []string{"PATH=/usr/bin:/bin", "XDG_RUNTIME_DIR=" + u.dir}
	out, err := os.Create(filepath.Join(u.dir, "output"))
	if err != nil {
		u.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	timer := time.AfterFunc(20*time.Second, func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
	})
	defer timer.Stop()
	_ = cmd.Run()
	text, err := os.ReadFile(out.Name())
	if err != nil {
		u.t.Fatal(err)
	}
	return withoutWarnings(text), cmd.ProcessState.ExitCode()
}

func withoutWarnings(text []byte) string {
	var kept []byte
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte("level=warning")) {
			kept = append(kept, line...)
		}
	}
	return string(kept)
}

func (u *unprivileged) must(args ...string) string {
	u.t.Helper()
	out, code := u.do(args...)
	if code != 0 {
		u.t.Fatalf("%q as nobody: exit code %d: %s", args, code, out)
	}
	return out
}

// life creates, starts, enters, kills and deletes.
func (u *unprivileged) life() {
	u.t.Helper()
	id := u.c.ID
	u.must("create", "--bundle", u.c.Bundle, id)
	u.must("start", id)
	want(u.t, "user inside", u.must("exec", id, "id", "-u"), "0")
	want(u.t, "owner of a file that was made inside", u.must("exec", id, "/bin/sh", "-c", "touch /made; stat -c %u /made"), "0")
	info, err := os.Stat(u.c.Rootfs("made"))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != u.c.Spec.Linux.UIDMappings[0].HostID {
		u.t.Errorf("its owner outside: %+v %v", info, err)
	}
	wantIn(u.t, "state", u.must("state", id), `"running"`)
	u.must("kill", id, "KILL")
	eventually(u.t, "the container has stopped", func() bool { return strings.Contains(u.must("state", id), `"stopped"`) })
	u.must("delete", id)
	if left := u.c.WaitClean(); len(left) > 0 {
		u.t.Errorf("left behind: %q", left)
	}
}

func TestRootless(t *testing.T) {
	t.Run("one id", func(t *testing.T) { newUnprivileged(t, fixtures.Args("/bin/sleep", "300")).life() })
	t.Run("run", func(t *testing.T) {
		u := newUnprivileged(t, fixtures.Shell("id -u; id -G; cat /proc/self/uid_map | tr -s ' '; exit 7"))
		out, code := u.do("run", "--bundle", u.c.Bundle, u.c.ID)
		if code != 7 {
			t.Errorf("exit code %d", code)
		}
		wantIn(t, "output", out, "0\n0")
		wantIn(t, "output", out, " 0 65534 1")
	})
	t.Run("killed", func(t *testing.T) {
		u := newUnprivileged(t, fixtures.Args("/bin/sleep", "300"))
		u.must("create", "--bundle", u.c.Bundle, u.c.ID)
		u.must("delete", "--force", u.c.ID)
		if left := u.c.WaitClean(); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	t.Run("groups cannot be set", func(t *testing.T) {
		u := newUnprivileged(t, func(s *specs.Spec) { s.Process.User.AdditionalGids = []uint32{5} })
		out, code := u.do("create", "--bundle", u.c.Bundle, u.c.ID)
		if code != 1 || !strings.Contains(out, "process.user.additionalGids") {
			t.Errorf("exit code %d: %s", code, out)
		}
	})
	t.Run("no user namespace", func(t *testing.T) {
		u := newUnprivileged(t, fixtures.WithoutNamespace(specs.UserNamespace), func(s *specs.Spec) { s.Linux.UIDMappings, s.Linux.GIDMappings = nil, nil })
		out, code := u.do("create", "--bundle", u.c.Bundle, u.c.ID)
		if code != 1 || !strings.Contains(out, "user namespace") {
			t.Errorf("exit code %d: %s", code, out)
		}
	})
	t.Run("joined namespaces", func(t *testing.T) {
		first := newUnprivileged(t, fixtures.Args("/bin/sleep", "300"))
		first.must("create", "--bundle", first.c.Bundle, first.c.ID)
		pid := first.c.State().Pid
		for _, order := range [][]string{{"user", "net"}, {"net", "user"}} {
			second := newUnprivileged(t, fixtures.Shell("readlink /proc/self/ns/net"), joining(order, func(string) int { return pid }))
			want(t, "network", second.must("run", "--bundle", second.c.Bundle, second.c.ID), namespaceOf(t, pid, "net"))
		}
		// The mappings are the namespace's own; they need no copy.
		bare := newUnprivileged(t, fixtures.Shell("id -u"), joining([]string{"user", "net"}, func(string) int { return pid }), func(s *specs.Spec) {
			s.Linux.UIDMappings, s.Linux.GIDMappings = nil, nil
		})
		want(t, "user", bare.must("run", "--bundle", bare.c.Bundle, bare.c.ID), "0")
		first.must("delete", "--force", first.c.ID)
	})
	t.Run("ranges", func(t *testing.T) {
		u := withRanges(t, fixtures.Args("/bin/sleep", "300"), func(s *specs.Spec) { s.Process.User.AdditionalGids = []uint32{5} })
		u.life()
		u.must("create", "--bundle", u.c.Bundle, u.c.ID)
		u.must("start", u.c.ID)
		want(t, "groups", u.must("exec", u.c.ID, "id", "-G"), "0 5")
		want(t, "another user", u.must("exec", "--user", "1000:1000", u.c.ID, "id", "-u"), "1000")
		u.must("delete", "--force", u.c.ID)
	})
	t.Run("user who is not root", func(t *testing.T) {
		u := withRanges(t, fixtures.Args("/bin/sleep", "300"), tmpfs("/tmp", "mode=1777"), func(s *specs.Spec) {
			s.Process.User.UID, s.Process.User.GID = 1000, 1000
			s.Hooks = &specs.Hooks{CreateContainer: outsideHook("true"), StartContainer: insideHook("id -u >/tmp/hook")}
		})
		u.must("create", "--bundle", u.c.Bundle, u.c.ID)
		want(t, "user of exec before start", u.must("exec", u.c.ID, "id", "-u"), "1000")
		u.must("start", u.c.ID)
		want(t, "user of the hook", u.must("exec", u.c.ID, "cat", "/tmp/hook"), "1000")
		u.must("delete", "--force", u.c.ID)
	})
}

// withRanges is an unprivileged bundle with more users than one, by newuidmap.
func withRanges(t *testing.T, changes ...change) *unprivileged {
	t.Helper()
	require.Program(t, "newuidmap")
	require.Program(t, "setpriv")
	for _, f := range []string{"/etc/subuid", "/etc/subgid"} {
		require.File(t, f)
	}
	u := newUnprivileged(t, append([]change{func(s *specs.Spec) {
		m := []specs.LinuxIDMapping{{ContainerID: 0, HostID: nobody, Size: 1}, {ContainerID: 1, HostID: 700000, Size: 65536}}
		s.Linux.UIDMappings, s.Linux.GIDMappings = m, m
	}}, changes...)...)
	ranges := filepath.Join(u.dir, "subid")
	if err := os.WriteFile(ranges, []byte("nobody:700000:65536\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	// /etc/subuid has the range in a mount namespace of its own.
	u.wrap = []string{"unshare", "-m", "sh", "-c", `mount --bind ` + ranges + ` /etc/subuid && mount --bind ` + ranges + ` /etc/subgid &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`, "sh"}
	return u
}

// TestRootlessPriorities: what a user may do to himself is done to the container's process, whoever that is in there.
func TestRootlessPriorities(t *testing.T) {
	require.File(t, "/proc/self/sched")
	const show = "cat /proc/self/oom_score_adj; sed -n 's/^policy *: *//p' /proc/self/sched; ionice -p $$"
	const shown = "321\n3\nbest-effort: prio 6"
	set := func(s *specs.Spec) {
		s.Process.OOMScoreAdj = ptr(321)
		s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Nice: 5}
		s.Process.IOPriority = &specs.LinuxIOPriority{Class: specs.IOPRIO_CLASS_BE, Priority: 6}
		s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Soft: 64, Hard: 65}}
	}
	for _, uid := range []uint32{0, 1000} {
		u := withRanges(t, set, user(uid, uid), fixtures.Shell(show+"; ulimit -n"))
		want(t, "run", u.must("run", "--bundle", u.c.Bundle, u.c.ID), shown+"\n64")
	}
	u := withRanges(t, set, fixtures.Args("/bin/sleep", "300"))
	u.must("create", "--bundle", u.c.Bundle, u.c.ID)
	u.must("start", u.c.ID)
	for _, uid := range []string{"0", "1000"} {
		want(t, "exec as "+uid, u.must("exec", "--user", uid, u.c.ID, "sh", "-c", show+"; id -u"), shown+"\n"+uid)
	}
	u.must("delete", "--force", u.c.ID)
	t.Run("root of a user's namespace", func(t *testing.T) { // as podman has it
		u := withRanges(t, set, user(1000, 1000), fixtures.Shell(show), fixtures.WithoutNamespace(specs.UserNamespace), func(s *specs.Spec) {
			s.Linux.UIDMappings, s.Linux.GIDMappings = nil, nil
		})
		u.wrap[4] = strings.Replace(u.wrap[4], `"$@"`, `unshare --user --map-root-user --map-auto --mount "$@"`, 1)
		want(t, "run", u.must("--rootless", "true", "run", "--bundle", u.c.Bundle, u.c.ID), shown)
	})
}
