/* SPDX-License-Identifier: MIT */
/*
 * Who is dead? Every way for a process to end, or to look as if it had: leases come back exactly
 * when nobody can touch the arena in the client's name any more, not earlier and not later.
 */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/harness/harness.h"

#define LEASES 3
#define LEASED "arenas[0].classes[0].leased"

/* Long enough for the daemon to have looked several times (it begins after 1 ms and doubles). */
#define LOOKS_MS 300

static const char config[] = "{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8,"
			     " \"classes\": [ { \"slot_bytes\": 4096, \"slots\": 64 } ] } ] }";

static struct host host;

static void start(void)
{
	if (probes_are_missed())
		cr_skip_test("%s", probes_are_missed());
	host_start(&host, config);
}

static void stop(void)
{
	if (host.pid)
		host_stop(&host);
}

TestSuite(liveness, .init = start, .fini = stop);

static int64_t number(const char *path)
{
	json_t *stats = host_stats(&host);
	int64_t n = json_number(stats, path);

	json_decref(stats);
	return n;
}

static void rent_some(struct thruster_pool *pool, struct thruster_lease *leases)
{
	if (thruster_rent_bulk(pool, 100, leases, LEASES) != LEASES)
		harness_fail("cannot rent");
}

static void expect_still_held(void)
{
	sleep_ms(LOOKS_MS);
	cr_assert_eq(number(LEASED), LEASES);
	cr_assert_eq(number("reclaim.clients_total"), 0);
}

static void expect_reclaimed(void)
{
	host_await(&host, LEASED, 0);
	cr_assert_eq(number("reclaim.leases_total"), LEASES);
	cr_assert_eq(number("reclaim.clients_total"), 1);
}

/* The process that an actor has reported: itself, or another that it has made. */
static pid_t reported;

static void report(int fd, pid_t pid)
{
	if (write(fd, &pid, sizeof(pid)) != sizeof(pid))
		_exit(1);
	close(fd);
}

static void say_ready(int fd)
{
	report(fd, getpid());
}

/*
 * A child that runs `act` with a pool and some leases, and then sleeps until it is killed. Returns
 * when a process was reported.
 */
static pid_t fork_actor(
	void (*act)(struct thruster_pool *pool, struct thruster_lease *leases, int ready))
{
	struct thruster_lease leases[LEASES];
	struct thruster_pool *pool;
	int ready[2];
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pool = host_attach(&host, NULL);
		rent_some(pool, leases);
		act(pool, leases, ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &reported, sizeof(reported)), sizeof(reported));
	close(ready[0]);
	return pid;
}

Test(liveness, killed)
{
	pid_t pid = host_fork_holder(&host, NULL, LEASES, 100);

	cr_assert_eq(number(LEASED), LEASES);
	kill_child(pid);
	expect_reclaimed();
}

Test(liveness, zombie)
{
	siginfo_t info;
	pid_t pid = host_fork_holder(&host, NULL, LEASES, 100);

	kill(pid, SIGKILL);
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	expect_reclaimed(); /* while it still is a zombie */
	cr_assert_eq(waitpid(pid, NULL, WNOHANG), pid);
}

static void act_exit(struct thruster_pool *pool, struct thruster_lease *leases, int ready)
{
	(void)pool;
	(void)leases;
	say_ready(ready);
	_exit(0);
}

Test(liveness, exit_without_detach)
{
	pid_t pid = fork_actor(act_exit);

	expect_reclaimed();
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

static void act_exec(struct thruster_pool *pool, struct thruster_lease *leases, int ready)
{
	(void)pool;
	(void)leases;
	say_ready(ready);
	execl("/bin/sleep", "sleep", "1000", NULL);
	_exit(1);
}

Test(liveness, exec_without_detach)
{
	pid_t pid = fork_actor(act_exec);

	expect_reclaimed();
	cr_assert_eq(waitpid(pid, NULL, WNOHANG), 0, "the process must still be there");
	kill_child(pid);
}

Test(liveness, stopped_process_keeps_its_leases)
{
	pid_t pid = host_fork_holder(&host, NULL, LEASES, 100);

	kill(pid, SIGSTOP);
	cr_assert_eq(waitpid(pid, NULL, WUNTRACED), pid);
	sleep_ms(2500); /* longer than any period in the daemon */
	expect_still_held();
	kill(pid, SIGCONT);
	kill_child(pid);
	expect_reclaimed();
}

Test(liveness, detach_with_live_leases)
{
	struct thruster_lease leases[LEASES], again;
	struct thruster_pool *pool = host_attach(&host, NULL);

	rent_some(pool, leases);
	cr_assert_eq(thruster_detach(pool), 0);
	cr_assert_eq(number(LEASED), 0);
	cr_assert_eq(number("arenas[0].classes[0].returns_total"), LEASES);
	cr_assert_eq(number("reclaim.leases_total"), 0, "given back, not reclaimed");
	cr_assert_eq(number("reclaim.clients_total"), 0);
	pool = host_attach(&host, NULL);
	cr_assert_eq(thruster_return(pool, &leases[0]), -ESTALE);
	cr_assert_eq(thruster_rent(pool, 100, &again), 0);
	cr_assert_eq(thruster_detach(pool), 0);
}

static void act_fork(struct thruster_pool *pool, struct thruster_lease *leases, int ready)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (thruster_return(pool, leases) != -ECHILD)
			_exit(1);
		for (;;)
			pause();
	}
	report(ready, pid);
}

