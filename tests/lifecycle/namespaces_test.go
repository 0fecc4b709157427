package lifecycle

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/require"
)

// kinds are the namespaces by the specification's names and /proc's.
var kinds = []struct {
	kind specs.LinuxNamespaceType
	file string
}{
	{specs.PIDNamespace, "pid"}, {specs.NetworkNamespace, "net"}, {specs.IPCNamespace, "ipc"}, {specs.UTSNamespace, "uts"},
	{specs.MountNamespace, "mnt"}, {specs.UserNamespace, "user"}, {specs.CgroupNamespace, "cgroup"}, {specs.TimeNamespace, "time"},
}

func namespaceOf(t *testing.T, pid int, file string) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, file))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// TestNewNamespaces shows that a container has exactly the namespaces of its own that it asked for.
func TestNewNamespaces(t *testing.T) {
	sets := map[string][]string{
		"usual":       {"pid", "net", "ipc", "uts", "mnt"},
		"all":         {"pid", "net", "ipc", "uts", "mnt", "user", "cgroup", "time"},
		"all but net": {"pid", "ipc", "uts", "mnt", "cgroup", "time"},
		"mount":       {"mnt"},
		"user":        {"mnt", "user"},
		"user, pid":   {"mnt", "user", "pid"},
		"time":        {"mnt", "time"},
	}
	for name, set := range sets {
		t.Run(name, func(t *testing.T) {
			c := sleeping(t, func(s *specs.Spec) {
				s.Linux.Namespaces, s.Hostname = nil, ""
				for _, k := range kinds {
					for _, f := range set {
						if k.file == f && f == "user" {
							fixtures.WithUserNamespace(100000, 65536)(s)
						} else if k.file == f {
							fixtures.WithNamespace(k.kind, "")(s)
						}
					}
				}
				s.Mounts = s.Mounts[1:2] // a tmpfs on /dev; the others need namespaces of their own
				s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil
			})
			pid := c.State().Pid
			for _, k := range kinds {
				own := namespaceOf(t, pid, k.file) != namespaceOf(t, os.Getpid(), k.file)
				if wanted := strings.Contains(" "+strings.Join(set, " ")+" ", " "+k.file+" "); own != wanted {
					t.Errorf("%s namespace of its own: %v, want %v", k.file, own, wanted)
				}
			}
			want(t, "exec", c.Must("exec", c.ID, "echo", "here"), "here")
		})
	}
}

