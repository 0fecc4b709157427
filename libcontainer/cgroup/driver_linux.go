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
	if cfg.Systemd {
		if !systemd.IsRunningSystemd() {
			return nil, errors.New("systemd is not running on this host: cannot use --systemd-cgroup")
		}
		if mode == Unified {
			return systemd.NewUnifiedManager(cfg, paths[""])
		}
		return systemd.NewLegacyManager(cfg, paths)
	}
	if mode == Unified {
		return fs2.NewManager(cfg, paths[""])
	}
	return fs.NewManager(cfg, paths)
}