Test(liveness, forked_child_that_outlives_its_parent)
{
	/* The child has the socket still, so nobody hangs up; it has no mapping, so nothing is
	 * held. */
	pid_t pid = fork_actor(act_fork);

	kill_child(pid);
	expect_reclaimed();
	cr_assert_eq(kill(reported, 0), 0, "the child must still be there");
	kill(reported, SIGKILL);
}

/* Undo what the library does for children: let them inherit the arena. */
static void inherit_arena(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long first, end;
	char line[512];

	while (fgets(line, sizeof(line), maps))
		if (strstr(line, "memfd:thruster-default (deleted)") &&
			sscanf(line, "%lx-%lx", &first, &end) == 2)
			madvise((void *)first, end - first, MADV_DOFORK);
	fclose(maps);
}

static void act_fork_mapped(struct thruster_pool *pool, struct thruster_lease *leases, int ready)
{
	pid_t pid;

	(void)pool;
	inherit_arena();
	pid = fork();
	if (pid == 0) {
		memset(leases[0].data, 0x77, leases[0].size);
		say_ready(ready);
		for (;;)
			pause();
	}
}

Test(liveness, parent_dies_while_a_child_still_maps)
{
	pid_t pid = fork_actor(act_fork_mapped);

	kill_child(pid);
	expect_still_held(); /* the child may be writing to the buffers */
	kill(reported, SIGKILL);
	expect_reclaimed();
}

static int helper_main(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

static void act_clone_vm(struct thruster_pool *pool, struct thruster_lease *leases, int ready)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t pid = clone(helper_main, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

	(void)pool;
	(void)leases;
	report(ready, pid);
}

Test(liveness, helper_that_shares_the_address_space_outlives_the_process)
{
	pid_t pid = fork_actor(act_clone_vm);

	kill_child(pid);
	expect_still_held();
	kill(reported, SIGKILL);
	expect_reclaimed();
}

static void *thread_main(void *ready)
{
	say_ready(*(int *)ready);
	for (;;)
		pause();
	return NULL;
}

static void act_leader_exits(struct thruster_pool *pool, struct thruster_lease *leases, int ready)
{
	static int fd;
	pthread_t thread;

	(void)pool;
	(void)leases;
	fd = ready;
	pthread_create(&thread, NULL, thread_main, &fd);
	pthread_exit(NULL);
}

Test(liveness, first_thread_exits_and_others_live)
{
	pid_t pid = fork_actor(act_leader_exits);

	expect_still_held();
	kill_child(pid);
	expect_reclaimed();
}

/* Close every socket of this process, the connection among them. */
static void close_sockets(void)
{
	DIR *directory = opendir("/proc/self/fd");
	struct dirent *entry;
	struct stat st;
	int fd;

	while ((entry = readdir(directory))) {
		fd = atoi(entry->d_name);
		if (fd > 2 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			close(fd);
	}
	closedir(directory);
}

static void act_hang_up(struct thruster_pool *pool, struct thruster_lease *leases, int ready)
{
	struct thruster_lease more;

	close_sockets();
	sleep_ms(LOOKS_MS);
	/* The daemon knows that we hung up, and that we are here all the same. */
	if (thruster_rent(pool, 100, &more) != 0 || thruster_return(pool, &more) != 0)
		_exit(1);
	memset(leases[0].data, 1, leases[0].size);
	say_ready(ready);
}

Test(liveness, connection_lost_and_arena_still_mapped)
{
	pid_t pid = fork_actor(act_hang_up);

	expect_still_held();
	kill_child(pid);
	expect_reclaimed();
}

static pid_t fork_with_pid(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&pid, .set_tid_size = 1
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

Test(liveness, reused_pid)
{
	pid_t pid = host_fork_holder(&host, NULL, LEASES, 100), second;

	/* The daemon is not to see the death before the number belongs to another client. */
	kill(host.pid, SIGSTOP);
	cr_assert_eq(waitpid(host.pid, NULL, WUNTRACED), host.pid);
	kill_child(pid);
	second = fork_with_pid(pid);
	if (second == 0) {
		struct thruster_pool *pool = host_attach(&host, NULL);
		struct thruster_lease lease;

		thruster_rent(pool, 100, &lease);
		for (;;)
			pause();
	}
	kill(host.pid, SIGCONT);
	if (second < 0) {
		int error = errno;

		host_await(&host, LEASED, 0);
		if (error == EPERM || error == ENOSYS || error == EINVAL)
			cr_skip_test("a pid cannot be chosen here (clone3 with set_tid)");
		cr_assert_fail("clone3: %s", strerror(error));
	}
	cr_assert_eq(second, pid);
	host_await(&host, LEASED, 1); /* the second's, and not the first's */
	host_await(&host, "arenas[0].clients[0].leased", 1);
	cr_assert_eq(number("arenas[0].clients[0].pid"), pid);
	cr_assert_eq(number("reclaim.leases_total"), LEASES);
	cr_assert_eq(number("reclaim.clients_total"), 1);
	kill_child(second);
	host_await(&host, "reclaim.clients_total", 2);
	cr_assert_eq(number(LEASED), 0);
}
