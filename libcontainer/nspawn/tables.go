package nspawn

import (
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// The mounts of nspawn's tables (nspawn-mount.c, systemd 257) in OCI form. A
// bundle that we write has them; Adapt adds the ones that an engine left out.

func mount(destination, kind, source string, options ...string) specs.Mount {
	return specs.Mount{Destination: destination, Type: kind, Source: source, Options: options}
}

// MountProc is procfs, without hidepid or subset.
func MountProc() specs.Mount { return mount("/proc", "proc", "proc", "nosuid", "noexec", "nodev") }

// MountDev is the tmpfs of device nodes; it alone may hold them.
func MountDev() specs.Mount {
	return mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=0755", "size=4m", "nr_inodes=64k")
}

// MountDevpts is a devpts of its own, with the modes of Debian's build.
func MountDevpts() specs.Mount {
	return mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0600", "gid=5")
}

// MountShm is POSIX shared memory.
func MountShm() specs.Mount {
	return mount("/dev/shm", "tmpfs", "tmpfs", "nosuid", "nodev", "strictatime", "mode=01777", "size=10%", "nr_inodes=400k")
}

// MountMqueue is POSIX message queues.
func MountMqueue() specs.Mount {
	return mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev")
}

// MountRun is /run, which PID 1 expects to be empty and writable.
func MountRun() specs.Mount {
	return mount("/run", "tmpfs", "tmpfs", "nosuid", "nodev", "strictatime", "mode=0755", "size=20%", "nr_inodes=800k")
}

// MountRunLock is /run/lock as Debian's systemd would mount it.
func MountRunLock() specs.Mount {
	return mount("/run/lock", "tmpfs", "tmpfs", "nosuid", "nodev", "noexec", "mode=01777", "size=5m")
}

// MountTmp is /tmp; programs may be run from it.
func MountTmp() specs.Mount {
	return mount("/tmp", "tmpfs", "tmpfs", "nosuid", "nodev", "strictatime", "mode=01777", "size=10%", "nr_inodes=400k")
}

// MountSys is sysfs, read-only: to systemd that is the test for "no udev here".
func MountSys() specs.Mount {
	return mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro")
}

// MountCgroup is the container's own cgroup hierarchy, writable.
func MountCgroup() specs.Mount {
	return mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "rw")
}

// mountRunHost is the directory that the manager talks to its payload in. It
// is a tmpfs of its own, so that it is the same whatever a bundle has on /run.
func mountRunHost() specs.Mount {
	return mount(RunHost, "tmpfs", "tmpfs", "nosuid", "noexec", "nodev", "mode=0755", "size=4m", "nr_inodes=1k")
}

// MaskedPaths are the files below /proc that nobody in the container reads.
func MaskedPaths() []string {
	return []string{"/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list"}
}

// ReadonlyPaths are the kernel's settings that nobody in the container changes.
func ReadonlyPaths() []string {
	return []string{"/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/scsi", "/proc/sys"}
}

const infinity = ^uint64(0)

// Rlimits are those of the kernel's PID 1, which nspawn gives its payload in
// place of the caller's. nrOpen is the host's fs.nr_open, 0 when not known.
// NPROC and SIGPENDING, which nspawn copies from the host's PID 1, are left to
// the runtime.
func Rlimits(nrOpen uint64) []specs.POSIXRlimit {
	const mib = 1 << 20
	files := uint64(524288)
	if nrOpen != 0 {
		files = min(files, nrOpen)
	}
	return []specs.POSIXRlimit{
		{Type: "RLIMIT_AS", Soft: infinity, Hard: infinity},
		{Type: "RLIMIT_CORE", Soft: 0, Hard: infinity},
		{Type: "RLIMIT_CPU", Soft: infinity, Hard: infinity},
		{Type: "RLIMIT_DATA", Soft: infinity, Hard: infinity},
		{Type: "RLIMIT_FSIZE", Soft: infinity, Hard: infinity},
		{Type: "RLIMIT_LOCKS", Soft: infinity, Hard: infinity},
		{Type: "RLIMIT_MEMLOCK", Soft: 8 * mib, Hard: 8 * mib},
		{Type: "RLIMIT_MSGQUEUE", Soft: 819200, Hard: 819200},
		{Type: "RLIMIT_NICE", Soft: 0, Hard: 0},
		{Type: "RLIMIT_NOFILE", Soft: min(1024, files), Hard: files},
		{Type: "RLIMIT_RSS", Soft: infinity, Hard: infinity},
		{Type: "RLIMIT_RTPRIO", Soft: 0, Hard: 0},
		{Type: "RLIMIT_RTTIME", Soft: infinity, Hard: infinity},
		{Type: "RLIMIT_STACK", Soft: 8 * mib, Hard: infinity},
	}
}

// ClipRlimits lowers limits to the hard limits of who has to set them without
// CAP_SYS_RESOURCE; what hard does not name stays.
func ClipRlimits(list, hard []specs.POSIXRlimit) []specs.POSIXRlimit {
	for i := range list {
		for _, h := range hard {
			if h.Type == list[i].Type {
				list[i].Hard = min(list[i].Hard, h.Hard)
				list[i].Soft = min(list[i].Soft, list[i].Hard)
			}
		}
	}
	return list
}

func limitText(v uint64) string {
	if v == infinity {
		return "unlimited"
	}
	return strconv.FormatUint(v, 10)
}
