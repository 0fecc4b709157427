// Package relay passes signals on to another process, from the kernel's handler
// directly: a handler of a few instructions sends what arrives to a pidfd.
//
// os/signal would need two changes of thread for each of the 60 signals as it
// is asked to catch them all, and as many to stop, some 300 in a run.
//
// It must never touch the handlers that the Go runtime lives by (the faults,
// SIGURG, SIGPROF), and takes the place of os/signal until Release. It may import
// golang.org/x/sys/unix only.
package relay

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

var (
	// target is the pidfd that handler sends to; while it is -1, what arrives is kept in held.
	target int32 = -1
	// held has a bit for each signal, the lowest for 1.
	held uint64
	// wake is an eventfd that handler adds one to when it has kept a signal; -1 is none.
	wake int32  = -1
	one  uint64 = 1 //nolint:unused // the handler writes it to wake
	// caught has a bit for each signal whose handler is ours, before what was there before.
	caught uint64
	before [65]action
)

func bit(s unix.Signal) uint64 { return 1 << (s - 1) }

// handlerText is the address of the handler, restorerText of what it returns
// to (0 where the kernel has it). A Go function value would point at an ABI
// wrapper, which needs a goroutine.
func handlerText() uintptr
func restorerText() uintptr

// action is the kernel's struct sigaction, rt_sigaction(2).
type action struct {
	handler, flags, restorer uintptr
	mask                     uint64
}

const (
	saOnStack  = 0x08000000 // on the stack that the Go runtime gave the thread
	saRestart  = 0x10000000
	saRestorer = 0x04000000

	sigIgn = 1
)

// Start sends every signal that arrives from now on, and those that Hold kept,
// to the process behind pidfd, but for those that are about this process alone.
// What cannot be delivered, as the process has ended, is dropped.
func Start(pidfd int) error {
	if err := Hold(); err != nil {
		return err
	}
	atomic.StoreInt32(&target, int32(pidfd))
	for _, s := range Held() {
		_ = unix.PidfdSendSignal(pidfd, s, nil, 0)
	}
	return nil
}

// Held are the signals that have arrived and went nowhere. Each is told once.
func Held() (list []unix.Signal) {
	for set := atomic.SwapUint64(&held, 0); set != 0; set &= set - 1 {
		list = append(list, unix.Signal(bits.TrailingZeros64(set)+1))
	}
	return list
}

// Hold keeps what arrives from now on for Start, Held or Take: a process that
// makes another is not to end halfway, with nobody to clean up. It does so for
// the signals given, or for all that are passed on, and nothing for those that
// it holds already.
func Hold(list ...unix.Signal) error {
	if len(list) == 0 {
		for s := unix.Signal(1); s <= 64; s++ {
			list = append(list, s)
		}
	}
	a := action{handler: handlerText(), flags: saOnStack | saRestart, restorer: restorerText(), mask: ^uint64(0)}
	if a.restorer != 0 {
		a.flags |= saRestorer
	}
	for _, s := range list {
		if !Passes(s) || caught&bit(s) != 0 {
			continue
		}
		if errno := sigaction(s, &a, &before[s]); errno != 0 {
			return fmt.Errorf("catch signal %d: %w", s, errno)
		}
		caught |= bit(s)
	}
	return nil
}

// Holding tells whether there are signals that Hold keeps or Start passes on.
func Holding() bool { return caught != 0 }

// Wake gives a descriptor that becomes readable when a signal has been kept. It
// is made by the first call and never closed: a handler may be about to write to
// it on another thread.
func Wake() (int, error) {
	if fd := atomic.LoadInt32(&wake); fd >= 0 {
		return int(fd), nil
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return -1, fmt.Errorf("make an eventfd: %w", err)
	}
	atomic.StoreInt32(&wake, int32(fd))
	return fd, nil
}

// Take is one of these signals that has been kept, which then is forgotten; 0 if
// there is none. What the process ignored before it was held does not count:
// nohup(1) means it.
func Take(list ...unix.Signal) unix.Signal {
	for _, s := range list {
		if before[s].handler != sigIgn && atomic.AndUint64(&held, ^bit(s))&bit(s) != 0 {
			return s
		}
	}
	return 0
}

// Release gives all signals back whose handler is still ours, and so to os/signal
// what that was asked for before: the Go runtime had handlers for most of them
// already, and does not set those again. Hold may follow.
func Release() {
	for ; caught != 0; caught &= caught - 1 {
		s := unix.Signal(bits.TrailingZeros64(caught) + 1)
		var now action
		if sigaction(s, nil, &now) == 0 && now.handler == handlerText() {
			sigaction(s, &before[s], nil)
		}
	}
}

// sigaction is rt_sigaction(2). It cannot fail but for a signal that there is not.
func sigaction(s unix.Signal, set, old *action) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	return errno
}

// Stop swallows what arrives from now on; the caller is about to end, and to
// clean up before it does. Call it before the pidfd is closed.
func Stop() { atomic.StoreInt32(&target, -1) }

// Passes tells whether a signal is passed on.
func Passes(s unix.Signal) bool {
	switch s {
	case unix.SIGKILL, unix.SIGSTOP: // cannot be caught
		return false
	case unix.SIGCHLD, unix.SIGPIPE: // about our children and our output
		return false
	case unix.SIGURG, unix.SIGPROF, 32, 33, 34: // of the Go runtime and C libraries
		return false
	case unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS: // our own mistakes
		return false
	}
	return true
}
