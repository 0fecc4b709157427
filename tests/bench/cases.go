package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	phaseTime  = "time"
	phaseLimit = "limit"
)

// cgroupMount is where the time phase has cgroup v2.
const cgroupMount = "/sys/fs/cgroup"

// quietPause lets the kernel take down what the last container leaves (network namespaces are freed by a work queue).
const quietPause = 10 * time.Millisecond

// measure runs a case once. A prepare returns nil for a runtime that the case is not for.
type (
	measure func(round int) (sample, error)
	prepare func(r runtime) (once measure, done func(), err error)
)

// timePhase runs all cases that measure time, and the resident memory of a created container.
func timePhase(d *results) error {
	if err := os.MkdirAll(cgroupMount+"/gspawn-test", 0o755); err != nil {
		return err
	}
	work, rounds := d.Setup.Work, d.Setup.Rounds
	d.timed("run", "`run` of true, default spec", rounds, func(r runtime) (measure, func(), error) { return prepareRun(d, r) })
	d.timed("podman-warm", "`run`, podman's config and seccomp, warm cache", rounds, func(r runtime) (measure, func(), error) {
		return preparePodman(work, r, false)
	})
	d.timed("podman-cold", "`run`, podman's config and seccomp, cold cache", rounds, func(r runtime) (measure, func(), error) {
		return preparePodman(work, r, true)
	})
	d.timed("create-start-delete", "`create` + `start` + `delete`", rounds, func(r runtime) (measure, func(), error) {
		return prepareLifecycle(d, r)
	})
	d.timed("exec", "`exec` of true", rounds, func(r runtime) (measure, func(), error) { return prepareInside(d, r, "exec", "/bin/true") })
	d.timed("state", "`state`", rounds, func(r runtime) (measure, func(), error) { return prepareInside(d, r, "state") })
	d.timed("list", fmt.Sprintf("`list` of %d containers", d.Setup.Listed), min(rounds, 7), func(r runtime) (measure, func(), error) {
		return prepareList(d, r)
	})
	d.timed("burst", fmt.Sprintf("%d × `run --detach` at once", d.Setup.Burst), min(rounds, 3), func(r runtime) (measure, func(), error) {
		return prepareBurst(d, r)
	})
	createdMemory(d)
	return nil
}

// timed runs a case: a first round that does not count, then rounds in which each runtime runs once, the first one
// another each time.
func (d *results) timed(name, title string, rounds int, prep prepare) {
	if !d.wants(name) {
		return
	}
	fmt.Printf("%s\n", title)
	c := d.add(name, title, "ms")
	type entrant struct {
		r    runtime
		once measure
	}
	var entrants []entrant
	for _, r := range d.Setup.Runtimes {
		once, done, err := prep(r)
		if done != nil {
			defer done()
		}
		if err != nil {
			c.fail(r, err)
		} else if once != nil {
			entrants = append(entrants, entrant{r, once})
		}
	}
	for round := -1; round < rounds; round++ {
		for i := range entrants {
			e := entrants[(i+round+len(entrants))%len(entrants)]
			if c.Failed[e.r.Name] != "" {
				continue
			}
			time.Sleep(quietPause)
			s, err := e.once(round + 1)
			if err != nil {
				c.fail(e.r, err)
			} else if round >= 0 {
				c.Values[e.r.Name] = append(c.Values[e.r.Name], float64(s.Nanoseconds)/1e6)
			}
		}
	}
}

func rootFor(work, name string, r runtime) string {
	return filepath.Join(work, "root", name+"-"+r.Name)
}

func prepareRun(d *results, r runtime) (measure, func(), error) {
	work, cgroup := d.Setup.Work, "/gspawn-test/bench-run-"+r.Name
	if r.Name == floorName {
		floor := append(append([]string{}, r.Command...), filepath.Join(work, "rootfs"), cgroupMount+cgroup, "/bin/true")
		return func(int) (sample, error) { return spawn(work, floor) }, nil, nil
	}
	bundle, err := writeBundle(work, "run-"+r.Name, defaultSpec(cgroup))
	if err != nil {
		return nil, nil, err
	}
	argv := r.argv(rootFor(work, "run", r), "run", "--bundle", bundle, "bench-run")
	return func(int) (sample, error) {
		s, err := spawn(work, argv)
		d.peak("run", r, s)
		return s, err
	}, nil, nil
}

