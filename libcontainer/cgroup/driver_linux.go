package cgroup

import (
	"errors"

	"github.com/opencontainers/cgroups"
	_ "github.com/opencontainers/cgroups/devices" // device rules, on v2 as BPF programs
	"github.com/opencontainers/cgroups/fs"
	"github.com/opencontainers/cgroups/fs2"
	"github.com/opencontainers/cgroups/systemd"
)

// newManager chooses the library's driver, as its manager package does, but by the layout
// that the container's state remembers instead of the one found now.
func newManager(cfg *cgroups.Cgroup, mode HostMode, paths map[string]string) (cgroups.Manager, error) {
	if cfg.Systemd && !systemd.IsRunningSystemd() {
		if len(paths) == 0 {
			return nil, errors.New("systemd not running on this host, cannot use systemd cgroups manager")
		}
		// A container outlived its systemd, as in a chroot: its directories are still there.
		cfg.Systemd = false
	}
	if cfg.Systemd {
		if mode == Unified {
			return systemd.NewUnifiedManager(cfg, paths[""])
		}
		return systemd.NewLegacyManager(cfg, paths)
	}
	if mode == Unified {
		return fs2.NewManager(cfg, paths[""])
	}
	if paths == nil {
		paths = v1Paths(cfg)
	}
	return fs.NewManager(cfg, paths)
}

// v1Paths gives the library the directories of a cgroup, from one read of
// /proc/self/cgroup: asking for each of its 15 controllers by itself it needs about 90
// calls, mountinfo among them, and a millisecond. Nil, which lets the library look, where
// the devices hierarchy is not on its usual place: a container must not lack its rules.
func v1Paths(cfg *cgroups.Cgroup) map[string]string {
	hierarchies, err := Hierarchies()
	if err != nil {
		return nil
	}
	inner := cfg.Path
	if inner == "" {
		inner = cfg.Name
	}
	paths := make(map[string]string, len(hierarchies)+4)
	for _, h := range hierarchies {
		for _, c := range h.Controllers {
			paths[c] = h.Dir + inner
		}
		switch {
		case h.Name == "systemd":
			paths["name=systemd"] = h.Dir + inner
		case h.Name == "" && len(h.Controllers) == 0:
			paths[""] = h.Dir + inner
		}
	}
	if paths["devices"] == "" {
		return nil
	}
	return paths
}
