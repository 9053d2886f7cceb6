/* SPDX-License-Identifier: MIT */
/* One command, its output read through a pipe. Whose processor time to read the answer says. */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/fail.h"
#include "bench/growth/ask.h"

#define TEXT_MAX (64u << 20)

static char *text;
static size_t room;

static pid_t start_command(const char *thrusterctl, int *ret_fd)
{
	pid_t parent = getpid(), pid;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		fail("cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		fail("cannot start %s: %s", thrusterctl, strerror(errno));
	if (pid == 0) {
		child_settle(parent);
		if (dup2(fd[1], STDOUT_FILENO) >= 0)
			execl(thrusterctl, thrusterctl, "--socket", daemon_socket(), "--timeout",
				"60", "--json", "stats", (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	*ret_fd = fd[0];
	return pid;
}

static size_t read_all(int fd)
{
	size_t length = 0;
	ssize_t n;

	do {
		if (length == room) {
			room = room ? 2 * room : 1u << 16;
			text = room <= TEXT_MAX ? realloc(text, room) : NULL;
			if (!text)
				fail("the statistics are too long");
		}
		n = read(fd, text + length, room - length);
		if (n > 0)
			length += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	close(fd);
	return length;
}

static double number(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	if (!json_is_number(value))
		fail("the statistics have no %s", name);
	return json_number_value(value);
}

/* Processor time of the daemon, in ns; 0 if it cannot be told, or not yet who that is. */
static double daemon_time(int pid)
{
	char path[64];
	double ns = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	file = pid > 0 ? fopen(path, "re") : NULL;
	if (file && fscanf(file, "%lf", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

static size_t run_command(const char *thrusterctl)
{
	size_t length;
	int fd, status;
	pid_t pid;

	pid = start_command(thrusterctl, &fd);
	length = read_all(fd);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("%s stats does not answer: status %d", thrusterctl,
			WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	return length;
}

void ask_daemon(const char *thrusterctl, struct answer *ret)
{
	static int pid;
	double before = daemon_time(pid);
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	json_error_t error;
	size_t length;
	json_t *stats;

	length = run_command(thrusterctl);
	ret->command_us = (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e3;
	ret->daemon_us = (daemon_time(pid) - before) / 1e3;
	stats = json_loadb(text, length, 0, &error);
	if (!stats)
		fail("%s stats: line %d: %s", thrusterctl, error.line, error.text);
	ret->snapshot_us = number(json_array_get(json_object_get(stats, "arenas"), 0),
				   "snapshot_duration_ns") / 1e3;
	ret->reclaim_us = number(json_object_get(stats, "reclaim"), "duration_last_ns") / 1e3;
	pid = (int)number(json_object_get(stats, "daemon"), "pid");
	json_decref(stats);
}
