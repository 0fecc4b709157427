package console

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be the program that hangs up its terminal.
func TestMain(m *testing.M) {
	if os.Getenv("CONSOLE_TEST_HANGUP") != "" {
		if _, _, errno := unix.Syscall(unix.SYS_VHANGUP, 0, 0, 0); errno != 0 {
			os.Exit(int(errno))
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// hangUp runs a session leader whose controlling terminal is f and which calls
// vhangup(2). It dies of its own hangup, or exits with 0.
func hangUp(t *testing.T, f *os.File) int {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("vhangup needs CAP_SYS_TTY_CONFIG")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CONSOLE_TEST_HANGUP=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err := cmd.Run()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if err != nil && (!status.Signaled() || status.Signal() != syscall.SIGHUP) {
		t.Fatalf("hang up: %v", err)
	}
	return cmd.Process.Pid
}
