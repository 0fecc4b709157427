//go:build amd64

package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const breakpoint = 0xcc // int3

// copied is run from a copy: a breakpoint would be copied too, to where nobody looks for it.
const copied = "interpreter"

// entered behind their first instruction: functions that the tracer does not see.
var entered = []string{"runtime.goexit", copied}

// tracer records which functions processes of a program call, in the order of the first calls.
type tracer struct {
	program string
	names   map[uint64][]string // of functions, by address
	first   map[uint64]byte     // what they begin with
	stopped map[int]bool        // the threads that have been seen
	called  []string
	seen    map[string]bool
}

func newTracer(program string) (*tracer, error) {
	program, err := filepath.EvalSymlinks(program)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	file, err := elf.Open(program)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	symbols, err := file.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: build it without -s", program, err)
	}
	text := file.Section(".text")
	code, err := text.Data()
	if err != nil {
		return nil, err
	}
	t := &tracer{
		program: program, names: map[uint64][]string{}, first: map[uint64]byte{}, stopped: map[int]bool{}, seen: map[string]bool{},
	}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Size > 0 && s.Name != copied && text.Addr <= s.Value && s.Value < text.Addr+text.Size {
			name, _, _ := strings.Cut(s.Name, ".abi") // the linker has one name for both calling conventions
			t.names[s.Value] = append(t.names[s.Value], name)
			t.first[s.Value] = code[s.Value-text.Addr]
		}
	}
	return t, nil
}

// trace runs the program and waits for it, following its threads and children up to where they execute something else. The
// goroutine has to keep its thread (ptrace(2)).
func (t *tracer) trace(args ...string) error {
	process, err := t.start(args)
	if err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WALL, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return err
		case status.Stopped():
			err = t.stop(pid, status)
		case pid == process && (!status.Exited() || status.ExitStatus() != 0):
			return fmt.Errorf("%s %s ended with status %#x", t.program, strings.Join(args, " "), int(status))
		case pid == process:
			return nil
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) { // killed while it was stopped
			return err
		}
	}
}

func (t *tracer) start(args []string) (pid int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	pid, err = syscall.ForkExec(t.program, append([]string{t.program}, args...), &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{null.Fd(), null.Fd(), 2}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		return 0, err
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WALL, nil); err != nil {
		return 0, err
	}
	const follow = syscall.PTRACE_O_TRACECLONE | syscall.PTRACE_O_TRACEFORK | syscall.PTRACE_O_TRACEVFORK | syscall.PTRACE_O_TRACEEXEC
	if err := syscall.PtraceSetOptions(pid, follow); err != nil {
		return 0, err
	}
	t.stopped[pid] = true
	if err := t.setBreakpoints(pid); err != nil {
		return 0, err
	}
	return pid, syscall.PtraceCont(pid, 0)
}

func (t *tracer) setBreakpoints(pid int) error {
	for address := range t.first {
		if _, err := syscall.PtracePokeText(pid, uintptr(address), []byte{breakpoint}); err != nil {
			return err
		}
	}
	return nil
}

// stop sees to a thread that stopped, and has it go on.
func (t *tracer) stop(pid int, status syscall.WaitStatus) error {
	known := t.stopped[pid]
	t.stopped[pid] = true
	switch signal := status.StopSignal(); {
	case signal == syscall.SIGSTOP && !known: // it is new
		return syscall.PtraceCont(pid, 0)
	case signal != syscall.SIGTRAP:
		return syscall.PtraceCont(pid, int(signal))
	}
	switch status.TrapCause() {
	case syscall.PTRACE_EVENT_EXEC:
		if program, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); program != t.program {
			return syscall.PtraceDetach(pid)
		}
		if err := t.setBreakpoints(pid); err != nil {
			return err
		}
	case 0:
		if err := t.call(pid); err != nil {
			return err
		}
	}
	return syscall.PtraceCont(pid, 0)
}

// call records a first call, and takes the breakpoint away. Another thread may have done that meanwhile.
func (t *tracer) call(pid int) error {
	var registers syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(pid, &registers); err != nil {
		return err
	}
	address := registers.Rip - 1
	first, ok := t.first[address]
	if !ok {
		return nil
	}
	t.record(t.names[address]...)
	if _, err := syscall.PtracePokeText(pid, uintptr(address), []byte{first}); err != nil {
		return err
	}
	registers.Rip = address
	return syscall.PtraceSetRegs(pid, &registers)
}

func (t *tracer) record(names ...string) {
	for _, name := range names {
		if !t.seen[name] {
			t.seen[name] = true
			t.called = append(t.called, name)
		}
	}
}
