package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// createdMemory reads how much a created container, waiting for `start`, keeps resident: the rows "created" (Rss)
// and "created-pss" (its share of pages that others have mapped too; proc(5), smaps_rollup).
func createdMemory(d *results) {
	if !d.wants("created") {
		return
	}
	fmt.Println("resident memory of a created container")
	rss := d.add("created", "resident memory of a created container (Rss)", "kB")
	pss := d.add("created-pss", "… its proportional share (Pss)", "kB")
	for _, r := range d.Setup.Runtimes {
		if r.Name == floorName {
			continue
		}
		if err := createdOnce(d, r, rss, pss); err != nil {
			rss.fail(r, err)
		}
	}
}

func createdOnce(d *results, r runtime, rss, pss *caseResult) error {
	work, id, root := d.Setup.Work, "bench-created", rootFor(d.Setup.Work, "created", r)
	bundle, err := writeBundle(work, "created-"+r.Name, defaultSpec("/gspawn-test/bench-created-"+r.Name))
	if err != nil {
		return err
	}
	defer func() { _ = quiet(work, r.argv(root, "delete", "--force", id)) }()
	pidFile := filepath.Join(bundle, "pid")
	if err := quiet(work, r.argv(root, "create", "--bundle", bundle, "--pid-file", pidFile, id)); err != nil {
		return err
	}
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		return err
	}
	rollup, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/smaps_rollup")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(rollup)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "Rss: %f kB", &kb); err == nil {
			rss.Values[r.Name] = []float64{kb}
		} else if _, err := fmt.Sscanf(line, "Pss: %f kB", &kb); err == nil {
			pss.Values[r.Name] = []float64{kb}
		}
	}
	return nil
}

const (
	limitTop   = 64 << 20 // bytes; a runtime that cannot start true with this has another trouble
	limitStep  = 4 << 10  // the kernel counts pages
	limitTries = 3        // a limit counts when so many starts in a row succeed
)

// limitPhase searches the smallest memory limit (linux.resources.memory.limit) under which a static true runs.
func limitPhase(d *results) {
	if !d.wants("limit") {
		return
	}
	fmt.Println("smallest memory limit")
	c := d.add("limit", "smallest memory limit in which true starts", "kB")
	if _, err := os.Stat(cgroupMount + "/memory"); err == nil {
		c.Note = "on cgroup v1 (the memory controller of this machine is there)"
	}
	for _, r := range d.Setup.Runtimes {
		if r.Name == floorName {
			continue
		}
		if kb, err := smallestLimit(d.Setup.Work, r); err != nil {
			c.fail(r, err)
		} else {
			c.Values[r.Name] = []float64{kb}
		}
	}
}

// smallestLimit is a binary search, in kilobytes.
func smallestLimit(work string, r runtime) (float64, error) {
	if err := startsWithin(work, r, limitTop); err != nil {
		return 0, err
	}
	fails, works := 0, limitTop/limitStep
	for works-fails > 1 {
		middle := (fails + works) / 2
		if startsWithin(work, r, int64(middle)*limitStep) == nil {
			works = middle
		} else {
			fails = middle
		}
	}
	return float64(works) * limitStep / 1024, nil
}

func startsWithin(work string, r runtime, limit int64) error {
	id, root := "bench-limit", rootFor(work, "limit", r)
	s := defaultSpec("/gspawn-test/bench-limit-" + r.Name)
	s.Linux.Resources.Memory = memoryLimit(limit)
	bundle, err := writeBundle(work, "limit-"+r.Name, s)
	if err != nil {
		return err
	}
	for range limitTries {
		err := quiet(work, r.argv(root, "run", "--bundle", bundle, id))
		if err != nil {
			_ = quiet(work, r.argv(root, "delete", "--force", id))
			return err
		}
	}
	return nil
}
