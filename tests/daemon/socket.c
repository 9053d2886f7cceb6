/* SPDX-License-Identifier: MIT */
/*
 * The socket's place in the file system: what is in the way is named and left alone, unless it is
 * what a killed daemon left behind; and whoever ends well takes its socket along.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

static char directory[64], path[96], output[4096];

static void set_up(void)
{
	strcpy(directory, "/tmp/thruster-socket-XXXXXX");
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	unsetenv("JOURNAL_STREAM");
	unsetenv("NOTIFY_SOCKET");
}

static void clean_up(void)
{
	cr_expect_eq(unlink(path) < 0 ? errno : 0, ENOENT, "a socket was left");
	cr_expect_eq(rmdir(directory), 0, "%s: %s", directory, strerror(errno));
}

TestSuite(socket, .init = set_up, .fini = clean_up, .timeout = 60);

/* Run a daemon that cannot start; its exit status. */
static int fail_to_start(const char *socket)
{
	char command[512];

	snprintf(command, sizeof(command), "timeout 20 %s --socket '%s'", getenv("THRUSTERD"),
		socket);
	return shell(command, output, sizeof(output));
}

static void must_say(const char *socket, const char *why)
{
	char expected[512];

	snprintf(expected, sizeof(expected), "thrusterd: %s: %s\n", socket, why);
	cr_expect_str_eq(output, expected);
}

/* Start a daemon at `path` that must come to serve. */
static pid_t start(void)
{
	uint64_t until = now_ns() + 20000000000u;
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open("/dev/null", O_WRONLY);
		dup2(fd, STDERR_FILENO);
		execl(getenv("THRUSTERD"), "thrusterd", "--socket", path, NULL);
		_exit(127);
	}
	while (thr_connection_open(&fd, path, 10000) < 0) {
		cr_assert_lt(now_ns(), until, "no daemon");
		cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "the daemon ended");
		sleep_ms(2);
	}
	close(fd);
	return pid;
}

static void must_serve(void)
{
	struct thruster_attach_options options = { .size = sizeof(options), .socket_path = path };
	struct thruster_lease lease;
	struct thruster_pool *pool;
	int r = thruster_attach(&pool, NULL, &options);

	cr_assert_eq(r, 0, "attach: %s", strerror(-r));
	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	cr_assert_eq(thruster_detach(pool), 0);
}

static void stop(pid_t pid, int with)
{
	int status;

	kill(pid, with);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, with == SIGKILL ? SIGKILL : 0, "%#x", (unsigned)status);
}

static int ctl(const char *socket, const char *arguments)
{
	char command[512];

	snprintf(command, sizeof(command), "timeout 30 %s --socket '%s' %s", getenv("THRUSTERCTL"),
		socket, arguments);
	return shell(command, output, sizeof(output));
}

Test(socket, a_path_that_is_too_long)
{
	struct thruster_attach_options options = { .size = sizeof(options) };
	char name[200] = "/tmp/";
	struct thruster_pool *pool;

	memset(name + 5, 'x', 103);
	cr_expect_eq(strlen(name), 108);
	cr_expect_eq(fail_to_start(name), 1);
	must_say(name, "the socket's path is longer than 107 bytes");
	options.socket_path = name;
	cr_expect_eq(thruster_attach(&pool, NULL, &options), -ENAMETOOLONG);
	cr_expect_eq(ctl(name, "stats"), 1);
	cr_expect(strstr(output, "File name too long"), "%s", output);
}

Test(socket, the_longest_path_there_can_be)
{
	char shorter[96];

	strcpy(shorter, path);
	memset(path + strlen(path), 'x', sizeof(path) - 1 - strlen(path));
	path[sizeof(path) - 1] = 0;
	stop(start(), SIGTERM);
	cr_expect_eq(access(path, F_OK), -1);
	strcpy(path, shorter);
}

Test(socket, an_empty_path)
{
	cr_expect_eq(fail_to_start(""), 1);
	cr_expect_str_eq(output, "thrusterd: --socket: the path is empty\n");
}

Test(socket, another_daemon_is_not_disturbed)
{
	pid_t first = start();

	cr_expect_eq(fail_to_start(path), 1);
	must_say(path, "is in use by another daemon; stop it or choose another path with --socket");
	must_serve();
	/* Not even if it does not answer just now. */
	kill(first, SIGSTOP);
	cr_expect_eq(fail_to_start(path), 1);
	must_say(path, "is in use by another daemon; stop it or choose another path with --socket");
	kill(first, SIGCONT);
	must_serve();
	stop(first, SIGTERM);
}