// TestJoinedNamespaces makes a second container in namespaces of a first.
func TestJoinedNamespaces(t *testing.T) {
	require.Root(t)
	first := sleeping(t, fixtures.WithNamespace(specs.TimeNamespace, ""), fixtures.WithNamespace(specs.CgroupNamespace, ""))
	pid := first.State().Pid
	for _, k := range kinds {
		if k.kind == specs.UserNamespace || k.kind == specs.MountNamespace {
			continue
		}
		t.Run(k.file, func(t *testing.T) {
			second := sleeping(t, fixtures.WithNamespace(k.kind, fmt.Sprintf("/proc/%d/ns/%s", pid, k.file)), func(s *specs.Spec) {
				if k.kind == specs.UTSNamespace {
					s.Hostname = ""
				}
			})
			if got, wanted := namespaceOf(t, second.State().Pid, k.file), namespaceOf(t, pid, k.file); got != wanted {
				t.Errorf("%s, want %s", got, wanted)
			}
			want(t, "exec", second.Must("exec", second.ID, "echo", "here"), "here")
		})
	}
	t.Run("user", func(t *testing.T) {
		owner := sleeping(t, fixtures.WithUserNamespace(100000, 65536))
		pid := owner.State().Pid
		second := sleeping(t, fixtures.WithNamespace(specs.UserNamespace, fmt.Sprintf("/proc/%d/ns/user", pid)),
			fixtures.WithNamespace(specs.NetworkNamespace, fmt.Sprintf("/proc/%d/ns/net", pid)))
		if got, wanted := namespaceOf(t, second.State().Pid, "user"), namespaceOf(t, pid, "user"); got != wanted {
			t.Errorf("%s, want %s", got, wanted)
		}
		want(t, "exec", second.Must("exec", second.ID, "id", "-u"), "0")
	})
	t.Run("user and others", func(t *testing.T) { // in whatever order, and whoever owns them
		owner := sleeping(t, fixtures.WithUserNamespace(100000, 65536)).State().Pid
		for _, order := range [][]string{{"user", "net", "ipc", "pid"}, {"net", "user", "ipc", "pid"}, {"pid", "ipc", "net", "user"}} {
			for whose, others := range map[string]int{"the host's": pid, "its own": owner} {
				second := sleeping(t, joining(order, func(file string) int {
					if file == "user" {
						return owner
					}
					return others
				}), func(s *specs.Spec) {
					s.Mounts, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = s.Mounts[1:2], nil, nil // a tmpfs on /dev
				})
				for _, file := range order {
					from := others
					if file == "user" {
						from = owner
					}
					want(t, fmt.Sprintf("with %s and as %v: %s", whose, order, file), namespaceOf(t, second.State().Pid, file), namespaceOf(t, from, file))
				}
				want(t, "exec", second.Must("exec", second.ID, "id", "-u"), "0")
			}
		}
	})
	t.Run("mount", func(t *testing.T) {
		second := sleeping(t, fixtures.WithNamespace(specs.MountNamespace, fmt.Sprintf("/proc/%d/ns/mnt", pid)), func(s *specs.Spec) {
			s.Mounts, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths = nil, nil, nil
			s.Root.Path = "/"
		})
		if got, wanted := namespaceOf(t, second.State().Pid, "mnt"), namespaceOf(t, pid, "mnt"); got != wanted {
			t.Errorf("%s, want %s", got, wanted)
		}
	})
	t.Run("wrong type", func(t *testing.T) {
		wantIn(t, "message", refused(t, fixtures.WithNamespace(specs.NetworkNamespace, fmt.Sprintf("/proc/%d/ns/ipc", pid))), "not a namespace of that type")
	})
	t.Run("missing", func(t *testing.T) {
		wantIn(t, "message", refused(t, fixtures.WithNamespace(specs.NetworkNamespace, "/none/such")), "no such file or directory")
	})
	t.Run("no namespace", func(t *testing.T) {
		refused(t, fixtures.WithNamespace(specs.NetworkNamespace, "/etc/passwd"))
	})
}

// joining joins namespaces, by the names of /proc and in that order, of the processes that pid says.
func joining(order []string, pid func(file string) int) change {
	return func(s *specs.Spec) {
		for _, file := range order {
			for _, k := range kinds {
				if k.file == file {
					fixtures.WithNamespace(k.kind, fmt.Sprintf("/proc/%d/ns/%s", pid(file), file))(s)
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	got := output(t, func(s *specs.Spec) { s.Hostname, s.Domainname = "a-host", "a-domain" },
		fixtures.Shell("hostname; cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname"))
	want(t, "names", got, "a-host\na-host\na-domain")
}

func TestSysctls(t *testing.T) {
	got := output(t, func(s *specs.Spec) {
		s.Linux.Sysctl = map[string]string{"kernel.msgmax": "4242", "net.ipv4.ip_forward": "1", "net/ipv4/ip_default_ttl": "77", "fs.mqueue.msg_max": "11"}
	}, fixtures.Shell("cd /proc/sys; cat kernel/msgmax net/ipv4/ip_forward net/ipv4/ip_default_ttl fs/mqueue/msg_max"))
	want(t, "sysctls", got, "4242\n1\n77\n11")
	wantIn(t, "message", refused(t, func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"kernel.panic": "1"} }), "kernel.panic")
	wantIn(t, "message", refused(t, func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"net.none.such": "1"} }), "net.none.such")
}

