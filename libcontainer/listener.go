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

// processState is what hooks and agents are told of the container whose init
// has the process ID init.
func processState(s *specs.Spec, c *state.Container, status specs.ContainerState, init int) specs.State {
	return specs.State{
		Version: s.Version, ID: c.ID, Status: status, Pid: init, Bundle: c.Bundle, Annotations: s.Annotations,
	}
}

// sendListener is fetchListener for a child of ours. It need not be the container's
// init.
func sendListener(f *seccomp.Program, container specs.State, pid, fd int) error {
	return fetchListener(f, container, pid, childOpener(pid), fd)
}

// fetchListener fetches the seccomp listener from the process that has it as
// descriptor fd, and sends it to the agent. The process may not be able to do
// so itself: its filter is in force.
func fetchListener(f *seccomp.Program, container specs.State, pid int, open opener, fd int) error {
	if f.ListenerPath == "" {
		return errors.New("linux.seccomp.listenerPath: must be set when an action is SCMP_ACT_NOTIFY")
	}
	pidfd, err := open()
	if err != nil {
		return fmt.Errorf("fetch the seccomp listener: %w", err)
	}
	defer unix.Close(pidfd)
	listener, err := unix.PidfdGetfd(pidfd, fd, 0)
	if err != nil {
		return fmt.Errorf("fetch the seccomp listener: %w", err)
	}
	defer unix.Close(listener)
	return notify.Send(f.ListenerPath, listener, notify.State(container, pid, f.ListenerMetadata))
}
