package spec

import (
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

func TestValidateNamespaces(t *testing.T) {
	runFindings(t, []finding{
		{"all", func(s *specs.Spec) {
			addNamespace(s, "cgroup", "")
			addNamespace(s, "time", "/proc/1/ns/time")
		}, nil},
		{"unknown", func(s *specs.Spec) { addNamespace(s, "net", "") },
			[]string{`linux.namespaces[5].type: "net" is not a namespace: pid, network, mount, ipc, uts, user, cgroup or time`}},
		{"missing", func(s *specs.Spec) { addNamespace(s, "", "") }, []string{`linux.namespaces[5].type: missing, like "pid"`}},
		{"twice", func(s *specs.Spec) { addNamespace(s, "pid", "/proc/1/ns/pid") },
			[]string{`linux.namespaces[5].type: "pid" is there twice, see linux.namespaces[0]`}},
		{"relative path", func(s *specs.Spec) { s.Linux.Namespaces[0].Path = "ns/pid" },
			[]string{`linux.namespaces[0].path: "ns/pid" is not an absolute path`}},
		{"NUL in path", func(s *specs.Spec) { s.Linux.Namespaces[0].Path = "/ns\x00" },
			[]string{`linux.namespaces[0].path: contains a NUL byte: "/ns\x00"`}},
	})
}

func TestValidateMappings(t *testing.T) {
	// userns gives the document a user namespace with these mappings, of users and groups alike.
	userns := func(path string, m ...specs.LinuxIDMapping) func(*specs.Spec) {
		return func(s *specs.Spec) {
			addNamespace(s, "user", path)
			s.Linux.UIDMappings, s.Linux.GIDMappings = m, []specs.LinuxIDMapping{{Size: 10}}
		}
	}
	runFindings(t, []finding{
		{"without a user namespace", func(s *specs.Spec) {
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{Size: 1}}
			s.Linux.GIDMappings = []specs.LinuxIDMapping{{Size: 1}}
		}, []string{
			"linux.uidMappings: needs a user namespace in linux.namespaces",
			"linux.gidMappings: needs a user namespace in linux.namespaces"}},
		{"empty lists without one", func(s *specs.Spec) { s.Linux.UIDMappings = []specs.LinuxIDMapping{} }, nil},
		{"good", userns("", specs.LinuxIDMapping{HostID: 100000, Size: 65536}, specs.LinuxIDMapping{ContainerID: 65536, HostID: 1000, Size: 1}), nil},
		{"new without", func(s *specs.Spec) { addNamespace(s, "user", "") }, []string{
			"linux.uidMappings: empty: a new user namespace needs to know which ids of the host it gets",
			"linux.gidMappings: empty: a new user namespace needs to know which ids of the host it gets"}},
		{"joined without", func(s *specs.Spec) { addNamespace(s, "user", "/proc/1/ns/user") }, nil},
		{"joined with a copy", userns("/proc/1/ns/user", specs.LinuxIDMapping{HostID: 5, Size: 3}), nil},
		{"no root", userns("", specs.LinuxIDMapping{ContainerID: 1, Size: 1}),
			[]string{"linux.uidMappings: the id 0 of the container is not mapped: its root sets the container up"}},
		{"size 0", userns("", specs.LinuxIDMapping{Size: 5}, specs.LinuxIDMapping{ContainerID: 9, HostID: 9}),
			[]string{"linux.uidMappings[1].size: must not be 0"}},
		{"too far", userns("", specs.LinuxIDMapping{Size: 5}, specs.LinuxIDMapping{ContainerID: 9, HostID: 1<<32 - 1, Size: 2}),
			[]string{"linux.uidMappings[1].size: 2 ids from there on are more than 32 bits hold"}},
		{"overlap inside", userns("", specs.LinuxIDMapping{Size: 5}, specs.LinuxIDMapping{ContainerID: 4, HostID: 100, Size: 2}),
			[]string{"linux.uidMappings[1]: overlaps linux.uidMappings[0]"}},
		{"overlap outside", userns("", specs.LinuxIDMapping{Size: 5}, specs.LinuxIDMapping{ContainerID: 50, HostID: 4, Size: 2}),
			[]string{"linux.uidMappings[1]: overlaps linux.uidMappings[0]"}},
		{"too many", func(s *specs.Spec) { userns("", make([]specs.LinuxIDMapping, 341)...)(s) }, []string{
			"linux.uidMappings: more than 340 entries, the most that Linux takes",
			"linux.uidMappings: the id 0 of the container is not mapped: its root sets the container up"}},
		{"process not mapped", func(s *specs.Spec) {
			userns("", specs.LinuxIDMapping{HostID: 1000, Size: 1})(s)
			s.Process.User = specs.User{UID: 1, GID: 10, AdditionalGids: []uint32{9, 11}}
		}, []string{
			"process.user.uid: 1 is not mapped by linux.uidMappings",
			"process.user.gid: 10 is not mapped by linux.gidMappings",
			"process.user.additionalGids[1]: 11 is not mapped by linux.gidMappings"}},
	})
}