// preparePodman: a cold cache is a state directory that was never used, which is where gspawn-oci and crun keep the
// profiles they have compiled; runc keeps none.
func preparePodman(work string, r runtime, cold bool) (measure, func(), error) {
	if r.Name == floorName {
		return nil, nil, nil
	}
	bundle, err := writePodmanBundle(work, "podman-"+r.Name, "/gspawn-test/bench-podman-"+r.Name)
	if err != nil {
		return nil, nil, err
	}
	return func(round int) (sample, error) {
		root := rootFor(work, "podman", r)
		if cold {
			root = rootFor(work, fmt.Sprintf("podman-%d", round), r)
		}
		return spawn(work, r.argv(root, "run", "--bundle", bundle, "bench-podman"))
	}, nil, nil
}

func prepareLifecycle(d *results, r runtime) (measure, func(), error) {
	if r.Name == floorName {
		return nil, nil, nil
	}
	work, id := d.Setup.Work, "bench-life"
	bundle, err := writeBundle(work, "life-"+r.Name, defaultSpec("/gspawn-test/bench-life-"+r.Name))
	if err != nil {
		return nil, nil, err
	}
	root := rootFor(work, "life", r)
	commands := [][]string{r.argv(root, "create", "--bundle", bundle, id), r.argv(root, "start", id), reap, r.argv(root, "delete", id)}
	return func(int) (sample, error) {
		all, err := spawnAll(work, false, commands...)
		var sum sample
		for i, s := range all {
			sum.Nanoseconds += s.Nanoseconds
			d.peak([]string{"create", "start", "delete"}[i], r, s)
		}
		return sum, err
	}, func() { _ = quiet(work, r.argv(root, "delete", "--force", id)) }, nil
}

// prepareInside measures a command on a running container: exec, state.
func prepareInside(d *results, r runtime, command string, after ...string) (measure, func(), error) {
	if r.Name == floorName {
		return nil, nil, nil
	}
	work, id, root := d.Setup.Work, "bench-"+command, rootFor(d.Setup.Work, command, r)
	bundle, err := writeBundle(work, command+"-"+r.Name, pauseSpec("/gspawn-test/bench-"+command+"-"+r.Name))
	if err != nil {
		return nil, nil, err
	}
	if err := quiet(work, r.argv(root, "run", "--detach", "--bundle", bundle, id)); err != nil {
		return nil, nil, err
	}
	argv := r.argv(root, append([]string{command, id}, after...)...)
	return func(int) (sample, error) {
		s, err := spawn(work, argv)
		d.peak(command, r, s)
		return s, err
	}, func() { _ = quiet(work, r.argv(root, "delete", "--force", id)) }, nil
}

// prepareBurst measures many containers started at once; removing them is not measured.
func prepareBurst(d *results, r runtime) (measure, func(), error) {
	if r.Name == floorName {
		return nil, nil, nil
	}
	work, root := d.Setup.Work, rootFor(d.Setup.Work, "burst", r)
	var start, remove [][]string
	for i := range d.Setup.Burst {
		id := fmt.Sprintf("bench-burst-%03d", i)
		bundle, err := writeBundle(work, "burst-"+id, pauseSpec("/gspawn-test/"+id))
		if err != nil {
			return nil, nil, err
		}
		start = append(start, r.argv(root, "run", "--detach", "--bundle", bundle, id))
		remove = append(remove, r.argv(root, "delete", "--force", id))
	}
	return func(int) (sample, error) {
		s, err := spawnAll(work, true, start...)
		_, removeErr := spawnAll(work, true, remove...)
		if err == nil {
			err = removeErr
		}
		if err != nil {
			return sample{}, err
		}
		return s[0], nil
	}, nil, nil
}
