/* SPDX-License-Identifier: MIT */
/*
 * Surroundings that are not as one would like: a log that nobody reads, no standard streams, a
 * directory that somebody keeps locked, signals without end, no membarrier, a returner that stops
 * half-way. Everything goes on.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shm/abi.h"
#include "shm/atomics.h"
#include "tests/daemon/raw.h"

#define SLOTS 2

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 2 } ] } ] }";

static struct host host;

TestSuite(hardships, .timeout = 30);

static const char *daemon_path(void)
{
	const char *path = getenv("THRUSTERD");

	return path ? path : "build/daemon/thrusterd";
}

/* Start a daemon by hand, with these descriptors as its standard streams (-1: closed). */
static pid_t start_by_hand(const char *socket, int out, int err)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_DFL);
		close(STDIN_FILENO);
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		if (out >= 0)
			dup2(out, STDOUT_FILENO);
		if (err >= 0)
			dup2(err, STDERR_FILENO);
		execl(daemon_path(), "thrusterd", "--verbose", "--socket", socket, NULL);
		_exit(127);
	}
	return pid;
}

static struct thruster_pool *attach_when_ready(const char *socket)
{
	struct thruster_attach_options options = { .size = sizeof(options), .socket_path = socket };
	struct thruster_pool *pool;

	while (thruster_attach(&pool, NULL, &options) < 0)
		sleep_ms(5);
	return pool;
}

static void serves_and_stops(const char *socket, pid_t pid)
{
	struct thruster_pool *pool = attach_when_ready(socket);
	struct thruster_lease lease;
	char output[4096], command[256];
	int status;

	cr_assert_eq(thruster_rent(pool, 100, &lease), 0);
	cr_assert_eq(thruster_return(pool, &lease), 0);
	cr_assert_eq(thruster_detach(pool), 0);
	snprintf(command, sizeof(command), "$THRUSTERCTL --socket %s check", socket);
	cr_assert_eq(shell(command, output, sizeof(output)), 0, "%s", output);
	kill(pid, SIGTERM);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

Test(hardships, a_log_that_nobody_reads_any_more)
{
	char directory[] = "/tmp/thruster-XXXXXX", socket[64], c;
	int log[2];
	pid_t pid;

	cr_assert(mkdtemp(directory) && pipe2(log, O_CLOEXEC) == 0);
	snprintf(socket, sizeof(socket), "%s/s", directory);
	pid = start_by_hand(socket, STDOUT_FILENO, log[1]);
	close(log[1]);
	cr_assert_eq(read(log[0], &c, 1), 1);
	close(log[0]);
	serves_and_stops(socket, pid);
	cr_assert_eq(rmdir(directory), 0);
}

Test(hardships, no_standard_streams)
{
	char directory[] = "/tmp/thruster-XXXXXX", socket[64];

	cr_assert(mkdtemp(directory));
	snprintf(socket, sizeof(socket), "%s/s", directory);
	serves_and_stops(socket, start_by_hand(socket, -1, -1));
	cr_assert_eq(rmdir(directory), 0);
}

Test(hardships, somebody_keeps_the_directory_locked)
{
	char directory[] = "/tmp/thruster-XXXXXX", socket[64];
	int fd;

	cr_assert(mkdtemp(directory));
	fd = open(directory, O_RDONLY | O_CLOEXEC);
	cr_assert_eq(flock(fd, LOCK_SH), 0);
	snprintf(socket, sizeof(socket), "%s/s", directory);
	serves_and_stops(socket, start_by_hand(socket, STDOUT_FILENO, STDERR_FILENO));
	close(fd);
	cr_assert_eq(rmdir(directory), 0);
}

static void on_alarm(int signal)
{
	(void)signal;
}

static void ring_often(bool is_on)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, is_on * 20000 }, { 0, is_on * 20000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

Test(hardships, signals_do_not_extend_a_time_limit)
{
	struct thruster_attach_options options;
	struct thruster_pool *pool;

	host_start(&host, config);
	options = host_options(&host, NULL);
	options.timeout_ms = 300;
	kill(host.pid, SIGSTOP);
	cr_assert_eq(waitpid(host.pid, NULL, WUNTRACED), host.pid);
	ring_often(true);
	cr_assert_eq(thruster_attach(&pool, NULL, &options), -ETIMEDOUT);
	ring_often(false);
	kill(host.pid, SIGCONT);
	host_stop(&host);
}

Test(hardships, errno_is_left_alone)
{
	struct thruster_lease lease[SLOTS + 1];
	struct thruster_pool *pool, *none;
	struct timespec deadline;

	host_start(&host, config);
	errno = 77;
	pool = host_attach(&host, NULL);
	cr_assert_eq(thruster_attach(&none, "no-such-arena", NULL), -ENOENT);
	cr_assert_eq(thruster_rent_bulk(pool, 1, lease, SLOTS + 1), SLOTS);
	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec++;
	cr_assert_eq(thruster_rent_wait(pool, 1, &deadline, &lease[SLOTS]), -ETIMEDOUT);
	cr_assert_eq(thruster_return(pool, &lease[0]), 0); /* wakes: the flag is still up */
	cr_assert_eq(thruster_detach(pool), 0);
	cr_assert_eq(errno, 77);
	host_stop(&host);
}

static void forbid_membarrier(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		_exit(77);
}

static pid_t fork_waiter(bool has_membarrier)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct thruster_lease lease;
		struct thruster_pool *pool;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!has_membarrier)
			forbid_membarrier();
		pool = host_attach(&host, NULL);
		_exit(thruster_rent_wait(pool, 1, NULL, &lease) != 0);
	}
	return pid;
}

