//go:build linux

package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"unsafe"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/seccomp/notify"
)

// The whole way of a notification: profile, filter, listener, agent, answer.
func TestNotifyEndToEnd(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs CAP_SYS_ADMIN to load a filter without no_new_privs")
	}
	needCompiler(t)
	sock, dir := t.TempDir()+"/agent.sock", t.TempDir()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock, Net: "unix"})
	must(t, err)
	defer l.Close()
	agent := make(chan error, 1)
	go func() { agent <- answerOne(l, 77) }()

	profile, err := json.Marshal(specs.LinuxSeccomp{
		DefaultAction: specs.ActAllow, ListenerPath: sock, ListenerMetadata: "m",
		Flags:    []specs.LinuxSeccompFlag{specs.LinuxSeccompFlagWaitKillableRecv},
		Syscalls: []specs.LinuxSyscall{{Names: []string{"mkdirat"}, Action: specs.ActNotify}},
	})
	must(t, err)
	p, err := Load(profile, Dir(dir))
	must(t, err)
	result := make(chan error, 1)
	go func() { result <- mkdirUnder(&p, dir+"/sub") }() // its thread ends with the goroutine
	if err := <-result; !errors.Is(err, unix.Errno(77)) {
		t.Errorf("mkdirat under the filter: %v, want the agent's errno 77", err)
	}
	if err := <-agent; err != nil {
		t.Errorf("agent: %v", err)
	}
	if _, err := os.Stat(dir + "/sub"); err == nil {
		t.Error("the call was made all the same")
	}
}

func mkdirUnder(p *Program, path string) error {
	runtime.LockOSThread()
	prog := struct {
		n    uint16
		insn unsafe.Pointer
	}{uint16(len(p.BPF) / 8), unsafe.Pointer(&p.BPF[0])}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, uintptr(p.Flags), uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("load filter: %w", errno)
	}
	defer unix.Close(int(fd))
	state := notify.State(specs.State{ID: "c"}, unix.Gettid(), p.ListenerMetadata)
	if err := notify.Send(p.ListenerPath, int(fd), state); err != nil {
		return err
	}
	return unix.Mkdirat(unix.AT_FDCWD, path, 0o700)
}

// answerOne takes a listener from one connection and answers one notification.
func answerOne(l *net.UnixListener, errno int32) error {
	c, err := l.AcceptUnix()
	if err != nil {
		return err
	}
	defer c.Close()
	buf, oob := make([]byte, 4096), make([]byte, 64)
	n, oobn, _, _, err := c.ReadMsgUnix(buf, oob)
	if err != nil {
		return err
	}
	var state specs.ContainerProcessState
	if err := json.Unmarshal(buf[:n], &state); err != nil {
		return err
	}
	if state.Metadata != "m" {
		return fmt.Errorf("message %s", buf[:n])
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(msgs) != 1 {
		return fmt.Errorf("control messages %v, %w", msgs, err)
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil {
		return err
	}
	defer unix.Close(fds[0])
	var req struct { // struct seccomp_notif
		id   uint64
		rest [72]byte
	}
	var resp struct { // struct seccomp_notif_resp
		id    uint64
		val   int64
		error int32
		flags uint32
	}
	if err := ioctl(fds[0], 0xc0502100, unsafe.Pointer(&req)); err != nil { // SECCOMP_IOCTL_NOTIF_RECV
		return fmt.Errorf("receive: %w", err)
	}
	resp.id, resp.error = req.id, -errno
	return ioctl(fds[0], 0xc0182101, unsafe.Pointer(&resp)) // SECCOMP_IOCTL_NOTIF_SEND
}

func ioctl(fd int, req uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
