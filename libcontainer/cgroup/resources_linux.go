package cgroup

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// Limits is what the library is to set, made by Resources.
type Limits = cgroups.Resources

// Input is what Resources reads of a configuration.
type Input struct {
	// Resources is linux.resources; nil means that only the default devices are allowed.
	Resources *specs.LinuxResources
	// Devices is linux.devices: a node there takes the place of the default of that path.
	Devices []specs.LinuxDevice
	// Version is ociVersion. Before 1.3.0 a pids.limit of 0 said "no limit wanted", and
	// engines of that time send it; since 1.3.0 it is a limit like any other.
	Version string
	// Mode is the host's layout.
	Mode HostMode
}

// Resources turns linux.resources into what the library sets, the default device rules
// appended as runc does it (so a configuration of a lone deny-all still has /dev/null).
// Errors name the field. Values are not checked further: the kernel knows its ranges.
func Resources(in Input) (*Limits, error) {
	out := &Limits{}
	if r := in.Resources; r != nil {
		if in.Mode == Unified {
			if err := checkUnified(r); err != nil {
				return nil, err
			}
		}
		if err := setDevices(out, r.Devices); err != nil {
			return nil, err
		}
		setMemory(out, r.Memory)
		setCPU(out, r.CPU)
		setBlockIO(out, r.BlockIO)
		setNetwork(out, r.Network)
		if r.Pids != nil && !zeroMeansUnset(r.Pids.Limit, in.Version) {
			out.PidsLimit = r.Pids.Limit
		}
		for _, l := range r.HugepageLimits {
			out.HugetlbLimit = append(out.HugetlbLimit, &cgroups.HugepageLimit{Pagesize: l.Pagesize, Limit: l.Limit})
		}
		if len(r.Rdma) > 0 {
			out.Rdma = make(map[string]cgroups.LinuxRdma, len(r.Rdma))
			for name, l := range r.Rdma {
				out.Rdma[name] = cgroups.LinuxRdma{HcaHandles: l.HcaHandles, HcaObjects: l.HcaObjects}
			}
		}
		if err := setUnified(out, r.Unified, in.Mode); err != nil {
			return nil, err
		}
	}
	appendDefaultDevices(out, in.Devices)
	return out, nil
}

func setMemory(out *Limits, m *specs.LinuxMemory) {
	if m == nil {
		return
	}
	out.Memory = value(m.Limit)
	out.MemoryReservation = value(m.Reservation)
	out.MemorySwap = value(m.Swap)
	out.MemorySwappiness = m.Swappiness
	out.OomKillDisable = value(m.DisableOOMKiller)
	out.MemoryCheckBeforeUpdate = value(m.CheckBeforeUpdate)
}

func setCPU(out *Limits, c *specs.LinuxCPU) {
	if c == nil {
		return
	}
	out.CpuShares = value(c.Shares)
	// The v2 manager looks at the weight only and leaves the conversion to its caller.
	out.CpuWeight = cgroups.ConvertCPUSharesToCgroupV2Value(out.CpuShares)
	out.CpuQuota = value(c.Quota)
	out.CpuPeriod = value(c.Period)
	out.CpuBurst = c.Burst
	out.CpuRtRuntime = value(c.RealtimeRuntime)
	out.CpuRtPeriod = value(c.RealtimePeriod)
	out.CpusetCpus = c.Cpus
	out.CpusetMems = c.Mems
	out.CPUIdle = c.Idle
}

func setBlockIO(out *Limits, b *specs.LinuxBlockIO) {
	if b == nil {
		return
	}
	out.BlkioWeight = value(b.Weight)
	out.BlkioLeafWeight = value(b.LeafWeight)
	for _, d := range b.WeightDevice {
		out.BlkioWeightDevice = append(out.BlkioWeightDevice,
			cgroups.NewWeightDevice(d.Major, d.Minor, value(d.Weight), value(d.LeafWeight)))
	}
	out.BlkioThrottleReadBpsDevice = throttles(b.ThrottleReadBpsDevice)
	out.BlkioThrottleWriteBpsDevice = throttles(b.ThrottleWriteBpsDevice)
	out.BlkioThrottleReadIOPSDevice = throttles(b.ThrottleReadIOPSDevice)
	out.BlkioThrottleWriteIOPSDevice = throttles(b.ThrottleWriteIOPSDevice)
}

func throttles(in []specs.LinuxThrottleDevice) (out []*cgroups.ThrottleDevice) {
	for _, d := range in {
		out = append(out, cgroups.NewThrottleDevice(d.Major, d.Minor, d.Rate))
	}
	return out
}

func setNetwork(out *Limits, n *specs.LinuxNetwork) {
	if n == nil {
		return
	}
	out.NetClsClassid = value(n.ClassID)
	for _, p := range n.Priorities {
		out.NetPrioIfpriomap = append(out.NetPrioIfpriomap, &cgroups.IfPrioMap{Interface: p.Name, Priority: int64(p.Priority)})
	}
}

func setUnified(out *Limits, unified map[string]string, mode HostMode) error {
	if len(unified) == 0 {
		return nil
	}
	if mode != Unified {
		return fmt.Errorf("linux.resources.unified: %w on this host (%s); use the fields of cgroup v1", errors.ErrUnsupported, mode)
	}
	for key := range unified {
		if strings.Contains(key, "/") || !strings.Contains(key, ".") {
			return fmt.Errorf("linux.resources.unified[%q]: is no cgroup v2 file name", key)
		}
	}
	out.Unified = maps.Clone(unified)
	return nil
}

// zeroMeansUnset tells whether a pids limit is the 0 of an engine older than spec 1.3.
func zeroMeansUnset(limit *int64, version string) bool {
	if limit == nil || *limit != 0 || version == "" {
		return false
	}
	parts := strings.SplitN(version, ".", 3)
	major, err := strconv.Atoi(parts[0])
	if err != nil || len(parts) < 2 {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	return err == nil && (major < 1 || major == 1 && minor < 3)
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