/* Free both slots as a returner does that is stopped before it looks whether anybody waits. */
static void return_without_a_look(struct thruster_pool *pool, const struct thruster_lease *leases)
{
	struct thr_control *control = host_control_page();
	uint32_t flag;

	while ((flag = load_acquire(&control->waiting)) == 0)
		sleep_ms(1);
	sleep_ms(50); /* and asleep */
	store_relaxed(&control->waiting, 0);
	cr_assert_eq(thruster_return_bulk(pool, leases, SLOTS), SLOTS);
	store_relaxed(&control->waiting, flag);
}

Test(hardships, a_returner_that_stops_before_it_wakes)
{
	struct thruster_lease leases[SLOTS];
	struct thruster_pool *pool;
	int status;
	pid_t pid;

	host_start(&host, config);
	pool = host_attach(&host, NULL);
	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, SLOTS), SLOTS);
	pid = fork_waiter(true);
	return_without_a_look(pool, leases);
	cr_assert_eq(waitpid(pid, &status, 0), pid); /* the daemon makes it look */
	cr_assert_eq(status, 0);
	cr_assert_eq(thruster_detach(pool), 0);
	host_stop(&host);
}

/* Does the process sleep in a futex call with a time limit? */
static bool sleeps_with_a_limit(pid_t pid)
{
	unsigned long number, word, operation, value, limit;
	char path[64], text[256] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	return sscanf(text, "%lu %lx %lx %lx %lx", &number, &word, &operation, &value, &limit) ==
		       5 &&
	       number == SYS_futex && limit != 0;
}

Test(hardships, a_waiter_without_membarrier_does_not_rely_on_a_wake)
{
	struct thruster_lease leases[SLOTS];
	struct thruster_pool *pool;
	int status;
	pid_t pid;

	if (access("/proc/self/syscall", R_OK) < 0)
		cr_skip_test("this kernel does not show what a process waits for");
	host_start(&host, config);
	pool = host_attach(&host, NULL);
	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, SLOTS), SLOTS);
	pid = fork_waiter(false);
	while (!sleeps_with_a_limit(pid)) {
		cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0);
		sleep_ms(1);
	}
	cr_assert_eq(thruster_return(pool, &leases[0]), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert_eq(thruster_detach(pool), 0);
	host_stop(&host);
}
