/* SPDX-License-Identifier: MIT */
/*
 * The daemon under test is the real one. A temporary directory holds its configuration, its socket
 * and what it logs.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/fail.h"

#define START_NS_MAX INT64_C(20000000000)
#define STOP_NS_MAX INT64_C(5000000000)
#define POLL_US 2000

static char directory[64], socket_path[96], config_path[96], log_path[96];
static pid_t daemon_pid;
static bool is_at_exit;

static void make_directory(json_t *config)
{
	const char *parent = getenv("TMPDIR");
	int n = snprintf(directory, sizeof(directory), "%s/thruster-bench-XXXXXX",
		parent && *parent ? parent : "/tmp");

	if (n < 0 || (size_t)n >= sizeof(directory) || !mkdtemp(directory))
		fail("cannot make a directory in %s", parent && *parent ? parent : "/tmp");
	snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
	snprintf(config_path, sizeof(config_path), "%s/config.json", directory);
	snprintf(log_path, sizeof(log_path), "%s/log", directory);
	if (!config || json_dump_file(config, config_path, JSON_INDENT(2)) < 0)
		fail("cannot write %s", config_path);
	json_decref(config);
}

void child_settle(pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
}

static _Noreturn void become_daemon(pid_t parent, const char *program)
{
	int fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	child_settle(parent);
	if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0) {
		unsetenv("NOTIFY_SOCKET");
		unsetenv("JOURNAL_STREAM");
		execl(program, program, "--config", config_path, "--socket", socket_path,
			(char *)NULL);
		fprintf(stderr, "%s: %s\n", program, strerror(errno));
	}
	_exit(EXIT_FAILURE);
}

static void print_log(void)
{
	FILE *log = fopen(log_path, "re");
	char line[512];

	while (log && fgets(line, sizeof(line), log))
		fprintf(stderr, "  | %s", line);
	if (log)
		fclose(log);
}

void daemon_check(void)
{
	int status;

	if (daemon_pid <= 0 || waitpid(daemon_pid, &status, WNOHANG) != daemon_pid)
		return;
	daemon_pid = 0;
	fprintf(stderr, "thrusterd's log:\n");
	print_log();
	if (WIFSIGNALED(status))
		fail("thrusterd was killed by signal %d", WTERMSIG(status));
	fail("thrusterd has ended with status %d", WEXITSTATUS(status));
}

static int does_answer(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), r;

	memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
	r = fd < 0 ? -1 : connect(fd, (struct sockaddr *)&address, sizeof(address));
	if (fd >= 0)
		close(fd);
	return r == 0;
}

void daemon_start(const char *program, json_t *config)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + START_NS_MAX;
	pid_t parent = getpid();

	if (!is_at_exit)
		atexit(daemon_stop);
	is_at_exit = true;
	make_directory(config);
	daemon_pid = fork();
	if (daemon_pid < 0)
		fail("cannot start thrusterd: %s", strerror(errno));
	if (daemon_pid == 0)
		become_daemon(parent, program);
	while (!does_answer()) {
		daemon_check();
		if (clock_ns(CLOCK_MONOTONIC) > deadline)
			fail("thrusterd does not answer at %s", socket_path);
		usleep(POLL_US);
	}
}

static void end_daemon(void)
{
	int64_t deadline = clock_ns(CLOCK_MONOTONIC) + STOP_NS_MAX;

	kill(daemon_pid, SIGTERM);
	while (waitpid(daemon_pid, NULL, WNOHANG) == 0) {
		if (clock_ns(CLOCK_MONOTONIC) > deadline)
			kill(daemon_pid, SIGKILL);
		usleep(POLL_US);
	}
	daemon_pid = 0;
}

void daemon_stop(void)
{
	if (daemon_pid > 0)
		end_daemon();
	if (!*directory)
		return;
	unlink(socket_path);
	unlink(config_path);
	unlink(log_path);
	rmdir(directory);
	*directory = 0;
}

const char *daemon_socket(void)
{
	return *directory ? socket_path : NULL;
}
