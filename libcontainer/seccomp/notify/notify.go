//go:build linux

// Package notify hands a container's seccomp listener to its agent, as the spec
// demands of listenerPath (config-linux.md, "The Container Process State").
//
// It never waits for the agent's answer to a system call, and imports nothing of
// the runtime. It uses plain socket calls: package net would be linked in the
// main binary for this alone.
package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// sendLimit is how long an agent may leave its queue full. The container is being
// created meanwhile, under its filter, and the engine waits. A variable for tests.
var sendLimit = 10 * time.Second

// State returns the message for a container: the names of the descriptors sent
// with it are the spec's one, seccompFd. pid is the process under the filter, as
// the runtime sees it.
func State(st specs.State, pid int, metadata string) specs.ContainerProcessState {
	return specs.ContainerProcessState{
		Version:  specs.Version,
		Fds:      []string{specs.SeccompFdName},
		Pid:      pid,
		Metadata: metadata,
		State:    st,
	}
}

// Send connects to the unix socket listenerPath, a stream, sends the JSON of state
// with the descriptor fd attached (SCM_RIGHTS), and closes the connection. fd stays
// the caller's, who must close it: while anybody else holds the listener, the
// container waits for a dead agent instead of getting ENOSYS.
func Send(listenerPath string, fd int, state specs.ContainerProcessState) error {
	if listenerPath == "" {
		return errors.New("linux.seccomp.listenerPath: must be set for SCMP_ACT_NOTIFY")
	}
	msg, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("linux.seccomp.listenerPath: encode the container process state: %w", err)
	}
	sock, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("linux.seccomp.listenerPath: make a socket: %w", err)
	}
	defer unix.Close(sock)
	deadline := time.Now().Add(sendLimit)
	// Limits each connect and send, socket(7).
	limit := unix.NsecToTimeval(sendLimit.Nanoseconds())
	if err := unix.SetsockoptTimeval(sock, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		return fmt.Errorf("linux.seccomp.listenerPath: limit the time to send: %w", err)
	}
	if err := retry(func() error { return unix.Connect(sock, &unix.SockaddrUnix{Name: listenerPath}) }); err != nil {
		return fmt.Errorf("linux.seccomp.listenerPath %q: connect to the seccomp agent: %w", listenerPath, err)
	}
	if err := sendAll(sock, msg, unix.UnixRights(fd), deadline); err != nil {
		return fmt.Errorf("linux.seccomp.listenerPath %q: send the listener to the seccomp agent: %w", listenerPath, err)
	}
	return nil
}

// sendAll sends msg, the rights with its first byte.
func sendAll(sock int, msg, rights []byte, deadline time.Time) error {
	for len(msg) > 0 {
		var n int
		err := retry(func() (err error) {
			n, err = unix.SendmsgN(sock, msg, rights, nil, unix.MSG_NOSIGNAL)
			return err
		})
		if err == nil && n < len(msg) && time.Now().After(deadline) {
			err = unix.EAGAIN // a part went out just as the time was over
		}
		if errors.Is(err, unix.EAGAIN) {
			return fmt.Errorf("the agent read nothing for %v: %w", sendLimit, err)
		}
		if err != nil {
			return err
		}
		msg, rights = msg[n:], nil
	}
	return nil
}

// retry repeats a call that a signal interrupted; Go's own preemption sends some.
func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