func TestTimeOffsets(t *testing.T) {
	require.File(t, "/proc/self/timens_offsets")
	got := output(t, fixtures.WithNamespace(specs.TimeNamespace, ""), func(s *specs.Spec) {
		s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"boottime": {Secs: 1000000}, "monotonic": {Secs: 7, Nanosecs: 9}}
	}, fixtures.Shell("cut -d. -f1 /proc/uptime; tr -s ' ' </proc/self/timens_offsets"))
	fields := strings.Fields(got)
	if up, err := strconv.Atoi(fields[0]); err != nil || up < 1000000 {
		t.Errorf("uptime is %s", fields[0])
	}
	wantIn(t, "offsets", strings.ReplaceAll(got, "\t", " "), "boottime 1000000 0")
	wantIn(t, "offsets", strings.ReplaceAll(got, "\t", " "), "monotonic 7 9")
}

func TestMappings(t *testing.T) {
	got := output(t, fixtures.WithNamespace(specs.UserNamespace, ""), func(s *specs.Spec) {
		s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 100000, Size: 10}, {ContainerID: 1000, HostID: 200000, Size: 5}}
		s.Linux.GIDMappings = []specs.LinuxIDMapping{{ContainerID: 0, HostID: 300000, Size: 2000}}
		s.Process.User = specs.User{UID: 1000, GID: 1000, AdditionalGids: []uint32{5}}
	}, fixtures.Shell("id -u; id -G; tr -s ' ' </proc/self/uid_map; tr -s ' ' </proc/self/gid_map"))
	want(t, "ids", got, "1000\n1000 5\n 0 100000 10\n 1000 200000 5\n 0 300000 2000")
}

// TestNetDevices moves devices of the host into the container.
func TestNetDevices(t *testing.T) {
	require.Root(t)
	ip := require.Program(t, "ip")
	if out, err := exec.Command(ip, "link", "add", "gsptest0", "type", "veth", "peer", "name", "gsptest1").CombinedOutput(); err != nil {
		t.Skipf("no veth devices here: %s", out)
	}
	defer func() { _ = exec.Command(ip, "link", "delete", "gsptest0").Run() }()
	if out, err := exec.Command(ip, "addr", "add", "192.0.2.7/24", "dev", "gsptest0").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := output(t, func(s *specs.Spec) {
		s.Linux.NetDevices = map[string]specs.LinuxNetDevice{"gsptest0": {Name: "lan"}, "gsptest1": {}}
	}, fixtures.Shell("ls /sys/class/net | tr '\\n' ' '; ip addr show lan"))
	wantIn(t, "devices", got, "gsptest1 lan lo")
	wantIn(t, "addresses", got, "192.0.2.7/24")
	if _, err := os.Stat("/sys/class/net/gsptest0"); err == nil {
		t.Error("the device is still the host's")
	}
	wantIn(t, "message", refused(t, func(s *specs.Spec) {
		s.Linux.NetDevices = map[string]specs.LinuxNetDevice{"gspnone": {}}
	}), "gspnone")
}

// device makes a network device of the host that goes with its namespace, or skips. Its name is prefix with the process ID.
func device(t *testing.T, prefix string) string {
	t.Helper()
	require.Root(t)
	require.Program(t, "ip")
	if deviceKind() == "" {
		t.Skip("this kernel has neither dummy nor ifb devices")
	}
	name := fmt.Sprintf("%s%x", prefix, os.Getpid())
	if out, err := exec.Command("ip", "link", "add", name, "type", deviceKind()).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "link", "delete", name).Run() })
	return name
}

