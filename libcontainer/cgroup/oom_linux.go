package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// OOM reports the cgroup's out-of-memory kills until Close, or until the cgroup is gone.
type OOM struct {
	// C gets a value for each report of the kernel, and is closed at the end. A report
	// nobody waits for is dropped: one says that memory ran out, not how often.
	C <-chan struct{}

	file *os.File
}

// OOMEvents starts to listen: an eventfd on v1, inotify on memory.events on v2.
func (g *Group) OOMEvents() (*OOM, error) {
	if err := g.needCgroup("watch memory of"); err != nil {
		return nil, err
	}
	if g.mode == Unified {
		return g.oomV2()
	}
	return g.oomV1()
}

// Close stops listening and closes C.
func (o *OOM) Close() error { return o.file.Close() }

func (g *Group) oomV1() (*OOM, error) {
	dir := g.mgr.Path("memory")
	if dir == "" {
		return nil, fmt.Errorf("watch memory of cgroup %q: %w: no memory controller", g.loc, errors.ErrUnsupported)
	}
	ctl, err := cgroups.OpenFile(dir, "memory.oom_control", os.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("watch memory of cgroup %q: %w", g.loc, err)
	}
	defer ctl.Close() // the kernel keeps its own reference
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch memory of cgroup %q: eventfd: %w", g.loc, err)
	}
	events := os.NewFile(uintptr(fd), "oom eventfd")
	line := strconv.Itoa(fd) + " " + strconv.Itoa(int(ctl.Fd()))
	if err := cgroups.WriteFile(dir, "cgroup.event_control", line); err != nil {
		events.Close()
		return nil, fmt.Errorf("watch memory of cgroup %q: %w", g.loc, err)
	}
	return listen(events, func(int) (report, end bool) {
		// The kernel signals once more when the cgroup is removed.
		if _, err := os.Lstat(filepath.Join(dir, "cgroup.event_control")); err != nil {
			return false, true
		}
		return true, false
	}), nil
}

func (g *Group) oomV2() (*OOM, error) {
	dir := g.mgr.Path("")
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch memory of cgroup %q: inotify: %w", g.loc, err)
	}
	events := os.NewFile(uintptr(fd), "oom inotify")
	for _, file := range []string{"memory.events", "cgroup.events"} {
		if _, err := unix.InotifyAddWatch(fd, filepath.Join(dir, file), unix.IN_MODIFY); err != nil {
			events.Close()
			return nil, fmt.Errorf("watch memory of cgroup %q: %w", g.loc, &os.PathError{Op: "inotify", Path: file, Err: err})
		}
	}
	last := readKey(dir, "memory.events", "oom_kill")
	return listen(events, func(int) (report, end bool) {
		// Both files change together in no order; the counter and "populated" decide.
		now := readKey(dir, "memory.events", "oom_kill")
		report, last = now > last, max(now, last)
		return report, readKey(dir, "cgroup.events", "populated") <= 0
	}), nil
}

// readKey reads a number of a flat keyed cgroup file, -1 when it is not there.
func readKey(dir, file, key string) int64 {
	text, err := cgroups.ReadFile(dir, file)
	if err != nil {
		return -1
	}
	for line := range strings.SplitSeq(text, "\n") {
		if v, ok := strings.CutPrefix(line, key+" "); ok {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return n
			}
		}
	}
	return -1
}

// listen reads from a descriptor until it is closed, and asks what each read meant.
func listen(events *os.File, judge func(n int) (report, end bool)) *OOM {
	c := make(chan struct{}, 1)
	go func() {
		defer close(c)
		buf := make([]byte, 4096)
		for {
			n, err := events.Read(buf)
			if err != nil {
				return
			}
			report, end := judge(n)
			if report {
				select {
				case c <- struct{}{}:
				default:
				}
			}
			if end {
				events.Close()
				return
			}
		}
	}()
	return &OOM{C: c, file: events}
}

// OOMKills is how often the kernel killed a process of this cgroup for lack of memory, 0
// when it cannot be read.
func (g *Group) OOMKills() uint64 {
	if g.none {
		return 0
	}
	n, err := g.mgr.OOMKillCount()
	if err != nil {
		return 0
	}
	return n
}
