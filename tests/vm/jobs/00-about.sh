# What the machine is.
. /job/job.subr
uname -a
systemctl is-system-running --wait
systemctl --failed --no-legend
cat /proc/cmdline
mount | grep cgroup
gspawn-oci --version
ls /trees
check 'cgroup2 is mounted' grep -q '^cgroup2 /sys/fs/cgroup ' /proc/mounts
check 'every controller is there' grep -q 'cpuset cpu io memory.*pids' /sys/fs/cgroup/cgroup.controllers
finish 2
