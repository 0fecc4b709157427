// Runs commands and tells what each took: "nanoseconds peak-kilobytes exit-code", a line each, on stdout.
// It is a small static C program because the kernel counts the peak of the process that calls vfork to the child's
// (exec_mmap, signal->maxrss): from a Go program every command would seem to need ten megabytes.
// Usage: spawn [-p] COMMAND ARG… [-- COMMAND ARG…]…     -p: all at once; one line with the time until the last ended.
// A command "@reap" waits, untimed, for one orphan: the container's process that a detached create left.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int null;

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static pid_t start(char **argv) {
	pid_t pid = vfork();
	if (pid == 0) {
		dup2(null, 0);
		dup2(null, 1);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static int code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

static int one(char **argv) {
	struct rusage use;
	int status;
	if (strcmp(argv[0], "@reap") == 0) {
		waitpid(-1, &status, 0);
		return 0;
	}
	long long from = now();
	pid_t pid = start(argv);
	if (pid < 0 || wait4(pid, &status, 0, &use) != pid) return 1;
	printf("%lld %ld %d\n", now() - from, use.ru_maxrss, code(status));
	return 0;
}

static int all(char ***commands, int n) {
	long peak = 0;
	int status, worst = 0, left = n;
	struct rusage use;
	pid_t *pids = calloc(n, sizeof *pids);
	long long from = now();
	for (int i = 0; i < n; i++) pids[i] = start(commands[i]);
	while (left > 0) {
		pid_t pid = wait4(-1, &status, 0, &use);
		if (pid < 0) return 1;
		left--;
		if (code(status)) worst = code(status);
		if (use.ru_maxrss > peak) peak = use.ru_maxrss;
	}
	printf("%lld %ld %d\n", now() - from, peak, worst);
	return 0;
}

int main(int argc, char **argv) {
	int first = 1, parallel = 0, n = 0;
	if (argc > 1 && strcmp(argv[1], "-p") == 0) parallel = 1, first = 2;
	char ***commands = calloc(argc, sizeof *commands);
	for (int i = first, fresh = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) { argv[i] = 0; fresh = 1; continue; }
		if (fresh) commands[n++] = argv + i;
		if (strcmp(argv[i], "@reap") == 0) prctl(PR_SET_CHILD_SUBREAPER, 1);
		fresh = 0;
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (parallel) return all(commands, n);
	for (int i = 0; i < n; i++)
		if (one(commands[i])) return 1;
	return 0;
}
