//go:build boot

package boot

import (
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
)

// systemCaps are the capabilities that systemd-nspawn leaves a system by default.
var systemCaps = []string{
	"CAP_AUDIT_CONTROL", "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
	"CAP_IPC_OWNER", "CAP_KILL", "CAP_LEASE", "CAP_LINUX_IMMUTABLE", "CAP_MKNOD", "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_ADMIN",
	"CAP_SYS_BOOT", "CAP_SYS_CHROOT", "CAP_SYS_NICE", "CAP_SYS_PTRACE", "CAP_SYS_TTY_CONFIG",
}

// system is a bundle of a system: what a person would write, and the rest is boot mode's to add.
func system(root string, users bool) func(*specs.Spec) {
	return func(s *specs.Spec) {
		s.Root.Path = root
		s.Process.Args = []string{"/sbin/init"}
		s.Process.NoNewPrivileges = false
		s.Process.Rlimits = nil
		s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: systemCaps, Effective: systemCaps, Permitted: systemCaps}
		s.Hostname = "booted"
		if users {
			fixtures.WithUserNamespace(userBase, 65536)(s)
		}
	}
}

func newSystem(t *testing.T, tree string, users bool, changes ...func(*specs.Spec)) (*fixtures.Container, string) {
	t.Helper()
	root := writable(t, tree, users)
	return fixtures.New(t, append([]func(*specs.Spec){system(root, users)}, changes...)...), root
}