Test(socket, what_a_killed_daemon_left_is_taken_over)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		stop(start(), SIGKILL);
		cr_expect_eq(access(path, F_OK), 0, "the socket of the killed stays");
		cr_expect_eq(ctl(path, "stats"), 3);
	}
	stop(start(), SIGTERM);
}

Test(socket, both_signals_end_it_well)
{
	pid_t pid;

	stop(start(), SIGTERM);
	cr_expect_eq(access(path, F_OK), -1);
	pid = start();
	must_serve();
	stop(pid, SIGINT);
	cr_expect_eq(access(path, F_OK), -1);
}

/* The socket of somebody who came after us is not ours to remove. */
Test(socket, a_successors_socket_stays)
{
	pid_t first = start(), second;

	cr_assert_eq(unlink(path), 0);
	second = start();
	stop(first, SIGTERM);
	must_serve();
	stop(second, SIGTERM);
}

Test(socket, a_file_in_the_way_is_not_touched)
{
	FILE *file = fopen(path, "we");
	struct stat before, after;

	cr_assert(file && fputs("precious", file) >= 0 && fclose(file) == 0);
	cr_assert_eq(stat(path, &before), 0);
	cr_expect_eq(fail_to_start(path), 1);
	must_say(path,
		"is there and is not a socket; remove it or choose another path with --socket");
	cr_assert_eq(stat(path, &after), 0);
	cr_expect(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
	cr_expect(file_contains(path, "precious"));
	cr_expect_eq(ctl(path, "stats"), 3);
	unlink(path);
}

Test(socket, a_directory_or_a_link_in_the_way)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_expect_eq(fail_to_start(path), 1);
	must_say(path,
		"is there and is not a socket; remove it or choose another path with --socket");
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(symlink("/nowhere/at/all", path), 0);
	cr_expect_eq(fail_to_start(path), 1);
	must_say(path,
		"is there and is not a socket; remove it or choose another path with --socket");
	cr_assert_eq(unlink(path), 0);
}

/* Some other program listens there, with another kind of socket. */
Test(socket, another_programs_socket_is_not_taken)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	cr_assert_eq(bind(stream, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(stream, 1), 0);
	cr_expect_eq(fail_to_start(path), 1);
	cr_expect(strstr(output, "in use by another"), "%s", output);
	cr_expect_eq(ctl(path, "stats"), 1);
	cr_expect(strstr(output, "no thrusterd of this version"), "%s", output);
	close(stream);
	unlink(path);
}

Test(socket, a_missing_directory)
{
	char missing[128];

	snprintf(missing, sizeof(missing), "%s/no/s", directory);
	cr_expect_eq(fail_to_start(missing), 1);
	must_say(missing,
		"its directory: No such file or directory; make it or choose another path with "
		"--socket");
	cr_expect_eq(ctl(missing, "stats"), 3);
	cr_expect_eq(fail_to_start("/dev/null/s"), 1);
	must_say("/dev/null/s", "its directory: Not a directory");
	cr_expect_eq(ctl("/dev/null/s", "stats"), 3);
}

Test(socket, no_daemon_is_status_3)
{
	static const char *const commands[] = { "stats", "stats --json", "clients", "leases",
		"advise", "check" };
	char expected[256];
	size_t i;

	snprintf(expected, sizeof(expected),
		"thrusterctl: no daemon answers at %s; is thrusterd running?\n", path);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		cr_expect_eq(ctl(path, commands[i]), 3);
		cr_expect_str_eq(output, expected);
	}
}

/* It accepts connections (the kernel does) but says nothing: the time limit, once. */
Test(socket, a_stopped_daemon_costs_its_caller_the_limit)
{
	uint64_t begun = now_ns();
	char expected[256];
	pid_t pid = start();

	kill(pid, SIGSTOP);
	cr_expect_eq(ctl(path, "clients --timeout 2"), 3);
	cr_expect_geq(now_ns() - begun, 1900000000u);
	snprintf(expected, sizeof(expected),
		"thrusterctl: the daemon at %s does not answer within 2 s\n", path);
	cr_expect_str_eq(output, expected);
	kill(pid, SIGCONT);
	must_serve();
	stop(pid, SIGTERM);
}
