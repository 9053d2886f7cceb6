/* SPDX-License-Identifier: MIT */
/*
 * rent_wait: it gives up at its deadline and never before, and whatever frees a slot, a return in
 * another process or the death of one, ends the wait.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/daemon/raw.h"

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 2 } ] } ] }";

static struct host host;
static struct thruster_pool *pool;

static void set_up(void)
{
	host_start(&host, config);
	pool = host_attach(&host, NULL); /* the first client in the statistics */
}

static void clean_up(void)
{
	cr_assert_eq(thruster_detach(pool), 0);
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(waiting, .init = set_up, .fini = clean_up, .timeout = 60);

static struct timespec from_now(uint64_t ns)
{
	uint64_t t = now_ns() + ns;

	return (struct timespec){ (time_t)(t / 1000000000u), (long)(t % 1000000000u) };
}

Test(waiting, deadlines)
{
	struct timespec past = { 0, 0 }, ages = { -5, 0 }, soon, never = { INT64_MAX, 999999999 };
	struct thruster_lease leases[2], lease;
	uint64_t until;

	cr_expect_eq(thruster_rent_wait(pool, 1, &past, &leases[0]), 0, "no need to wait");
	cr_expect_eq(thruster_rent_wait(pool, 1, &never, &leases[1]), 0);
	cr_expect_eq(thruster_rent_wait(pool, 1, &past, &lease), -ETIMEDOUT);
	cr_expect_eq(thruster_rent_wait(pool, 1, &ages, &lease), -ETIMEDOUT);
	soon = from_now(50000000);
	until = (uint64_t)soon.tv_sec * 1000000000u + (uint64_t)soon.tv_nsec;
	cr_expect_eq(thruster_rent_wait(pool, 1, &soon, &lease), -ETIMEDOUT);
	cr_expect_geq(now_ns(), until);
	host_await(&host, "arenas[0].clients[0].waits_total", 3);
	host_await(&host, "arenas[0].clients[0].exhausted_total", 3);
	cr_expect_eq(thruster_return_bulk(pool, leases, 2), 2);
}

Test(waiting, a_deadline_that_is_no_time)
{
	const long wrong[] = { -1, 1000000000, INT64_MAX, INT64_MIN };
	struct thruster_lease lease;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct timespec deadline = { 1, wrong[i] };

		cr_expect_eq(thruster_rent_wait(pool, 1, &deadline, &lease), -EINVAL);
	}
}

/*
 * A child that holds both buffers, and does `act` when this process has begun its `nth` wait.
 * Returns when it holds them.
 */
static pid_t fork_holder(
	int64_t nth, void (*act)(struct thruster_pool *own, struct thruster_lease *two))
{
	struct thruster_lease two[2];
	int ready[2];
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct thruster_pool *own = host_attach(&host, NULL);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (thruster_rent_bulk(own, 1, two, 2) != 2 || write(ready[1], "r", 1) != 1)
			_exit(1);
		host_await(&host, "arenas[0].clients[0].waits_total", nth);
		act(own, two);
		_exit(0);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void wait_for_exit(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
}

static void return_one(struct thruster_pool *own, struct thruster_lease *two)
{
	if (thruster_return(own, &two[0]) < 0)
		_exit(1);
	for (;;)
		pause();
}

static void return_bulk(struct thruster_pool *own, struct thruster_lease *two)
{
	if (thruster_return_bulk(own, two, 2) != 2)
		_exit(1);
}

static void detach(struct thruster_pool *own, struct thruster_lease *two)
{
	(void)two;
	if (thruster_detach(own) < 0)
		_exit(1);
}

static void die(struct thruster_pool *own, struct thruster_lease *two)
{
	(void)own;
	(void)two;
	raise(SIGKILL);
}

Test(waiting, a_return_in_another_process_wakes)
{
	struct thruster_lease lease;
	pid_t pid = fork_holder(1, return_one);

	cr_expect_eq(thruster_rent_wait(pool, 1, NULL, &lease), 0);
	kill_child(pid);
}

Test(waiting, a_bulk_return_wakes)
{
	struct thruster_lease lease;
	pid_t pid = fork_holder(1, return_bulk);

	cr_expect_eq(thruster_rent_wait(pool, 1, NULL, &lease), 0);
	wait_for_exit(pid);
}

Test(waiting, a_detach_wakes)
{
	struct thruster_lease lease;
	pid_t pid = fork_holder(1, detach);

	cr_expect_eq(thruster_rent_wait(pool, 1, NULL, &lease), 0);
	wait_for_exit(pid);
}

Test(waiting, a_death_wakes)
{
	struct thruster_lease lease;
	unsigned i;

	for (i = 1; i <= 20; i++) {
		pid_t pid = fork_holder(i, die);

		cr_expect_eq(thruster_rent_wait(pool, 1, NULL, &lease), 0);
		wait_for_exit(pid);
		cr_expect_eq(thruster_return(pool, &lease), 0);
	}
	host_await(&host, "reclaim.clients_total", 20);
}

/* The dead waiter leaves nothing behind that would keep others from waiting or from being woken. */
Test(waiting, a_waiter_that_is_killed_is_forgotten)
{
	struct thruster_lease leases[2], lease;
	int ready[2];
	pid_t dead, pid;
	char c;

	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, 2), 2);
	cr_assert_eq(pipe(ready), 0);
	dead = fork();
	if (dead == 0) {
		struct thruster_pool *own = host_attach(&host, NULL);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ready[1], "r", 1) == 1)
			thruster_rent_wait(own, 1, NULL, &lease);
		_exit(1);
	}
	cr_assert_eq(read(ready[0], &c, 1), 1);
	host_await(&host, "arenas[0].clients[1].waits_total", 1);
	kill_child(dead);
	host_await(&host, "reclaim.clients_total", 1);
	cr_expect_eq(thruster_return_bulk(pool, leases, 2), 2);
	pid = fork_holder(1, return_bulk);
	cr_expect_eq(thruster_rent_wait(pool, 1, NULL, &lease), 0);
	wait_for_exit(pid);
}

static volatile sig_atomic_t signals;

static void on_alarm(int number)
{
	(void)number;
	signals++;
}

/* Signals neither end a wait nor prolong it. */
Test(waiting, signals_do_not_end_a_wait)
{
	struct itimerval every = { { 0, 1000 }, { 0, 1000 } }, off = { { 0 } };
	struct sigaction action = { .sa_handler = on_alarm };
	struct thruster_lease leases[2], lease;
	struct timespec deadline;

	cr_assert_eq(thruster_rent_bulk(pool, 1, leases, 2), 2);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	deadline = from_now(100000000);
	cr_expect_eq(thruster_rent_wait(pool, 1, &deadline, &lease), -ETIMEDOUT);
	cr_expect_geq(
		now_ns(), (uint64_t)deadline.tv_sec * 1000000000u + (uint64_t)deadline.tv_nsec);
	setitimer(ITIMER_REAL, &off, NULL);
	cr_expect_gt(signals, 0);
	cr_expect_eq(thruster_return_bulk(pool, leases, 2), 2);
}

/* A wait whose size no class can give is refused at once, even without a deadline. */
Test(waiting, for_what_can_never_come)
{
	struct thruster_lease lease;

	cr_expect_eq(thruster_rent_wait(pool, 1 << 20, NULL, &lease), -EMSGSIZE);
}
