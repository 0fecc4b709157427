package profile

import (
	"os"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// Device numbers of Linux's devices.txt.
const (
	miscMajor = 10
	tunMinor  = 200
	fuseMinor = 229
	ptsMajor  = 136
)

// devices are those beyond null, zero, full, random, urandom and tty, which
// every OCI runtime makes.
func devices(o *Options) []specs.LinuxDevice {
	var list []specs.LinuxDevice
	mode, root := os.FileMode(0o666), uint32(0)
	add := func(path string, minor int64) {
		list = append(list, specs.LinuxDevice{Path: path, Type: "c", Major: miscMajor, Minor: minor,
			FileMode: &mode, UID: &root, GID: &root})
	}
	if o.Fuse {
		add("/dev/fuse", fuseMinor)
	}
	if o.Tun {
		add("/dev/net/tun", tunMinor)
	}
	return list
}

// resources has the device policy of nspawn's unit, DevicePolicy=closed with
// char-pts, tun and fuse, and the limits that were asked for.
func resources(o *Options) *specs.LinuxResources {
	rule := func(major int64, minor *int64, access string) specs.LinuxDeviceCgroup {
		return specs.LinuxDeviceCgroup{Allow: true, Type: "c", Major: &major, Minor: minor, Access: access}
	}
	r := &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{
		{Allow: false, Access: "rwm"},
		rule(ptsMajor, nil, "rw"),
	}}
	number := func(n int64) *int64 { return &n }
	if o.Tun {
		r.Devices = append(r.Devices, rule(miscMajor, number(tunMinor), "rwm"))
	}
	if o.Fuse {
		r.Devices = append(r.Devices, rule(miscMajor, number(fuseMinor), "rwm"))
	}
	if o.Memory > 0 {
		r.Memory = &specs.LinuxMemory{Limit: &o.Memory}
	}
	if o.CPUs > 0 {
		const period = 100000
		quota, p := int64(o.CPUs*period), uint64(period)
		r.CPU = &specs.LinuxCPU{Quota: &quota, Period: &p}
	}
	if o.CPUAffinity != "" {
		if r.CPU == nil {
			r.CPU = &specs.LinuxCPU{}
		}
		r.CPU.Cpus = o.CPUAffinity
	}
	pids := o.Pids
	if pids == 0 && o.Boot {
		pids = tasksMax
	}
	if pids != 0 {
		r.Pids = &specs.LinuxPids{Limit: &pids}
	}
	return r
}
