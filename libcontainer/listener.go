package libcontainer

import (
	"errors"
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp/notify"
	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// sendListener fetches the seccomp listener from the process that has it as
// descriptor fd, and sends it to the agent. The process may not be able to do
// so itself: its filter is in force.
func sendListener(f *seccomp.Program, s *specs.Spec, c *state.Container, pid, fd int) error {
	if f.ListenerPath == "" {
		return errors.New("linux.seccomp.listenerPath: must be set when an action is SCMP_ACT_NOTIFY")
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("fetch the seccomp listener: %w", err)
	}
	defer unix.Close(pidfd)
	listener, err := unix.PidfdGetfd(pidfd, fd, 0)
	if err != nil {
		return fmt.Errorf("fetch the seccomp listener: %w", err)
	}
	defer unix.Close(listener)
	return notify.Send(f.ListenerPath, listener, notify.State(specs.State{
		Version: s.Version, ID: c.ID, Status: specs.StateCreating, Pid: pid, Bundle: c.Bundle, Annotations: s.Annotations,
	}, pid, f.ListenerMetadata))
}
