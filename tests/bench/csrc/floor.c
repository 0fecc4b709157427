// The floor: a bare C program that makes, for one container, the system calls that the default configuration of
// `runc spec` asks for on cgroup v2, and nothing else: no configuration is read, no state kept, no error explained.
// What a runtime takes beyond this is its own cost. Usage: floor ROOTFS CGROUP-DIRECTORY PROGRAM
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHK(x) do { if ((x) < 0) { perror(#x); _exit(99); } } while (0)
#define SEC (MS_NOSUID | MS_NOEXEC | MS_NODEV)

static const char *root, *program;

static void mounts(void) {
	CHK(mount("", "/", 0, MS_SLAVE | MS_REC, 0));
	CHK(mount(root, root, 0, MS_BIND | MS_REC, 0));
	CHK(chdir(root));
	CHK(mount("proc", "proc", "proc", 0, 0));
	CHK(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"));
	mkdir("dev/pts", 0755); mkdir("dev/shm", 0755); mkdir("dev/mqueue", 0755);
	CHK(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"));
	CHK(mount("shm", "dev/shm", "tmpfs", SEC, "mode=1777,size=65536k"));
	CHK(mount("mqueue", "dev/mqueue", "mqueue", SEC, 0));
	CHK(mount("sysfs", "sys", "sysfs", SEC | MS_RDONLY, 0));
	CHK(mount("cgroup", "sys/fs/cgroup", "cgroup2", SEC | MS_RELATIME, 0));
	CHK(mount(0, "sys/fs/cgroup", 0, SEC | MS_BIND | MS_REMOUNT | MS_RDONLY, 0));
}

static void devices(void) {
	static const char *names[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const int major_[] = {1, 1, 1, 1, 1, 5}, minor_[] = {3, 5, 7, 8, 9, 0};
	char path[64];
	for (int i = 0; i < 6; i++) {
		sprintf(path, "dev/%s", names[i]);
		CHK(mknod(path, S_IFCHR | 0666, makedev(major_[i], minor_[i])));
		CHK(chmod(path, 0666));
	}
	CHK(symlink("/proc/self/fd", "dev/fd"));
	CHK(symlink("/proc/self/fd/0", "dev/stdin"));
	CHK(symlink("/proc/self/fd/1", "dev/stdout"));
	CHK(symlink("/proc/self/fd/2", "dev/stderr"));
	CHK(symlink("pts/ptmx", "dev/ptmx"));
}

static void protect(void) {
	static const char *masked[] = {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"};
	static const char *readonly[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
	for (int i = 0; i < 5; i++)
		if (mount(readonly[i], readonly[i], 0, MS_BIND | MS_REC, 0) == 0)
			CHK(mount(readonly[i], readonly[i], 0, MS_BIND | MS_REMOUNT | MS_RDONLY, 0));
	for (int i = 0; i < 10; i++)
		if (mount("/dev/null", masked[i], 0, MS_BIND, 0) < 0 && errno == ENOTDIR)
			CHK(mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, 0));
}

static void loopback(void) {
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	CHK(ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
}

static void privileges(void) {
	const uint32_t caps = 1u << CAP_AUDIT_WRITE | 1u << CAP_KILL | 1u << CAP_NET_BIND_SERVICE;
	struct rlimit files = {1024, 1024};
	CHK(setrlimit(RLIMIT_NOFILE, &files));
	for (int i = 0; i <= CAP_LAST_CAP; i++)
		if (i > 31 || !(caps >> i & 1)) CHK(prctl(PR_CAPBSET_DROP, i, 0, 0, 0));
	CHK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	CHK(syscall(SYS_setgroups, 0, 0));
	CHK(syscall(SYS_setgid, 0));
	CHK(syscall(SYS_setuid, 0));
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {{caps, caps, 0}, {0, 0, 0}};
	CHK(syscall(SYS_capset, &h, d));
	CHK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHK(syscall(SYS_close_range, 3, ~0u, 4 /* CLOSE_RANGE_CLOEXEC */));
}

static void child(void) {
	CHK(setsid());
	CHK(syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, "_ses.floor"));
	CHK(unshare(CLONE_NEWCGROUP));
	mounts();
	devices();
	CHK(syscall(SYS_pivot_root, ".", "."));
	CHK(umount2(".", MNT_DETACH));
	CHK(chdir("/"));
	CHK(mount(0, "/", 0, MS_BIND | MS_REMOUNT | MS_RDONLY, 0));
	protect();
	loopback();
	CHK(sethostname("runc", 4));
	privileges();
	char *argv[] = {(char *)program, 0};
	char *envp[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm", 0};
	execve(program, argv, envp);
	perror(program);
	_exit(98);
}

// device_filter allows the default devices, mknod of any, and nothing else, as the runtimes' filters do.
static void device_filter(int cgroup) {
	static const int rules[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, -1}};
	struct bpf_insn p[96];
	int n = 0;
#define I(c, d, s, o, m) p[n++] = (struct bpf_insn){.code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = m}
	I(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0);
	I(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff);
	I(BPF_LDX | BPF_MEM | BPF_W, 3, 1, 0, 0);
	I(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16);
	I(BPF_LDX | BPF_MEM | BPF_W, 4, 1, 4, 0);
	I(BPF_LDX | BPF_MEM | BPF_W, 5, 1, 8, 0);
	I(BPF_JMP | BPF_JNE | BPF_K, 3, 0, 2, BPF_DEVCG_ACC_MKNOD);
	I(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
	I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	for (int i = 0; i < 8; i++) {
		int any = rules[i][1] < 0;
		I(BPF_JMP | BPF_JNE | BPF_K, 2, 0, any ? 3 : 4, BPF_DEVCG_DEV_CHAR);
		I(BPF_JMP | BPF_JNE | BPF_K, 4, 0, any ? 2 : 3, rules[i][0]);
		if (!any) I(BPF_JMP | BPF_JNE | BPF_K, 5, 0, 2, rules[i][1]);
		I(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1);
		I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	}
	I(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0);
	I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	union bpf_attr a = {.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insn_cnt = n, .insns = (uintptr_t)p,
		.license = (uintptr_t)"GPL"};
	int prog = syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof a);
	CHK(prog);
	union bpf_attr at = {.target_fd = cgroup, .attach_bpf_fd = prog, .attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI};
	CHK(syscall(SYS_bpf, BPF_PROG_ATTACH, &at, sizeof at));
	close(prog);
}

int main(int argc, char **argv) {
	if (argc != 4) { fprintf(stderr, "usage: floor ROOTFS CGROUP-DIRECTORY PROGRAM\n"); return 2; }
	root = argv[1];
	program = argv[3];
	if (mkdir(argv[2], 0755) < 0 && errno != EEXIST) { perror(argv[2]); return 1; }
	int cgroup = open(argv[2], O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	CHK(cgroup);
	device_filter(cgroup);
	struct clone_args a = {.exit_signal = SIGCHLD, .cgroup = cgroup,
		.flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_INTO_CGROUP};
	pid_t pid = syscall(SYS_clone3, &a, sizeof a);
	CHK(pid);
	if (pid == 0) child();
	int status;
	CHK(waitpid(pid, &status, 0));
	rmdir(argv[2]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