func TestValidateTimeAndNetwork(t *testing.T) {
	offsets := map[string]specs.LinuxTimeOffset{"monotonic": {Secs: -5}, "boottime": {Nanosecs: 999999999}}
	device := func(host, inside string) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Linux.NetDevices = map[string]specs.LinuxNetDevice{host: {Name: inside}} }
	}
	runFindings(t, []finding{
		{"offsets", func(s *specs.Spec) { addNamespace(s, "time", ""); s.Linux.TimeOffsets = offsets }, nil},
		{"no time namespace", func(s *specs.Spec) { s.Linux.TimeOffsets = offsets },
			[]string{"linux.timeOffsets: needs a time namespace in linux.namespaces"}},
		{"joined time namespace", func(s *specs.Spec) { addNamespace(s, "time", "/ns/time"); s.Linux.TimeOffsets = offsets },
			[]string{`linux.timeOffsets: cannot be set for the existing time namespace "/ns/time"`}},
		{"clocks", func(s *specs.Spec) {
			addNamespace(s, "time", "")
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"realtime": {}, "boottime": {Nanosecs: 1000000000}}
		}, []string{
			"linux.timeOffsets.boottime.nanosecs: 1000000000 is a second or more",
			"linux.timeOffsets.realtime: is not a clock that has an offset: monotonic or boottime"}},
		{"device", device("eth0", ""), nil},
		{"device renamed", device("eth0", "container_eth0"), nil},
		{"device template", device("eth0", "eth%d"), nil},
		{"long template", device("eth0", "eth89012345678%d"), []string{
			`linux.netDevices.eth0.name: "eth89012345678%d" is not the name of a network device`}},
		{"template inside", device("eth0", "e%dth"), []string{
			`linux.netDevices.eth0.name: "e%dth" is not the name of a network device`}},
		{"long name", device("eth0", "eth0123456789012"), []string{
			`linux.netDevices.eth0.name: "eth0123456789012" is not the name of a network device`}},
		{"host name", device("a/b", "."), []string{
			`linux.netDevices["a/b"]: is not the name of a network device`,
			`linux.netDevices["a/b"].name: "." is not the name of a network device`}},
		{"space", device("a b", ""), []string{`linux.netDevices["a b"]: is not the name of a network device`}},
		{"no network namespace", func(s *specs.Spec) {
			setNamespaces(s, specs.LinuxNamespace{Type: "uts"}, specs.LinuxNamespace{Type: "mount"})
			s.Linux.NetDevices = map[string]specs.LinuxNetDevice{"eth0": {}}
		}, []string{"linux.netDevices: needs a network namespace in linux.namespaces"}},
	})
}

