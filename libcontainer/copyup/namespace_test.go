package copyup

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/fsuser"
)

// The IDs that a test namespace's root has on the host.
const (
	hostUID = 100000
	hostGID = 200000
)

// TestMain lets the test binary be the process that makes a tmpfs in a user
// namespace and hands it out by descriptor 3.
func TestMain(m *testing.M) {
	if os.Getenv("COPYUP_TEST_TMPFS") == "" {
		os.Exit(m.Run())
	}
	mount, err := detachedTmpfs()
	if err == nil {
		err = unix.Sendmsg(3, []byte("m"), unix.UnixRights(mount), nil, 0)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// namespaceTmpfs returns a detached tmpfs of a new user namespace.
func namespaceTmpfs(t *testing.T) int {
	t.Helper()
	needRoot(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	other := os.NewFile(uintptr(pair[1]), "socket")
	defer other.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{"COPYUP_TEST_TMPFS=1"}
	cmd.ExtraFiles = []*os.File{other}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: hostUID, Size: 65536}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: hostGID, Size: 65536}},
		Credential:  &syscall.Credential{Uid: 0, Gid: 0},
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make a tmpfs in a user namespace: %v: %s", err, out)
	}
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(pair[0], make([]byte, 1), control, 0)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		t.Fatalf("control messages %v: %v", messages, err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]) })
	return fds[0]
}

// threads lists the file system IDs, capabilities of each thread.
func threads(t *testing.T) map[string]int {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it ended
		}
		var kind []string
		for line := range strings.SplitSeq(string(b), "\n") {
			for _, key := range []string{"Uid:", "Gid:", "CapEff:"} {
				if strings.HasPrefix(line, key) {
					kind = append(kind, line)
				}
			}
		}
		kinds[strings.Join(kind, " ")]++
	}
	return kinds
}

// copyAs is CopyAs on a thread of that user.
func copyAs(from, to, uid, gid int) error {
	return fsuser.As(uid, gid, func() error { return CopyAs(from, to, uid, gid) })
}

func TestCopyAs(t *testing.T) {
	to := namespaceTmpfs(t)
	b := plain(t)
	err := filepath.Walk(b.dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && path != b.dir {
			b.own(strings.TrimPrefix(path, b.dir+"/"), hostUID, hostGID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	b.own("hello", hostUID+1000, hostGID+33)
	b.file("private", "of a user in the namespace", 0o600)
	b.own("private", hostUID+65535, hostGID+65535)
	b.mkdir("home", 0o700)
	b.own("home", hostUID+1000, hostGID+1000)
	b.file("home/rc", "rc", 0o400)
	b.own("home/rc", hostUID+1000, hostGID+1000)
	b.ok(unix.Mknod(b.path("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	b.own("null", hostUID, hostGID)
	b.touch("hello", 1, 0)

	if err := Copy(openPath(t, b.dir), to); !errors.Is(err, unix.EOVERFLOW) {
		t.Errorf("Copy as a user that the namespace has not: %v, want EOVERFLOW", err)
	}
	before := threads(t)
	if err := copyAs(openPath(t, b.dir), to, hostUID, hostGID); err != nil {
		t.Fatal(err)
	}
	wantSame(t, snapshot(t, path(to)), snapshot(t, b.dir))
	b.xattr("hello", "security.capability", capability())
	again := namespaceTmpfs(t)
	if err := copyAs(openPath(t, b.dir), again, hostUID, hostGID); err != nil {
		t.Fatal(err)
	}
	// Seen from outside, the capability is one of the namespace (version 3).
	if n, err := unix.Getxattr(path(again)+"/hello", "security.capability", make([]byte, 64)); n != 24 {
		t.Errorf("capability of %d bytes: %v", n, err)
	}
	if after := threads(t); len(after) != 1 || len(before) != 1 {
		t.Errorf("identities of the threads %v, before %v", after, before)
	}
	if d, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); d != 1 {
		t.Errorf("dumpable %d", d)
	}
}

// TestCopyAsUnmapped is about files of users that have no ID in the namespace:
// they must not become readable, or more powerful, by having been copied.
func TestCopyAsUnmapped(t *testing.T) {
	to := namespaceTmpfs(t)
	b := builder{t, t.TempDir()}
	b.file("public", "public", 0o644)
	b.file("program", "program", 0o6755)
	b.file("secret", "secret", 0o640)
	b.mkdir("home", 0o700)
	b.file("home/secret", "secret", 0o644)
	b.ok(os.Symlink("x", b.path("link")))
	b.file("group", "secret", 0o640)
	b.own("group", hostUID, 0)
	err := copyAs(openPath(t, b.dir), to, hostUID, hostGID)
	if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EOVERFLOW) {
		t.Skip("before Linux 5.17 no file can have such an owner; see TestOwn")
	}
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, snapshot(t, path(to)), snapshot(t, b.dir))
}

// asNobody runs f on a thread that makes and opens files as user 65534, without
// the capabilities for files.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	needRoot(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		_, _ = unix.SetfsgidRetGid(nobody)
		_, _ = unix.SetfsuidRetUid(nobody)
		f()
		// This gives the capabilities back, but not that it is dumpable.
		_, _ = unix.SetfsuidRetUid(0)
		_, _ = unix.SetfsgidRetGid(0)
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
			t.Error(err)
		}
	}()
	<-done
}

