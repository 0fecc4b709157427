//go:build boot

package boot

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/require"
)

// TestCredentials: systemd takes the credentials of the command line and of the bundle; the command line's win.
func TestCredentials(t *testing.T) {
	require.Root(t)
	for _, users := range []bool{false, true} {
		t.Run(usersName(users), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
				t.Fatal(err)
			}
			c, _ := newSystem(t, "trixie", users, func(s *specs.Spec) {
				s.Annotations = map[string]string{"io.gspawn.credential.bundled": "from the bundle", "io.gspawn.credential.set": "lost"}
			})
			f := foregroundOf(t, c, `--set-credential=set:hello\x21`, "--load-credential=loaded:"+file)
			f.up(t, "trixie")
			for id, want := range map[string]string{"set": "hello!", "loaded": "from a file", "bundled": "from the bundle"} {
				if a := f.exec("systemd-creds", "--system", "cat", id); a.out != want {
					t.Errorf("credential %s: %v", id, a)
				}
			}
			if a := f.exec("stat", "-c", "%a", "/run/host/credentials", "/run/host/credentials/set"); a.out != "500\n400" {
				t.Errorf("modes: %v", a)
			}
			if a := f.exec("/bin/sh", "-c", `tr '\0' '\n' </proc/1/environ`); !strings.Contains(a.out, "CREDENTIALS_DIRECTORY=/run/host/credentials") {
				t.Errorf("environment of PID 1: %v", a)
			}
		})
	}
	t.Run("wrong", func(t *testing.T) {
		c, _ := newSystem(t, "busybox", false)
		for _, flag := range []string{"--set-credential=a/b:x", "--set-credential=a", "--load-credential=a:/none/such"} {
			if r := c.Do("run", flag, "--bundle", c.Bundle, c.ID); r.Code != 1 || r.Stderr == "" {
				t.Errorf("%s: exit code %d, %s", flag, r.Code, r.Stderr)
			}
		}
	})
}

// manager is a service manager's notification socket.
func manager(t *testing.T) (socket string, messages chan string) {
	t.Helper()
	socket = filepath.Join(shortDir(t), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	messages = make(chan string, 1000)
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, _, err := l.ReadFrom(buffer)
			if err != nil {
				return
			}
			messages <- string(buffer[:n])
		}
	}()
	return socket, messages
}

// message waits for the next one that has a line.
func message(t *testing.T, messages chan string, line string) string {
	t.Helper()
	for limit := time.After(patience(60 * time.Second)); ; {
		select {
		case m := <-messages:
			if line == "" || strings.Contains("\n"+m, "\n"+line+"\n") {
				return m
			}
		case <-limit:
			t.Fatalf("the service manager never got %q", line)
		}
	}
}

// TestNotifyReady: with --notify-ready the service manager hears READY=1 from the system, when it is up; without, at once,
// and then as well.
func TestNotifyReady(t *testing.T) {
	require.Root(t)
	for _, ready := range []bool{true, false} {
		c, _ := newSystem(t, "trixie", false)
		socket, messages := manager(t)
		c.Env = []string{"NOTIFY_SOCKET=" + socket}
		var flags []string
		if ready {
			flags = []string{"--notify-ready"}
		}
		f := foregroundOf(t, c, flags...)
		first := message(t, messages, "")
		if !strings.Contains(first, "X_NSPAWN_LEADER_PID=") || strings.Contains(first, "READY=1") == ready {
			t.Errorf("--notify-ready=%t: the first message is %q", ready, first)
		}
		message(t, messages, "READY=1")
		if a := f.exec("systemctl", "is-active", "multi-user.target"); a.code != 0 {
			t.Errorf("--notify-ready=%t: READY=1 while the system says %v", ready, a)
		}
		f.exec("systemctl", "poweroff")
		message(t, messages, "STOPPING=1")
		f.code(t)
	}
}

// TestReadOnlyTree: a system on a read-only tree has the machine id that it is told, and nothing is written to the tree.
func TestReadOnlyTree(t *testing.T) {
	require.Root(t)
	const id = "0123456789abcdef0123456789abcdef"
	c, root := newSystem(t, "trixie", false, func(s *specs.Spec) {
		s.Root.Readonly = true
		s.Mounts = append(s.Mounts, specs.Mount{Destination: "/var", Type: "tmpfs", Source: "tmpfs"})
		s.Annotations = map[string]string{"io.gspawn.machine-id": id}
	})
	if err := os.WriteFile(root+"/etc/machine-id", nil, 0o444); err != nil {
		t.Fatal(err)
	}
	upper := filepath.Join(filepath.Dir(root), "upper")
	before := contents(t, upper)
	f := foregroundOf(t, c)
	f.up(t, "trixie")
	if a := f.exec("cat", "/etc/machine-id"); a.out != id {
		t.Errorf("the machine id is %v", a)
	}
	if a := f.exec("touch", "/etc/x"); a.code == 0 {
		t.Error("the tree can be written to")
	}
	f.exec("systemctl", "poweroff")
	if code := f.code(t); code != 0 {
		t.Errorf("exit code %d: %s", code, f.out.String())
	}
	if after := contents(t, upper); after != before {
		t.Errorf("written to the tree: before\n%safter\n%s", before, after)
	}
}

// contents lists a tree with the times of its files.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			b.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
