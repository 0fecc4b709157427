package hooks

import (
	"errors"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// TestStop is a hook that hangs, and the next, that must not begin; a signal which is none of the reasons to stop
// wakes the wait up for nothing.
func TestStop(t *testing.T) {
	fd, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	wake := func() { _, _ = unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }
	asked := make(chan unix.Signal, 1)
	stop := &Stop{FD: fd, Signal: func() unix.Signal {
		select {
		case s := <-asked:
			return s
		default:
			return 0
		}
	}}
	o := newOut(t)
	go func() {
		wake()
		time.Sleep(100 * time.Millisecond)
		asked <- unix.SIGTERM
		wake()
	}()
	begun := time.Now()
	err = Run(CreateRuntime, []specs.Hook{sh("echo begun >" + o.path + "; sleep 60"), sh("echo second >" + o.path)}, nil, nil, stop)
	if !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), `hook #0 "/bin/sh": stopped by a signal to this command: terminated`) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	o.want("begun")
	asked <- unix.SIGINT // before it begins
	if err := Run(CreateRuntime, []specs.Hook{sh("echo third >" + o.path)}, nil, nil, stop); !errors.Is(err, ErrStopped) {
		t.Errorf("got %v", err)
	}
	o.want("begun")
	if err := Run(CreateRuntime, []specs.Hook{sh("echo fourth >" + o.path)}, nil, nil, stop); err != nil {
		t.Error(err)
	}
	o.want("fourth")
}
