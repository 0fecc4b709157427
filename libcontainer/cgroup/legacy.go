package cgroup

import (
	"fmt"
	"strconv"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// checkUnified refuses what cgroup v2 has no means for, and the library would pass over.
// Zeros are what engines send for "not set"; of swappiness, 0 is a value, and -1 is not.
func checkUnified(r *specs.LinuxResources) error {
	field := legacyOf(r)
	if field == "" && r.BlockIO != nil {
		field = legacyBlockIO(r.BlockIO)
	}
	if field == "" {
		return nil
	}
	return fmt.Errorf("linux.resources.%s: cgroup v2, which this host has, has no such setting", field)
}

// legacyOf is the first member that only v1 has, "" where there is none.
func legacyOf(r *specs.LinuxResources) string {
	if m := r.Memory; m != nil {
		switch {
		case m.Swappiness != nil && *m.Swappiness != ^uint64(0):
			return "memory.swappiness"
		case value(m.DisableOOMKiller):
			return "memory.disableOOMKiller"
		}
	}
	if c := r.CPU; c != nil {
		switch {
		case value(c.RealtimeRuntime) != 0:
			return "cpu.realtimeRuntime"
		case value(c.RealtimePeriod) != 0:
			return "cpu.realtimePeriod"
		}
	}
	if n := r.Network; n != nil {
		switch {
		case value(n.ClassID) != 0:
			return "network.classID"
		case len(n.Priorities) > 0:
			return "network.priorities"
		}
	}
	return ""
}

func legacyBlockIO(b *specs.LinuxBlockIO) string {
	if value(b.LeafWeight) != 0 {
		return "blockIO.leafWeight"
	}
	for i, d := range b.WeightDevice {
		if value(d.LeafWeight) != 0 {
			return "blockIO.weightDevice[" + strconv.Itoa(i) + "].leafWeight"
		}
	}
	return ""
}
