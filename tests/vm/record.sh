#!/bin/sh
# Runs in a booted system, after it is up: writes what it sees of its surroundings to /var/record, a file a subject,
# sorted and without what differs between any two boots (numbers of mounts, process ids).
out=/var/record
mkdir -p $out
# Mount point, options, type, source, super options, propagation. Sizes that are a share of the memory are shown as that.
memory=$(awk '/^MemTotal/ { print $2 }' /proc/meminfo)
awk -v memory="$memory" '{ sep = 0; for (i = 7; i <= NF; i++) if ($i == "-") sep = i
	if (match($(sep+3), /size=[0-9]+k/)) {
		percent = int(substr($(sep+3), RSTART + 5, RLENGTH - 6) / memory * 100 + 0.5)
		if (percent > 0) sub(/size=[0-9]+k/, "size=" percent "%", $(sep+3))
		if ($(sep+1) == "devtmpfs") sub(/,nr_inodes=[0-9]+/, "", $(sep+3))
	}
	tags = ""; for (i = 7; i < sep; i++) { t = $i; sub(/:.*/, "", t); tags = tags " " t }
	print $5, $6, $(sep+1), $(sep+2), $(sep+3), tags }' /proc/1/mountinfo | sort >$out/mounts
grep -E '^(Cap|Seccomp|NoNewPrivs|Uid|Gid|Groups)' /proc/1/status >$out/status
tr '\0' '\n' </proc/1/environ | sort >$out/environment
tr '\0' '\n' </proc/1/cmdline >$out/arguments
cat /proc/1/cgroup >$out/cgroup
stat -c '%n %U %G %a' /sys/fs/cgroup /sys/fs/cgroup/* 2>/dev/null | sort >$out/cgroup-files
cat /sys/fs/cgroup/cgroup.controllers >$out/cgroup-controllers
find /run/host -printf '%p %y %m %U %G %l\n' 2>/dev/null | sort >$out/run-host
find /dev -path /dev/pts/[0-9]\* -prune -o -printf '%p %y %m %U %G %l\n' | sort >$out/dev
for f in /dev/*; do [ -c "$f" ] && stat -c '%n %t:%T' "$f"; done | sort >$out/dev-numbers
cat /proc/1/limits >$out/limits
cat /proc/1/oom_score_adj >$out/oom_score_adj
readlink /proc/1/ns/* | sed 's/:.*//' >$out/namespaces
for s in kernel/hostname kernel/domainname kernel/random/boot_id net/ipv4/ip_forward; do
	[ -r /proc/sys/$s ] && echo "$s $(stat -c '%U %a' /proc/sys/$s)"
done >$out/sysctls
for p in /proc/sys /proc/sys/net /sys /proc/sysrq-trigger /proc/kmsg /dev/kmsg /proc/sys/kernel /sys/fs/cgroup /sys/fs/cgroup/init.scope; do
	if [ -w $p ]; then echo "$p writable"; else echo "$p not writable"; fi
done >$out/writable
ulimit -a >$out/ulimit-of-a-service 2>&1
stat -c '%F %a' / >$out/root
umask >$out/umask
cat /proc/1/personality >$out/personality 2>/dev/null
systemd-detect-virt >$out/virtualisation
systemctl --failed --plain --no-legend >$out/failed-units
hostname >$out/hostname 2>/dev/null || cat /proc/sys/kernel/hostname >$out/hostname
cat /etc/machine-id >$out/machine-id
stat -c '%a %U' /run /run/lock /tmp /dev/shm /run/host >$out/directories 2>&1
touch /var/recorded
