package importtest

import "os"

// options has a row for each option of import that changes the container.
var options = []option{
	{name: "volatile yes", args: []string{"--volatile=yes"},
		run:    `busybox touch /new /etc/new && echo written; busybox touch /usr/new || echo usr is read-only; busybox ls / | busybox tr '\n' ' '; busybox ls /var`,
		config: []string{`"io.gspawn.volatile":"yes"`}, want: []string{"written", "usr is read-only", "bin dev etc new proc root run sys usr var"}},
	{name: "volatile overlay", args: []string{"--volatile=overlay"},
		run:    `echo new >/var/data && busybox touch /usr/new && cat /var/data; busybox cat /proc/mounts | busybox grep ' / '`,
		config: []string{`"io.gspawn.volatile":"overlay"`}, want: []string{"new\n", "overlay / overlay"}},
	{name: "volatile overlay, private users", args: []string{"--volatile=overlay", "--private-users=300000", "--copy"},
		run: `echo new >/var/data && echo written; busybox stat -c %u:%g / /var/data`, want: []string{"written", "0:0\n0:0"}},
	{name: "volatile overlay, private users, in place", args: []string{"--volatile=overlay", "--private-users=300000"},
		run: `echo new >/var/data && echo written; busybox stat -c %u:%g / /var/data`, want: []string{"written", "0:0\n0:0"}},
	{name: "volatile state", args: []string{"--volatile=state"},
		run: `busybox touch /var/new && echo var; busybox touch /new || echo read-only`, want: []string{"var", "read-only"}},
	{name: "private users N, in place", args: []string{"--private-users=300000"},
		config: []string{`"io.gspawn.private-users-ownership":"map"`, `"hostID":300000,"size":65536`},
		run:    `busybox stat -c %u:%g /var/data; busybox touch /etc/mine && busybox stat -c %u /etc/mine; cat /proc/self/uid_map`, want: []string{"0:0\n0\n", "300000      65536"}},
	{name: "private users N:M, copied", args: []string{"--private-users=300000:70000", "--copy"},
		run: `busybox stat -c %u:%g /var/data; cat /proc/self/uid_map`, want: []string{"0:0\n", "300000      70000"}},
	{name: "private users pick", args: []string{"--private-users=pick"}, run: `busybox stat -c %u /var/data; cat /proc/self/uid_map`, want: []string{"0\n", " 65536"}},
	{name: "private users, host network", args: []string{"--private-users=300000", "--network=host"},
		run: `busybox ls /sys/class/net && echo runs; busybox touch /sys/x || echo read-only`, want: []string{"runs", "read-only"}},
	{name: "network host", args: []string{"--network=host"}, run: `busybox readlink /proc/self/ns/net`, want: []string{hostNetwork()}},
	{name: "network private", args: []string{"--network=private"}, run: `busybox ls /sys/class/net | busybox tr '\n' .`, want: []string{"lo."}},
	{name: "network veth", args: []string{"--network=veth", "--machine=a-very-long-machine-name"}, config: []string{`"io.gspawn.network":"veth"`},
		run: `busybox ls /sys/class/net | busybox tr '\n' .; cat /sys/class/net/host0/address`, want: []string{"host0.lo."}},
	{name: "private users no", args: []string{"--private-users=no"}, run: `cat /proc/self/uid_map`, want: []string{"4294967295"}},
}

func hostNetwork() string {
	name, _ := os.Readlink("/proc/self/ns/net")
	return name
}