const nobody = 65534

func TestOwn(t *testing.T) {
	tests := map[string]struct {
		foreign  bool
		uid, gid uint32
		mode     uint32
		kept     bool
		err      error
	}{
		"own":                       {false, nobody, nobody, 0o600, true, nil},
		"own in a namespace":        {true, nobody, nobody, 0o600, true, nil},
		"other's, private":          {false, 0, 0, 0o600, false, nil}, // the kernel asks when it is opened
		"other's, public":           {false, 0, 0, 0o644, false, nil},
		"unmapped, public":          {true, 0, 0, 0o644, false, nil},
		"unmapped, private":         {true, 0, 0, 0o640, false, unix.EACCES},
		"unmapped group, private":   {true, nobody, 0, 0o640, false, unix.EACCES},
		"unmapped, only executable": {true, 0, 0, 0o711, false, unix.EACCES},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
			fd := openPath(t, dir)
			asNobody(t, func() {
				made, err := open(fd, "f", unix.O_WRONLY|unix.O_CREAT)
				if err != nil {
					t.Error(err)
					return
				}
				defer unix.Close(made)
				copier := &tree{uid: nobody, gid: nobody, foreign: tt.foreign}
				kept, err := copier.own(made, &unix.Stat_t{Uid: tt.uid, Gid: tt.gid, Mode: unix.S_IFREG | tt.mode}, 0o004)
				if kept != tt.kept || !errors.Is(err, tt.err) {
					t.Errorf("got %v, %v, want %v, %v", kept, err, tt.kept, tt.err)
				}
			})
		})
	}
}

// TestCopyUnprivileged is the copy by a caller who cannot give files away.
func TestCopyUnprivileged(t *testing.T) {
	needRoot(t)
	b := builder{t, t.TempDir()}
	b.ok(os.Chmod(b.dir, 0o755))
	b.file("program", "x", 0o6755)
	b.xattr("program", "security.capability", capability())
	b.ok(unix.Mknod(b.path("null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	target := t.TempDir()
	if err := os.Chmod(target, 0o777); err != nil {
		t.Fatal(err)
	}
	from, to := openPath(t, b.dir), openPath(t, target)
	asNobody(t, func() {
		if err := copyTree(from, to, nobody, nobody, false); err != nil {
			t.Error(err)
		}
	})
	got := snapshot(t, target)
	if !strings.HasPrefix(got, `"program" 0100755 65534:65534`) || strings.Contains(got, "security.capability") || strings.Contains(got, "\n") {
		t.Errorf("copied %s", got)
	}
	b.file("secret", "x", 0o600)
	again := t.TempDir()
	if err := os.Chmod(again, 0o777); err != nil {
		t.Fatal(err)
	}
	to = openPath(t, again)
	asNobody(t, func() {
		if err := copyTree(from, to, nobody, nobody, false); !errors.Is(err, unix.EACCES) {
			t.Errorf("copy of what may not be read: %v", err)
		}
	})
}
