package spec

import (
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// resources are the limits of a cgroup. Zero often stands for "leave it alone" (docker update sends
// them), and -1 for "no limit".
func (v *validator) resources(r *specs.LinuxResources) {
	for i := range r.Devices {
		v.deviceRule(i, &r.Devices[i])
	}
	if r.Memory != nil {
		v.memory(r.Memory)
	}
	if r.CPU != nil {
		v.cpu(r.CPU)
	}
	if r.Pids != nil {
		v.limit("pids.limit", r.Pids.Limit)
	}
	if r.BlockIO != nil {
		v.blockIO(r.BlockIO)
	}
	for i, h := range r.HugepageLimits {
		if !isPageSize(h.Pagesize) {
			v.bad(at("hugepageLimits", i)+".pageSize", quote(h.Pagesize)+" is not a page size like \"2MB\"")
		}
	}
	if r.Network != nil {
		for i, p := range r.Network.Priorities {
			if !isDeviceName(p.Name) {
				v.bad(at("network.priorities", i)+".name", quote(p.Name)+" is not the name of a network device")
			}
		}
	}
	v.resourceMaps(r)
}

// limit is a number that may be -1.
func (v *validator) limit(path string, n *int64) {
	if n != nil && *n < -1 {
		v.bad(path, strconv.FormatInt(*n, 10)+" is negative; -1 means no limit")
	}
}

func (v *validator) deviceRule(i int, d *specs.LinuxDeviceCgroup) {
	switch d.Type {
	case "", "a", "b", "c":
	default:
		v.bad(at("devices", i)+".type", quote(d.Type)+" is not a kind of device: a, b or c")
	}
	if d.Access == "" || strings.Trim(d.Access, "rwm") != "" {
		v.bad(at("devices", i)+".access", quote(d.Access)+" is not made of r, w and m")
	}
	if d.Major != nil && *d.Major < -1 || d.Minor != nil && *d.Minor < -1 {
		v.limit(at("devices", i)+".major", d.Major)
		v.limit(at("devices", i)+".minor", d.Minor)
	}
}

// maxSwappiness is that of Linux since 5.8.
const maxSwappiness = 200

func (v *validator) memory(m *specs.LinuxMemory) {
	v.limit("memory.limit", m.Limit)
	v.limit("memory.reservation", m.Reservation)
	v.limit("memory.swap", m.Swap)
	v.kernelMemory("memory.kernel", m.Kernel) //nolint:staticcheck // deprecated, so the user is told.
	v.kernelMemory("memory.kernelTCP", m.KernelTCP)
	if m.Limit != nil && m.Swap != nil && *m.Swap > 0 && *m.Swap < *m.Limit {
		v.bad("memory.swap", strconv.FormatInt(*m.Swap, 10)+" is below memory.limit, "+strconv.FormatInt(*m.Limit, 10)+
			", but it is the sum of memory and swap")
	}
	// The largest value is what engines write for "not set".
	if s := m.Swappiness; s != nil && *s > maxSwappiness && int64(*s) != -1 {
		v.bad("memory.swappiness", strconv.FormatUint(*s, 10)+" is not from 0 to "+strconv.Itoa(maxSwappiness))
	}
}

// kernelMemory takes what asks for no limit: engines send 0 for "not set".
func (v *validator) kernelMemory(path string, n *int64) {
	v.limit(path, n)
	if n != nil && *n > 0 {
		v.bad(path, "kernel memory cannot be limited by itself: Linux gave that up; memory.limit counts it as well")
	}
}

func (v *validator) cpu(c *specs.LinuxCPU) {
	v.limit("cpu.quota", c.Quota)
	v.limit("cpu.realtimeRuntime", c.RealtimeRuntime)
	if c.Idle != nil && *c.Idle != 0 && *c.Idle != 1 {
		v.bad("cpu.idle", strconv.FormatInt(*c.Idle, 10)+" is not 0 or 1")
	}
	v.kernelList("cpu.cpus", c.Cpus)
	v.kernelList("cpu.mems", c.Mems)
}

// kernelList is a list as bitmap_parselist of Linux takes it; engines pass on what the user wrote.
func (v *validator) kernelList(path, list string) {
	for _, c := range []byte(list) {
		if (c < '0' || c > '9') && strings.IndexByte(",-:/ \n", c) < 0 && strings.Trim(list, " \n") != "all" {
			v.bad(path, quote(list)+" is not a list of numbers and ranges like \"0-3,7\"")
			return
		}
	}
}

func (v *validator) blockIO(b *specs.LinuxBlockIO) {
	v.weight("blockIO.weight", b.Weight)
	v.weight("blockIO.leafWeight", b.LeafWeight)
	for i, d := range b.WeightDevice {
		p := at("blockIO.weightDevice", i)
		v.blockDevice(p, d.LinuxBlockIODevice)
		v.weight(p+".weight", d.Weight)
		v.weight(p+".leafWeight", d.LeafWeight)
	}
	v.throttle("blockIO.throttleReadBpsDevice", b.ThrottleReadBpsDevice)
	v.throttle("blockIO.throttleWriteBpsDevice", b.ThrottleWriteBpsDevice)
	v.throttle("blockIO.throttleReadIOPSDevice", b.ThrottleReadIOPSDevice)
	v.throttle("blockIO.throttleWriteIOPSDevice", b.ThrottleWriteIOPSDevice)
}

func (v *validator) throttle(path string, list []specs.LinuxThrottleDevice) {
	for i, d := range list {
		v.blockDevice(at(path, i), d.LinuxBlockIODevice)
	}
}

// weight is from 10 to 1000, and 0 where it is not to be changed.
func (v *validator) weight(path string, w *uint16) {
	if w != nil && *w != 0 && (*w < 10 || *w > 1000) {
		v.bad(path, strconv.Itoa(int(*w))+" is not from 10 to 1000")
	}
}

func (v *validator) blockDevice(path string, d specs.LinuxBlockIODevice) {
	if d.Major < 0 || d.Minor < 0 {
		v.bad(path, strconv.FormatInt(d.Major, 10)+":"+strconv.FormatInt(d.Minor, 10)+" is not the number of a device")
	}
}

// isPageSize is [1-9][0-9]*[KMG]B.
func isPageSize(s string) bool {
	digits, ok := strings.CutSuffix(s, "B")
	if !ok || digits == "" || strings.IndexByte("KMG", digits[len(digits)-1]) < 0 {
		return false
	}
	digits = digits[:len(digits)-1]
	return isDigits(digits) && digits[0] != '0'
}

// resourceMaps are the members whose names the document chooses.
func (v *validator) resourceMaps(r *specs.LinuxResources) {
	found, warned := len(v.found), len(v.warned)
	for name := range r.Rdma {
		if name == "" || strings.ContainsAny(name, " \n\x00") {
			v.bad(member("rdma", name), "is not the name of a device")
		}
	}
	for name, value := range r.Unified {
		controller, parameter, ok := strings.Cut(name, ".")
		if !ok || controller == "" || parameter == "" || strings.ContainsAny(name, "/\x00") {
			v.bad(member("unified", name), "is not the name of a cgroup file, like \"memory.high\"")
		}
		v.text(member("unified", name), value)
	}
	v.sortedSince(found, warned)
}

// intelRdt is linux.intelRdt (config-linux.md, IntelRdt).
func (v *validator) intelRdt(r *specs.LinuxIntelRdt) {
	const path = "linux.intelRdt"
	// The class "/" is the default one, the root of resctrl.
	if id := r.ClosID; id == "." || id == ".." || id != "/" && strings.ContainsAny(id, "/\n\x00") {
		v.bad(path+".closID", quote(id)+" is not the name of a directory of resctrl")
	}
	if strings.ContainsAny(r.L3CacheSchema, "\n\x00") {
		v.bad(path+".l3CacheSchema", quote(r.L3CacheSchema)+" must be one line")
	}
	if s := r.MemBwSchema; s != "" && (!strings.HasPrefix(s, "MB:") || strings.ContainsAny(s, "\n\x00")) {
		v.bad(path+".memBwSchema", quote(s)+" must be one line that begins with MB:")
	}
	for i, s := range r.Schemata {
		if strings.ContainsAny(s, "\n\x00") {
			v.bad(at(path+".schemata", i), quote(s)+" must be one line")
		}
	}
}
