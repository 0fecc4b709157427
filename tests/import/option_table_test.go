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
	{name: "machine", args: []string{"--machine=m-1"}, run: `busybox hostname`, config: []string{`"hostname":"m-1"`}, want: []string{"m-1\n"}},
	{name: "machine, bad", args: []string{"--machine=bad name"}, refuse: "machine name"},
	{name: "hostname", args: []string{"--hostname=h.example"}, run: `busybox hostname`, want: []string{"h.example\n"}},
	{name: "hostname, bad", args: []string{"--hostname=bad name!"}, refuse: "only letters, digits, - and . may be in it"},
	{name: "read-only", args: []string{"--read-only"}, run: `busybox touch /new || echo refused`, config: []string{`"readonly":true`}, want: []string{"refused"}},
	{name: "bind, relative", args: []string{"--bind=here:/mnt"}, files: map[string]string{"here": "from the host\n"}, run: `cat /mnt`, want: []string{"from the host"}},
	{name: "bind-ro", args: []string{"--bind-ro=/etc/hostname:/mnt"}, run: `echo x >/mnt || echo refused`, want: []string{"refused"}},
	{name: "tmpfs", args: []string{"--tmpfs=/mnt:size=1M"}, run: `busybox grep /mnt /proc/mounts`, want: []string{"tmpfs /mnt tmpfs", "size=1024k"}},
	{name: "env", args: []string{"--env=A=b c", "--env=HOME"}, run: `echo "A is $A"`, config: []string{`"A=bc"`}, want: []string{"A is b c"}},
	{name: "user", args: []string{"--user=web"}, run: `busybox id`, config: []string{`"uid":1000`}, want: []string{"uid=1000(web) gid=1000(web)"}},
	{name: "memory, cpus and pids", args: []string{"--memory=64M", "--cpus=0.5", "--pids=20"},
		config: []string{`"limit":67108864`, `"quota":50000,"period":100000`, `"pids":{"limit":20}`},
		run:    `for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do busybox sleep 1 & done`, want: []string{"can't fork"}, fails: true},
	{name: "capability", args: []string{"--capability=CAP_NET_ADMIN", "--drop-capability=CAP_CHOWN,CAP_KILL"},
		run: `busybox grep CapEff /proc/self/status`, want: []string{"CapEff:"}, config: []string{`"CAP_NET_ADMIN"`}, lacks: []string{`"CAP_CHOWN"`, `"CAP_KILL"`}},
	{name: "system call filter", args: []string{"--system-call-filter=~@chown"},
		run: `busybox grep Seccomp: /proc/self/status; busybox touch /a; busybox chown 1 /a || echo refused`, want: []string{"Seccomp:\t2", "refused"}},
	{name: "settings", args: []string{"--settings=box.nspawn"}, files: map[string]string{"box.nspawn": "[Exec]\nPersonality=x86\nKillSignal=SIGINT\nCPUAffinity=0\nMachineID=0123456789abcdef0123456789abcdef\nTimezone=bind\nEphemeral=yes\nEnvironment=A=b\n[Network]\nVirtualEthernet=yes\nPort=80\n"},
		run:    `busybox uname -m; echo $container_uuid; busybox grep Cpus_allowed_list /proc/self/status; busybox ls /sys/class/net`,
		config: []string{`"org.opencontainers.image.stopSignal":"SIGINT"`, `"domain":"LINUX32"`}, lacks: []string{"io.gspawn.options", "Port="},
		want: []string{"01234567-89ab-cdef-0123-456789abcdef", "Cpus_allowed_list:\t0\n", "host0"}, notice: "Port= has no effect on a bundle"},
	{name: "settings, notices", args: []string{"--settings=box.nspawn"}, files: map[string]string{"box.nspawn": "[Exec]\nTimezone=bind\nEphemeral=yes\nLinkJournal=no\n"},
		notice: "Ephemeral= has no effect on a bundle"},
	{name: "private users no", args: []string{"--private-users=no"}, run: `cat /proc/self/uid_map`, want: []string{"4294967295"}},
}

func hostNetwork() string {
	name, _ := os.Readlink("/proc/self/ns/net")
	return name
}
