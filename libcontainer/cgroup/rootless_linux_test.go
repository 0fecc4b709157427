package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

const rootlessEnv = "GSPAWN_TEST_CGROUP_ROOTLESS"

// TestRootless runs TestRootlessCreate as a user who may write in no cgroup.
func TestRootless(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to become another user")
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	// The test binary lies in a directory that only root enters.
	dir, err := os.MkdirTemp("/tmp", "gspawn-rootless") //nolint:usetesting // another user must be able to enter it and what is above
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(dir+"/test", self, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(dir+"/test", "-test.v", "-test.run=^TestRootlessCreate$")
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), rootlessEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS: TestRootlessCreate") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestRootlessCreate(t *testing.T) {
	if os.Getenv(rootlessEnv) == "" {
		t.Skip("is run by TestRootless")
	}
	limited := &specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{{Pagesize: "2MB", Limit: 2 << 20}}}
	if Mode() != Unified {
		limited = &specs.LinuxResources{Pids: &specs.LinuxPids{Limit: ptr(int64(5))}}
	}
	tests := []struct {
		name, path string
		res        *specs.LinuxResources
		denied     bool
	}{
		{name: "nothing asked"},
		{name: "limit asked", res: limited, denied: true},
		{name: "place asked", path: "/gspawn-test/rootless", denied: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			loc, err := Resolve(tt.path, "rootless", false, true)
			if err != nil {
				t.Fatal(err)
			}
			limits, err := Resources(Input{Resources: tt.res, Mode: Mode()})
			if err != nil {
				t.Fatal(err)
			}
			g, err := New(Config{Location: loc, Limits: limits})
			if err != nil {
				t.Fatal(err)
			}
			err = g.create()
			if tt.denied {
				if err == nil {
					t.Fatal("succeeded")
				}
				t.Log(err)
				if tt.path != "" && !errors.Is(err, fs.ErrPermission) {
					t.Errorf("error %v, want one of permission", err)
				}
				return
			}
			if err != nil || g.Join() != JoinNone {
				t.Errorf("create = %v, Join = %v; want no cgroup and no error", err, g.Join())
			}
			if s := g.Saved(); len(s.Paths) != 0 {
				t.Errorf("saved paths %v", s.Paths)
			}
		})
	}
}