func TestValidateSysctl(t *testing.T) {
	set := func(keys ...string) func(*specs.Spec) {
		return func(s *specs.Spec) {
			s.Linux.Sysctl = map[string]string{}
			for _, k := range keys {
				s.Linux.Sysctl[k] = "1"
			}
		}
	}
	without := func(keys ...string) func(*specs.Spec) {
		return func(s *specs.Spec) {
			set(keys...)(s)
			s.Hostname = ""
			setNamespaces(s, specs.LinuxNamespace{Type: "mount"})
		}
	}
	const host = ": it would change the host"
	runFindings(t, []finding{
		{"own namespaces", set("net.ipv4.ping_group_range", "net/ipv4/conf/eno2.100/rp_filter", "kernel.shmmax",
			"fs.mqueue.msg_max", "kernel.domainname"), nil},
		{"host's namespaces", without("net.ipv4.ip_forward", "kernel.sem", "fs/mqueue/msg_max", "kernel.domainname", "user.max_user_namespaces"), []string{
			`linux.sysctl["fs/mqueue/msg_max"]: needs a namespace of type ipc in linux.namespaces` + host,
			`linux.sysctl["kernel.domainname"]: needs a namespace of type uts in linux.namespaces` + host,
			`linux.sysctl["kernel.sem"]: needs a namespace of type ipc in linux.namespaces` + host,
			`linux.sysctl["net.ipv4.ip_forward"]: needs a namespace of type network in linux.namespaces` + host,
			`linux.sysctl["user.max_user_namespaces"]: needs a namespace of type user in linux.namespaces` + host}},
		{"no namespace", set("kernel.core_pattern", "vm.swappiness", "fs.file-max", "net"), []string{
			`linux.sysctl.net: belongs to no namespace` + host,
			`linux.sysctl["fs.file-max"]: belongs to no namespace` + host,
			`linux.sysctl["kernel.core_pattern"]: belongs to no namespace` + host,
			`linux.sysctl["vm.swappiness"]: belongs to no namespace` + host}},
		{"hostname", set("kernel.hostname"), []string{`linux.sysctl["kernel.hostname"]: is what the field hostname is for`}},
		{"escapes", set("net/../kernel/core_pattern", "net.//.kernel.core_pattern", "net//x", "", "net.ipv4."), []string{
			`linux.sysctl[""]: is not the name of a kernel parameter`,
			`linux.sysctl["net.//.kernel.core_pattern"]: is not the name of a kernel parameter`,
			`linux.sysctl["net.ipv4."]: is not the name of a kernel parameter`,
			`linux.sysctl["net/../kernel/core_pattern"]: is not the name of a kernel parameter`,
			`linux.sysctl["net//x"]: is not the name of a kernel parameter`}},
		{"NUL", func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"net.core.somaxconn": "1\x00"} },
			[]string{`linux.sysctl["net.core.somaxconn"]: contains a NUL byte: "1\x00"`}},
	})
}

func TestSysctlPath(t *testing.T) {
	for key, want := range map[string]string{
		"net.ipv4.ip_forward":              "net/ipv4/ip_forward",
		"net/ipv4/ip_forward":              "net/ipv4/ip_forward",
		"net.ipv4.conf.eno2/100.rp_filter": "net/ipv4/conf/eno2.100/rp_filter",
		"net/ipv4/conf/eno2.100/rp_filter": "net/ipv4/conf/eno2.100/rp_filter",
		"single":                           "single",
	} {
		if got, err := SysctlPath(key); err != nil || got != want {
			t.Errorf("SysctlPath(%q) = %q, %v, want %q", key, got, err, want)
		}
	}
}

