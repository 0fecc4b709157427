package spec

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestValidateResources(t *testing.T) {
	set := func(r specs.LinuxResources) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Linux.Resources = &r }
	}
	rule := func(d specs.LinuxDeviceCgroup) func(*specs.Spec) {
		return set(specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{d}})
	}
	n := func(v int64) *int64 { return &v }
	const negative = " is negative; -1 means no limit"
	runFindings(t, []finding{
		{"none", func(s *specs.Spec) { s.Linux.Resources = nil }, nil},
		{"no limits", set(specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: n(-1), Swap: n(-1)}, Pids: &specs.LinuxPids{Limit: n(-1)}}), nil},
		{"device wildcards", rule(specs.LinuxDeviceCgroup{Type: "c", Major: n(-1), Minor: n(-1), Access: "rwm"}), nil},
		{"device", rule(specs.LinuxDeviceCgroup{Type: "p", Major: n(-2), Access: "rwx"}), []string{
			`linux.resources.devices[0].type: "p" is not a kind of device: a, b or c`,
			`linux.resources.devices[0].access: "rwx" is not made of r, w and m`,
			"linux.resources.devices[0].major: -2" + negative}},
		{"device without access", rule(specs.LinuxDeviceCgroup{}),
			[]string{`linux.resources.devices[0].access: "" is not made of r, w and m`}},
		{"negative memory", set(specs.LinuxResources{Memory: &specs.LinuxMemory{
			Limit: n(-2), Reservation: n(-3), Swap: n(-4), Kernel: n(-5), KernelTCP: n(-6)}}), []string{ //nolint:staticcheck // deprecated, but engines send it
			"linux.resources.memory.limit: -2" + negative, "linux.resources.memory.reservation: -3" + negative,
			"linux.resources.memory.swap: -4" + negative, "linux.resources.memory.kernel: -5" + negative,
			"linux.resources.memory.kernelTCP: -6" + negative}},
		{"kernel memory", set(specs.LinuxResources{Memory: &specs.LinuxMemory{Kernel: n(1 << 20), KernelTCP: n(1)}}), []string{ //nolint:staticcheck // refused by name
			"linux.resources.memory.kernel: kernel memory cannot be limited by itself: Linux gave that up; memory.limit counts it as well",
			"linux.resources.memory.kernelTCP: kernel memory cannot be limited by itself: Linux gave that up; memory.limit counts it as well"}},
		{"kernel memory not limited", set(specs.LinuxResources{Memory: &specs.LinuxMemory{Kernel: n(0), KernelTCP: n(-1)}}), nil}, //nolint:staticcheck // engines send it
		{"swap below memory", set(specs.LinuxResources{Memory: &specs.LinuxMemory{Limit: n(100), Swap: n(50)}}),
			[]string{"linux.resources.memory.swap: 50 is below memory.limit, 100, but it is the sum of memory and swap"}},
		{"swappiness", set(specs.LinuxResources{Memory: &specs.LinuxMemory{Swappiness: ptr(uint64(201))}}),
			[]string{"linux.resources.memory.swappiness: 201 is not from 0 to 200"}},
		{"swappiness not set", set(specs.LinuxResources{Memory: &specs.LinuxMemory{Swappiness: ptr(^uint64(0))}}), nil},
		{"cpu", set(specs.LinuxResources{CPU: &specs.LinuxCPU{Quota: n(-2), RealtimeRuntime: n(-2), Idle: n(2), Cpus: "0-a", Mems: "x"}}), []string{
			"linux.resources.cpu.quota: -2" + negative, "linux.resources.cpu.realtimeRuntime: -2" + negative,
			"linux.resources.cpu.idle: 2 is not 0 or 1",
			`linux.resources.cpu.cpus: "0-a" is not a list of numbers and ranges like "0-3,7"`,
			`linux.resources.cpu.mems: "x" is not a list of numbers and ranges like "0-3,7"`}},
		{"cpus as Linux takes them", set(specs.LinuxResources{CPU: &specs.LinuxCPU{Cpus: "0-7:2/4, 9", Mems: "all"}}), nil},
		{"pids", set(specs.LinuxResources{Pids: &specs.LinuxPids{Limit: n(-2)}}), []string{"linux.resources.pids.limit: -2" + negative}},
		{"hugepages", set(specs.LinuxResources{HugepageLimits: []specs.LinuxHugepageLimit{
			{Pagesize: "2MB"}, {Pagesize: "64kB"}, {Pagesize: "02MB"}, {Pagesize: "B"}, {Pagesize: "MB"}}}), []string{
			`linux.resources.hugepageLimits[1].pageSize: "64kB" is not a page size like "2MB"`,
			`linux.resources.hugepageLimits[2].pageSize: "02MB" is not a page size like "2MB"`,
			`linux.resources.hugepageLimits[3].pageSize: "B" is not a page size like "2MB"`,
			`linux.resources.hugepageLimits[4].pageSize: "MB" is not a page size like "2MB"`}},
		{"priorities", set(specs.LinuxResources{Network: &specs.LinuxNetwork{Priorities: []specs.LinuxInterfacePriority{{Name: ""}}}}),
			[]string{`linux.resources.network.priorities[0].name: "" is not the name of a network device`}},
		{"rdma", set(specs.LinuxResources{Rdma: map[string]specs.LinuxRdma{"mlx5_1": {}, "a b": {}}}),
			[]string{`linux.resources.rdma["a b"]: is not the name of a device`}},
		{"unified", set(specs.LinuxResources{Unified: map[string]string{
			"memory.high": "1", "hugetlb.2MB.max": "\x00", "../x.y": "", "memory": "", ".x": "", "x.": ""}}), []string{
			`linux.resources.unified.memory: is not the name of a cgroup file, like "memory.high"`,
			`linux.resources.unified["../x.y"]: is not the name of a cgroup file, like "memory.high"`,
			`linux.resources.unified[".x"]: is not the name of a cgroup file, like "memory.high"`,
			`linux.resources.unified["hugetlb.2MB.max"]: contains a NUL byte: "\x00"`,
			`linux.resources.unified["x."]: is not the name of a cgroup file, like "memory.high"`}},
	})
}

