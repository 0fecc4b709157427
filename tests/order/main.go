//go:build amd64

// Command order lists the functions that the commands of the runtime call, for the linker of internal/shortlived. It must
// leave no container behind; it imports tests/fixtures and tests/require.
//
//	order PROGRAM FILE
//
// runs PROGRAM, which has to have symbols, with a breakpoint on every function, and writes FILE: names in the order of the
// first calls, the short commands before the long ones. Needs root and busybox.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

const id, cgroup = "order", "/gspawn-test/order"

func main() {
	runtime.LockOSThread()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "order:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("the arguments are the program and the file to write")
	}
	program, file := args[0], args[1]
	t, err := newTracer(program)
	if err != nil {
		return err
	}
	if err := t.all(); err != nil {
		return err
	}
	t.record(entered...)
	if !require.IsCgroupV2() { // with cgroup v2, which more machines have, first
		v2 := fixtures.CgroupV2Command(os.Args[0], program, file)
		v2.Stderr = os.Stderr
		if err := v2.Run(); err != nil {
			return fmt.Errorf("with cgroup v2: %w", err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		here := t.called
		t.called, t.seen = nil, map[string]bool{}
		t.record(strings.Split(strings.TrimSpace(string(text)), "\n")...)
		t.record(here...)
	}
	return os.WriteFile(file, []byte(strings.Join(t.called, "\n")+"\n"), 0o644)
}

// session is what all commands are run with.
type session struct {
	*tracer
	work, plain, podman string
}

// all traces the commands.
func (t *tracer) all() (err error) {
	work, err := os.MkdirTemp("", "gspawn-order-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	s := session{tracer: t, work: work}
	if err := s.bundles(); err != nil {
		return err
	}
	defer func() { _ = s.untraced("delete", "--force", id) }()
	for _, step := range []func() error{s.small, s.small, s.large} { // twice, for what depends on the moment
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// small are the commands on a container that is there.
func (s *session) small() error {
	create, start := []string{"create", "--bundle", s.podman, id}, []string{"start", id}
	return errors.Join(s.untraced(create...),
		s.traced("list"),
		s.traced("state", id),
		s.traced(start...),
		s.traced("kill", id, "KILL"),
		s.stopped(),
		s.traced("delete", id),
		s.untraced(create...),
		s.traced("delete", "--force", id),
		s.untraced(create...),
		s.untraced(start...),
		s.traced("exec", id, "/bin/true"),
		s.untraced("delete", "--force", id))
}

// large are those that make one.
func (s *session) large() error {
	return errors.Join(
		s.traced("create", "--bundle", s.plain, id),
		s.untraced("delete", "--force", id),
		s.traced("run", "--bundle", s.plain, id),
		s.traced("--log", s.work+"/log", "--log-format", "json", "create", "--pid-file", s.work+"/pid", "--bundle", s.podman, id), // as engines do
		s.untraced("delete", "--force", id),
		s.traced("run", "--detach", "--bundle", s.podman, id),
		s.untraced("delete", "--force", id))
}

// stopped waits for the container's end.
func (s *session) stopped() error {
	const patience = 10 * time.Second
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if out, err := s.command("state", id).Output(); err != nil || strings.Contains(string(out), `"stopped"`) {
			return err
		}
	}
	return fmt.Errorf("%s has not stopped in %v", id, patience)
}

func (s *session) arguments(args []string) []string {
	return append([]string{"--root", filepath.Join(s.work, "state")}, args...)
}

func (s *session) traced(args ...string) error { return s.trace(s.arguments(args)...) }

func (s *session) command(args ...string) *exec.Cmd {
	return exec.Command(s.program, s.arguments(args)...)
}

func (s *session) untraced(args ...string) error {
	cmd := s.command(args...)
	cmd.Stderr = os.Stderr // a file: the container's process keeps it
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%v: %w", cmd, err)
	}
	return nil
}

// bundles writes one whose process ends at once, and one as podman writes it, whose process stays.
func (s *session) bundles() error {
	rootfs := filepath.Join(s.work, "rootfs")
	if err := fixtures.WriteRootfs(rootfs); err != nil {
		return err
	}
	plain := fixtures.DefaultSpec()
	plain.Linux.Namespaces = append(plain.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})
	var err error
	if s.plain, err = s.bundle("plain", rootfs, plain); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(fixtures.RepoRoot(), "tests/bench/testdata/podman.json"))
	if err != nil {
		return err
	}
	files := filepath.Join(s.work, "podman/files")
	if err := os.MkdirAll(filepath.Join(files, "shm"), 0o755); err != nil {
		return err
	}
	for _, name := range []string{"hostname", "hosts", ".containerenv"} {
		if err := os.WriteFile(filepath.Join(files, name), nil, 0o644); err != nil {
			return err
		}
	}
	var podman specs.Spec
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "@BUNDLE@", filepath.Dir(files))), &podman); err != nil {
		return err
	}
	podman.Process.Args = []string{"/bin/sleep", "1000"}
	s.podman, err = s.bundle("podman", rootfs, &podman)
	return err
}

func (s *session) bundle(name, rootfs string, config *specs.Spec) (string, error) {
	config.Root.Path, config.Linux.CgroupsPath = rootfs, cgroup
	text, err := json.Marshal(config)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(s.work, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "config.json"), text, 0o644)
}