// TestNetDevicesComeEarly: hooks find the devices in the container, and sysctls can be about them.
func TestNetDevicesComeEarly(t *testing.T) {
	name := device(t, "gspe")
	outside, inside := filepath.Join(t.TempDir(), "outside"), filepath.Join(t.TempDir(), "inside")
	got := output(t, func(s *specs.Spec) {
		s.Linux.NetDevices = map[string]specs.LinuxNetDevice{name: {Name: "lan0"}}
		s.Linux.Sysctl = map[string]string{"net.ipv4.conf.lan0.forwarding": "1"}
		s.Hooks = &specs.Hooks{
			CreateRuntime:   outsideHook("cat /proc/net/dev >" + outside),
			CreateContainer: outsideHook("cat /proc/net/dev >" + inside), // by the host's paths
		}
	}, fixtures.Shell("cat /proc/sys/net/ipv4/conf/lan0/forwarding"))
	want(t, "forwarding", got, "1")
	if text, err := os.ReadFile(outside); err != nil || strings.Contains(string(text), name) {
		t.Errorf("the host still has the device when the createRuntime hook runs: %s %v", text, err)
	}
	if text, err := os.ReadFile(inside); err != nil || !strings.Contains(string(text), "lan0:") {
		t.Errorf("the createContainer hook does not see the device: %s %v", text, err)
	}
}

// TestVethComesEarly: the same of the pair that an annotation asks for.
func TestVethComesEarly(t *testing.T) {
	require.Root(t)
	ip := require.Program(t, "ip")
	if out, err := exec.Command(ip, "link", "add", "gsptest0", "type", "veth", "peer", "name", "gsptest1").CombinedOutput(); err != nil {
		t.Skipf("no veth devices here: %s", out)
	}
	_ = exec.Command(ip, "link", "delete", "gsptest0").Run()
	want(t, "forwarding", output(t, func(s *specs.Spec) {
		s.Annotations = map[string]string{"io.gspawn.network": "veth"}
		s.Linux.Sysctl = map[string]string{"net.ipv4.conf.host0.forwarding": "1"}
	}, fixtures.Shell("cat /proc/sys/net/ipv4/conf/host0/forwarding")), "1")
}

// TestNetDevicesComeBack: the host has its devices again, as they were, when the container does not come to be for another
// reason; in a network namespace that ends they would end too, and in one that stays they would be lost in it.
func TestNetDevicesComeBack(t *testing.T) {
	owner := sleeping(t)
	for name, change := range map[string]change{
		"new":    func(*specs.Spec) {},
		"joined": fixtures.WithNamespace(specs.NetworkNamespace, fmt.Sprintf("/proc/%d/ns/net", owner.State().Pid)),
		"mapped": fixtures.WithUserNamespace(100000, 65536),
	} {
		t.Run(name, func(t *testing.T) {
			name := device(t, "gspb")
			if out, err := exec.Command("ip", "addr", "add", "192.0.2.9/24", "dev", name).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			message := refused(t, change, fixtures.Args("/none/such"), func(s *specs.Spec) {
				s.Linux.NetDevices = map[string]specs.LinuxNetDevice{name: {Name: "lan"}}
			})
			wantIn(t, "message", message, "stat /none/such")
			out, err := exec.Command("ip", "-o", "addr", "show", "dev", name).CombinedOutput()
			if err != nil || !strings.Contains(string(out), "192.0.2.9/24") {
				t.Errorf("the device after the failure: %s %v", out, err)
			}
		})
	}
}

// TestLoopback: a new network namespace has the loopback device, with its address; one without a device up is of no use to
// programs that talk to themselves.
func TestLoopback(t *testing.T) {
	script := fixtures.Shell("ip -4 -o address show dev lo | grep -o '127.0.0.1/8'; ip link show lo | grep -o LOOPBACK,UP")
	want(t, "lo", output(t, script), "127.0.0.1/8\nLOOPBACK,UP")
	want(t, "lo", output(t, fixtures.WithUserNamespace(100000, 65536), script), "127.0.0.1/8\nLOOPBACK,UP")
}
