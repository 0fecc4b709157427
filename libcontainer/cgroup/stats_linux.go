package cgroup

import (
	"fmt"

	"github.com/opencontainers/cgroups"
)

// Stats is the document of `events --stats`: field for field runc's types.Stats, which
// monitoring agents parse. Times are nanoseconds, sizes bytes.
type Stats struct {
	CPU               CPUStats                `json:"cpu"`
	CPUSet            cgroups.CPUSetStats     `json:"cpuset"`
	Memory            MemoryStats             `json:"memory"`
	Pids              PidsStats               `json:"pids"`
	Blkio             BlkioStats              `json:"blkio"`
	Hugetlb           map[string]HugetlbStats `json:"hugetlb"`
	IntelRdt          any                     `json:"intel_rdt"`
	NetworkInterfaces []NetworkInterface      `json:"network_interfaces"`
}

// CPUStats is the "cpu" member of Stats.
type CPUStats struct {
	Usage      CPUUsage          `json:"usage,omitempty"`
	Throttling Throttling        `json:"throttling,omitempty"`
	PSI        *cgroups.PSIStats `json:"psi,omitempty"`
}

// CPUUsage is CPU time in nanoseconds.
type CPUUsage struct {
	Total        uint64   `json:"total,omitempty"`
	Percpu       []uint64 `json:"percpu,omitempty"`
	PercpuKernel []uint64 `json:"percpu_kernel,omitempty"`
	PercpuUser   []uint64 `json:"percpu_user,omitempty"`
	Kernel       uint64   `json:"kernel"`
	User         uint64   `json:"user"`
}

// Throttling counts the periods in which the CPU quota ran out.
type Throttling struct {
	Periods          uint64 `json:"periods,omitempty"`
	ThrottledPeriods uint64 `json:"throttledPeriods,omitempty"`
	ThrottledTime    uint64 `json:"throttledTime,omitempty"`
}

// MemoryStats is the "memory" member of Stats.
type MemoryStats struct {
	Cache     uint64            `json:"cache,omitempty"`
	Usage     MemoryEntry       `json:"usage,omitempty"`
	Swap      MemoryEntry       `json:"swap,omitempty"`
	Kernel    MemoryEntry       `json:"kernel,omitempty"`
	KernelTCP MemoryEntry       `json:"kernelTCP,omitempty"`
	Raw       map[string]uint64 `json:"raw,omitempty"`
	PSI       *cgroups.PSIStats `json:"psi,omitempty"`
}

// MemoryEntry is a size, its limit and how often the limit was hit.
type MemoryEntry struct {
	Limit   uint64 `json:"limit"`
	Usage   uint64 `json:"usage,omitempty"`
	Max     uint64 `json:"max,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// PidsStats counts tasks; a limit of 0 means none.
type PidsStats struct {
	Current uint64 `json:"current,omitempty"`
	Limit   uint64 `json:"limit,omitempty"`
}

// BlkioStats is the "blkio" member of Stats, with v1's names on v2 as well.
type BlkioStats struct {
	IoServiceBytesRecursive []BlkioEntry      `json:"ioServiceBytesRecursive,omitempty"`
	IoServicedRecursive     []BlkioEntry      `json:"ioServicedRecursive,omitempty"`
	IoQueuedRecursive       []BlkioEntry      `json:"ioQueueRecursive,omitempty"`
	IoServiceTimeRecursive  []BlkioEntry      `json:"ioServiceTimeRecursive,omitempty"`
	IoWaitTimeRecursive     []BlkioEntry      `json:"ioWaitTimeRecursive,omitempty"`
	IoMergedRecursive       []BlkioEntry      `json:"ioMergedRecursive,omitempty"`
	IoTimeRecursive         []BlkioEntry      `json:"ioTimeRecursive,omitempty"`
	SectorsRecursive        []BlkioEntry      `json:"sectorsRecursive,omitempty"`
	PSI                     *cgroups.PSIStats `json:"psi,omitempty"`
}

// BlkioEntry is one counter of one block device.
type BlkioEntry = cgroups.BlkioStatEntry

// HugetlbStats is the use of one huge page size.
type HugetlbStats struct {
	Usage   uint64 `json:"usage,omitempty"`
	Max     uint64 `json:"max,omitempty"`
	Failcnt uint64 `json:"failcnt"`
}

// NetworkInterface counts what passed an interface. runc lists those only that it made
// itself, which the OCI configuration cannot ask for; so does this package.
type NetworkInterface struct {
	Name                                    string
	RxBytes, RxPackets, RxErrors, RxDropped uint64
	TxBytes, TxPackets, TxErrors, TxDropped uint64
}

// Stats reads the counters of every controller the cgroup has. IntelRdt is left to the
// caller and is an empty object.
func (g *Group) Stats() (*Stats, error) {
	if err := g.needCgroup("read statistics of"); err != nil {
		return nil, err
	}
	st, err := g.mgr.GetStats()
	if err != nil {
		return nil, fmt.Errorf("read statistics of cgroup %q: %w", g.loc, err)
	}
	return convertStats(st), nil
}

func convertStats(st *cgroups.Stats) *Stats {
	out := &Stats{
		CPUSet:   st.CPUSetStats,
		Pids:     PidsStats(st.PidsStats),
		Hugetlb:  make(map[string]HugetlbStats, len(st.HugetlbStats)),
		IntelRdt: struct{}{},
	}
	u := st.CpuStats.CpuUsage
	out.CPU.Usage = CPUUsage{
		Total: u.TotalUsage, Percpu: u.PercpuUsage,
		PercpuKernel: u.PercpuUsageInKernelmode, PercpuUser: u.PercpuUsageInUsermode,
		Kernel: u.UsageInKernelmode, User: u.UsageInUsermode,
	}
	out.CPU.Throttling = Throttling(st.CpuStats.ThrottlingData)
	out.CPU.PSI = st.CpuStats.PSI
	m := st.MemoryStats
	out.Memory = MemoryStats{
		Cache: m.Cache, Raw: m.Stats, PSI: m.PSI,
		Usage: entry(m.Usage), Swap: entry(m.SwapUsage),
		Kernel: entry(m.KernelUsage), KernelTCP: entry(m.KernelTCPUsage),
	}
	b := st.BlkioStats
	out.Blkio = BlkioStats{
		IoServiceBytesRecursive: b.IoServiceBytesRecursive, IoServicedRecursive: b.IoServicedRecursive,
		IoQueuedRecursive: b.IoQueuedRecursive, IoServiceTimeRecursive: b.IoServiceTimeRecursive,
		IoWaitTimeRecursive: b.IoWaitTimeRecursive, IoMergedRecursive: b.IoMergedRecursive,
		IoTimeRecursive: b.IoTimeRecursive, SectorsRecursive: b.SectorsRecursive, PSI: b.PSI,
	}
	for size, h := range st.HugetlbStats {
		out.Hugetlb[size] = HugetlbStats{Usage: h.Usage, Max: h.MaxUsage, Failcnt: h.Failcnt}
	}
	return out
}

func entry(m cgroups.MemoryData) MemoryEntry {
	return MemoryEntry{Limit: m.Limit, Usage: m.Usage, Max: m.MaxUsage, Failcnt: m.Failcnt}
}
