/* SPDX-License-Identifier: MIT */
/*
 * RouDi, the daemon of iceoryx, which owns the memory that its clients share. Its lock, its socket
 * and its shared memory have fixed names in /tmp and /dev/shm. If we may, it gets mounts of its own
 * with both empty: it meets no other RouDi then, nothing of the machine is touched, and the kernel
 * clears away with the last process in there. Its configuration and its log have no name at all.
 */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/fail.h"
#include "bench/rivals.h"

#define PROGRAM "iox-roudi"
#define READY "RouDi is ready for clients"
#define EXIT_NOT_FOUND 127
#define START_NS_MAX INT64_C(20000000000)
#define STOP_NS_MAX INT64_C(5000000000)
#define POLL_US 2000
#define LOG_MAX 4096
#define SLOTS 4096 /* of each size, as our pool has */

/* No kind that holds few enough has another size. */
static const char config_format[] = "[general]\n"
				    "version = 1\n"
				    "[[segment]]\n"
				    "[[segment.mempool]]\n"
				    "size = 512\n"
				    "count = %u\n"
				    "[[segment.mempool]]\n"
				    "size = 4096\n"
				    "count = %u\n";

static pid_t roudi;
static int mounts, log_fd;

static void print_log(void)
{
	char text[LOG_MAX], *line, *rest = text;
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	fprintf(stderr, PROGRAM "'s log:\n");
	while ((line = strsep(&rest, "\n")))
		if (*line)
			fprintf(stderr, "  | %s\n", line);
}

static bool is_ready(void)
{
	char text[LOG_MAX];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return strstr(text, READY);
}

/* Without the right to, it has to do with the machine's. */
static void get_own_mounts(void)
{
	const char *const places[] = { "/dev/shm", "/tmp" };
	unsigned i;

	if (unshare(CLONE_NEWNS) < 0)
		return;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		perror("/");
		_exit(EXIT_FAILURE);
	}
	for (i = 0; i < 2; i++) {
		if (mount("thruster-bench", places[i], "tmpfs", 0, "mode=1777") < 0) {
			perror(places[i]);
			_exit(EXIT_FAILURE);
		}
	}
}

static _Noreturn void become_roudi(pid_t parent, int config_fd)
{
	char path[64];

	child_settle(parent);
	if (dup2(log_fd, STDOUT_FILENO) < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		_exit(EXIT_FAILURE);
	get_own_mounts();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", config_fd);
	execlp(PROGRAM, PROGRAM, "--config-file", path, (char *)NULL);
	perror(PROGRAM);
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_FAILURE);
}

static int file_without_name(const char *name, unsigned flags, const char *text)
{
	int fd = memfd_create(name, flags);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		fail("cannot make a file in memory: %s", strerror(errno));
	return fd;
}

/* If they are not ours. Left open over execve(): a worker joins them when it has all its libraries,
 * which may lie in the /tmp that is not there any more then. */
static int open_mounts(void)
{
	struct stat own, other;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", roudi);
	fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &other) < 0 || stat("/proc/self/ns/mnt", &own) < 0)
		fail("cannot look at %s: %s", path, strerror(errno));
	if (own.st_ino != other.st_ino)
		return fd;
	close(fd);
	return 0;
}

/* NULL: it serves. */
static const char *await_roudi(void)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + START_NS_MAX;
	int status;

	while (!is_ready()) {
		if (waitpid(roudi, &status, WNOHANG) == roudi) {
			roudi = 0;
			if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
				return PROGRAM " is not installed";
			print_log();
			return PROGRAM " does not start";
		}
		if (clock_ns(CLOCK_MONOTONIC) > deadline) {
			print_log();
			return PROGRAM " does not get ready";
		}
		usleep(POLL_US);
	}
	mounts = open_mounts();
	return NULL;
}

const char *rivals_begin(unsigned slots)
{
	static bool is_at_exit;
	pid_t parent = getpid();
	char config[512];
	int config_fd;

	if (!is_at_exit)
		atexit(rivals_stop);
	is_at_exit = true;
	snprintf(config, sizeof(config), config_format, slots, slots);
	config_fd = file_without_name("roudi-config", 0, config);
	log_fd = file_without_name("roudi-log", MFD_CLOEXEC, "");
	roudi = fork();
	if (roudi < 0)
		fail("cannot start " PROGRAM ": %s", strerror(errno));
	if (roudi == 0)
		become_roudi(parent, config_fd);
	close(config_fd);
	return await_roudi();
}

void rivals_start(struct series *series)
{
	const char *absence = NULL;
	bool has_begun = false;
	size_t i;

	for (i = 0; i < series->n; i++) {
		struct result *result = &series->result[i];

		if (!result->workload.engine->has_daemon || *result->absence)
			continue;
		if (!has_begun)
			absence = rivals_begin(SLOTS);
		has_begun = true;
		if (absence)
			snprintf(result->absence, sizeof(result->absence), "%s", absence);
	}
}

void rivals_stop(void)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + STOP_NS_MAX;

	if (roudi > 0) {
		kill(roudi, SIGTERM);
		while (waitpid(roudi, NULL, WNOHANG) == 0) {
			if (clock_ns(CLOCK_MONOTONIC) > deadline)
				kill(roudi, SIGKILL);
			usleep(POLL_US);
		}
	}
	roudi = 0;
	if (mounts > 0)
		close(mounts);
	if (log_fd > 0)
		close(log_fd);
	mounts = log_fd = 0;
}

int rivals_mounts(const struct engine *engine)
{
	return engine->has_daemon ? mounts : 0;
}
