package profile

import (
	"fmt"
	"sort"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/caps"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
)

// Capabilities by number, as far as nspawn's rules name them.
const (
	capNetBindService = 10
	capNetAdmin       = 12
)

// DefaultCapabilities is nspawn's bounding set without a private network:
// everything but NET_ADMIN, IPC_LOCK, SYS_MODULE, SYS_RAWIO, SYS_PACCT,
// SYS_TIME, MAC_OVERRIDE, MAC_ADMIN, SYSLOG, WAKE_ALARM, BLOCK_SUSPEND,
// AUDIT_READ, PERFMON, BPF and CHECKPOINT_RESTORE.
const DefaultCapabilities = 0xfdecafff

// bounding computes nspawn's "retained" set; dropping wins over adding.
func bounding(o *Options) uint64 {
	mask := uint64(DefaultCapabilities)
	if o.privateNetwork() {
		mask |= 1 << capNetAdmin
	}
	mask |= o.AddCapabilities
	if o.PrivateUsers != nil && !o.privateNetwork() {
		// The host's network namespace belongs to another user namespace:
		// the capability would have no effect there.
		mask &^= 1 << capNetBindService
	}
	if o.Available != 0 {
		mask &= o.Available
	}
	return mask &^ o.DropCapabilities
}

func capabilities(o *Options, bounding uint64) (*specs.LinuxCapabilities, error) {
	if beyond := o.AmbientCapabilities &^ bounding; beyond != 0 {
		return nil, fmt.Errorf("ambient capabilities %s: not among those that the container keeps",
			strings.Join(caps.Names(beyond), ", "))
	}
	if o.Boot && o.AmbientCapabilities != 0 {
		return nil, fmt.Errorf("ambient capabilities %s: an init is started with none",
			strings.Join(caps.Names(o.AmbientCapabilities), ", "))
	}
	sets := &specs.LinuxCapabilities{
		Bounding:    caps.Names(bounding),
		Inheritable: caps.Names(o.AmbientCapabilities),
		Ambient:     caps.Names(o.AmbientCapabilities),
	}
	held := bounding
	if o.User.UID != 0 {
		held = o.AmbientCapabilities
	}
	sets.Effective, sets.Permitted = caps.Names(held), caps.Names(held)
	return sets, nil
}

func process(o *Options, bounding uint64) (*specs.Process, error) {
	sets, err := capabilities(o, bounding)
	if err != nil {
		return nil, err
	}
	if o.Boot && (o.User.UID != 0 || o.ProcessTwo) {
		return nil, fmt.Errorf("boot mode: an init runs as root and as PID 1")
	}
	p := &specs.Process{
		Terminal:        o.Terminal,
		User:            o.User,
		Args:            o.Args,
		Env:             environment(o),
		Cwd:             orElse(o.Cwd, "/"),
		Capabilities:    sets,
		Rlimits:         rlimits(o),
		NoNewPrivileges: o.NoNewPrivileges,
		OOMScoreAdj:     o.OOMScoreAdj,
	}
	if o.Boot {
		p.Args = append([]string{initOf(o).Path}, o.Args...)
	} else if len(o.Args) == 0 {
		p.Args = []string{"/bin/sh", "-l"}
	}
	return p, nil
}

// initOf is the init to boot; where nothing was detected, what every tree of a
// distribution has.
func initOf(o *Options) nspawn.Init {
	if o.Init.Kind == nspawn.None {
		return nspawn.Init{Kind: nspawn.Systemd, Path: "/sbin/init"}
	}
	return o.Init
}

// environment is that of nspawn's payload in its order. TERM, the host's
// os-release and NOTIFY_SOCKET are known only when the container starts, and
// are added then.
func environment(o *Options) []string {
	env := []string{"PATH=" + nspawn.DefaultPath, "container=" + nspawn.ManagerNspawn}
	name := o.UserName
	if name == "" && o.User.UID == 0 {
		name = "root"
	}
	home := o.Home
	if home == "" && name == "root" {
		home = "/root"
	}
	if home != "" {
		env = append(env, "HOME="+home)
	}
	if name != "" {
		env = append(env, "USER="+name, "LOGNAME="+name)
	}
	if o.MachineID != "" {
		env = append(env, "container_uuid="+nspawn.UUID(o.MachineID))
	}
	if !o.Boot {
		env = append(env, "LANG=C.UTF-8")
	}
	for _, pair := range o.Env {
		env = setEnv(env, pair)
	}
	return env
}

// setEnv lets a later entry override an earlier one in its place.
func setEnv(env []string, pair string) []string {
	name, _, _ := strings.Cut(pair, "=")
	for i := range env {
		if strings.HasPrefix(env[i], name+"=") {
			env[i] = pair
			return env
		}
	}
	return append(env, pair)
}

func rlimits(o *Options) []specs.POSIXRlimit {
	list := nspawn.ClipRlimits(nspawn.Rlimits(o.NrOpen), o.HardLimits)
	for _, want := range o.Rlimits {
		replaced := false
		for i := range list {
			if list[i].Type == want.Type {
				list[i], replaced = want, true
			}
		}
		if !replaced {
			list = append(list, want)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Type < list[j].Type })
	return list
}