func TestValidateMounts(t *testing.T) {
	add := func(m specs.Mount) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Mounts = append(s.Mounts, m) }
	}
	ids := []specs.LinuxIDMapping{{HostID: 1000, Size: 1}}
	opts := func(o ...string) []string { return o }
	const noType = "mounts[7].type: empty: a mount that is not a bind mount needs a file system type; " +
		"only one without a source may change the propagation of what is mounted there"
	runFindings(t, []finding{
		{"bind", add(specs.Mount{Destination: "/data", Source: "/srv", Type: "none", Options: opts("rbind", "ro", "")}), nil},
		{"relative bind source", add(specs.Mount{Destination: "/data", Source: "srv", Type: "bind"}), nil},
		{"unknown option is data", add(specs.Mount{Destination: "/t", Type: "tmpfs", Options: opts("huge=always")}), nil},
		{"propagation only", add(specs.Mount{Destination: "/t", Options: opts("rshared")}), nil},
		{"no destination", add(specs.Mount{Type: "tmpfs"}), []string{"mounts[7].destination: empty: a path in the container is needed"}},
		{"no source", add(specs.Mount{Destination: "/d", Options: opts("bind")}),
			[]string{"mounts[7].source: empty: a bind mount needs the path that is bound"}},
		{"no type", add(specs.Mount{Destination: "/d", Source: "x"}),
			[]string{noType}},
		{"propagation of a source", add(specs.Mount{Destination: "/d", Source: "/src", Options: opts("rshared")}), []string{noType}},
		{"remount", add(specs.Mount{Destination: "/d", Source: "tmpfs", Options: opts("remount", "ro")}), nil},
		{"NUL", add(specs.Mount{Destination: "/d\x00", Source: "\x00", Type: "\x00", Options: opts("a", "\x00")}), []string{
			`mounts[7].destination: contains a NUL byte: "/d\x00"`,
			`mounts[7].type: contains a NUL byte: "\x00"`,
			`mounts[7].source: contains a NUL byte: "\x00"`,
			`mounts[7].options[1]: contains a NUL byte: "\x00"`}},
		{"mapped", add(specs.Mount{Destination: "/d", Source: "/s", Type: "bind", UIDMappings: ids, GIDMappings: ids}), nil},
		{"mapped tmpfs", add(specs.Mount{Destination: "/d", Type: "tmpfs", UIDMappings: ids, GIDMappings: ids}),
			[]string{"mounts[7]: only a bind mount can have its ids mapped"}},
		{"half mapped", add(specs.Mount{Destination: "/d", Source: "/s", Type: "bind", UIDMappings: ids}),
			[]string{"mounts[7].gidMappings: empty, but there are uidMappings: both are needed"}},
		{"other half mapped", add(specs.Mount{Destination: "/d", Source: "/s", Type: "bind", GIDMappings: ids}),
			[]string{"mounts[7].uidMappings: empty, but there are gidMappings: both are needed"}},
		{"mapping of nothing", add(specs.Mount{Destination: "/d", Source: "/s", Type: "bind", UIDMappings: []specs.LinuxIDMapping{{}}, GIDMappings: ids}),
			[]string{"mounts[7].uidMappings[0].size: must not be 0"}},
		{"idmap without mappings", add(specs.Mount{Destination: "/d", Source: "/s", Options: opts("bind", "idmap")}),
			[]string{"mounts[7].options: idmap without uidMappings and gidMappings takes those of the container, which has no user namespace in linux.namespaces"}},
		{"idmap as the container", func(s *specs.Spec) {
			addNamespace(s, "user", "/proc/1/ns/user")
			add(specs.Mount{Destination: "/d", Source: "/s", Options: opts("bind", "ridmap")})(s)
		}, nil},
	})
}

func TestValidateDevices(t *testing.T) {
	add := func(d specs.LinuxDevice) func(*specs.Spec) {
		return func(s *specs.Spec) { s.Linux.Devices = []specs.LinuxDevice{d} }
	}
	runFindings(t, []finding{
		{"greatest", add(specs.LinuxDevice{Path: "/dev/x", Type: "b", Major: 4095, Minor: 1048575}), nil},
		{"fifo needs no numbers", add(specs.LinuxDevice{Path: "/dev/x", Type: "p", Major: -1, Minor: -1}), nil},
		{"relative", add(specs.LinuxDevice{Path: "x", Type: "c"}), []string{`linux.devices[0].path: "x" is not an absolute path`}},
		{"no type", add(specs.LinuxDevice{Path: "/x"}), []string{`linux.devices[0].type: missing, like "c"`}},
		{"type a", add(specs.LinuxDevice{Path: "/x", Type: "a"}),
			[]string{`linux.devices[0].type: "a" is not a kind of device: c, b, u or p`}},
		{"numbers", add(specs.LinuxDevice{Path: "/x", Type: "u", Major: 4096, Minor: -1}), []string{
			"linux.devices[0].major: 4096 is not from 0 to 4095",
			"linux.devices[0].minor: -1 is not from 0 to 1048575"}},
	})
}