func TestValidateBlockIO(t *testing.T) {
	set := func(b specs.LinuxBlockIO) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Linux.Resources = &specs.LinuxResources{BlockIO: &b} }
	}
	bad := specs.LinuxBlockIODevice{Major: -1, Minor: 2}
	throttle := []specs.LinuxThrottleDevice{{LinuxBlockIODevice: bad}}
	runFindings(t, []finding{
		{"weights", set(specs.LinuxBlockIO{Weight: ptr(uint16(10)), LeafWeight: ptr(uint16(1000))}), nil},
		{"weight 0 is not set", set(specs.LinuxBlockIO{Weight: ptr(uint16(0))}), nil},
		{"weight", set(specs.LinuxBlockIO{Weight: ptr(uint16(9)), LeafWeight: ptr(uint16(1001))}), []string{
			"linux.resources.blockIO.weight: 9 is not from 10 to 1000",
			"linux.resources.blockIO.leafWeight: 1001 is not from 10 to 1000"}},
		{"weight of a device", set(specs.LinuxBlockIO{WeightDevice: []specs.LinuxWeightDevice{
			{LinuxBlockIODevice: bad, Weight: ptr(uint16(1)), LeafWeight: ptr(uint16(2))}}}), []string{
			"linux.resources.blockIO.weightDevice[0]: -1:2 is not the number of a device",
			"linux.resources.blockIO.weightDevice[0].weight: 1 is not from 10 to 1000",
			"linux.resources.blockIO.weightDevice[0].leafWeight: 2 is not from 10 to 1000"}},
		{"throttles", set(specs.LinuxBlockIO{ThrottleReadBpsDevice: throttle, ThrottleWriteBpsDevice: throttle,
			ThrottleReadIOPSDevice: throttle, ThrottleWriteIOPSDevice: throttle}), []string{
			"linux.resources.blockIO.throttleReadBpsDevice[0]: -1:2 is not the number of a device",
			"linux.resources.blockIO.throttleWriteBpsDevice[0]: -1:2 is not the number of a device",
			"linux.resources.blockIO.throttleReadIOPSDevice[0]: -1:2 is not the number of a device",
			"linux.resources.blockIO.throttleWriteIOPSDevice[0]: -1:2 is not the number of a device"}},
	})
}

func TestValidateIntelRdt(t *testing.T) {
	set := func(r specs.LinuxIntelRdt) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Linux.IntelRdt = &r }
	}
	const closID = " is not the name of a directory of resctrl"
	runFindings(t, []finding{
		{"default class", set(specs.LinuxIntelRdt{ClosID: "/"}), nil},
		{"good", set(specs.LinuxIntelRdt{ClosID: "guaranteed", L3CacheSchema: "L3:0=7f0", MemBwSchema: "MB:0=20;1=70", Schemata: []string{"L3:0=f"}}), nil},
		{"dots", set(specs.LinuxIntelRdt{ClosID: ".."}), []string{`linux.intelRdt.closID: ".."` + closID}},
		{"slash", set(specs.LinuxIntelRdt{ClosID: "a/b"}), []string{`linux.intelRdt.closID: "a/b"` + closID}},
		{"newlines", set(specs.LinuxIntelRdt{L3CacheSchema: "L3:0=f\nMB:0=1", MemBwSchema: "MB:0=1\n", Schemata: []string{"x", "\n"}}), []string{
			`linux.intelRdt.l3CacheSchema: "L3:0=f\nMB:0=1" must be one line`,
			`linux.intelRdt.memBwSchema: "MB:0=1\n" must be one line that begins with MB:`,
			`linux.intelRdt.schemata[1]: "\n" must be one line`}},
		{"bandwidth", set(specs.LinuxIntelRdt{MemBwSchema: "0=20"}),
			[]string{`linux.intelRdt.memBwSchema: "0=20" must be one line that begins with MB:`}},
	})
}
