/* SPDX-License-Identifier: MIT */
/*
 * What becomes of those who live on: the sender whose receiver dies with a ticket in hand, and the
 * waiter whose returner dies before it can wake anybody.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shm/atomics.h"
#include "tests/harness/harness.h"

#define LEASES 3

static const char config[] = "{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8,"
			     " \"classes\": [ { \"slot_bytes\": 4096, \"slots\": 3 } ] } ] }";

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

TestSuite(survivors, .init = start, .fini = stop, .timeout = 20);

/* A child that attaches, says who it is, and sleeps. */
static pid_t fork_receiver(uint32_t *ret_id)
{
	int ready[2];
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		uint32_t id = thruster_client_id(host_attach(&host, NULL));

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (write(ready[1], &id, sizeof(id)) != sizeof(id))
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], ret_id, sizeof(*ret_id)), sizeof(*ret_id));
	close(ready[0]);
	return pid;
}

Test(survivors, receiver_dies_before_it_accepts)
{
	struct thruster_lease leases[LEASES];
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_ticket ticket;
	uint32_t receiver;
	pid_t pid = fork_receiver(&receiver);
	unsigned i;

	cr_assert_eq(thruster_rent_bulk(pool, 100, leases, LEASES), LEASES);
	for (i = 0; i < LEASES; i++)
		cr_assert_eq(thruster_hand_over(pool, &leases[i], receiver, &ticket), 0);
	host_await(&host, "arenas[0].classes[0].pending", LEASES);
	kill_child(pid);
	host_await(&host, "arenas[0].classes[0].leased", 0); /* although the sender lives on */
	host_await(&host, "reclaim.leases_total", LEASES);
	host_await(&host, "reclaim.clients_total", 1);
	cr_assert_eq(thruster_return(pool, &leases[0]), -ESTALE);
	cr_assert_eq(thruster_detach(pool), 0);
}

/* Free everything as a returner does that is killed before it looks, with the flag of the waiter
 * down besides. */
static void die_before_the_wake(const int *ready)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thr_control *control = host_control_page();
	struct thruster_lease leases[LEASES];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (thruster_rent_bulk(pool, 100, leases, LEASES) != LEASES || write(ready[1], "r", 1) != 1)
		_exit(1);
	while (load_acquire(&control->waiting) == 0)
		sleep_ms(1);
	sleep_ms(50); /* and asleep */
	store_relaxed(&control->waiting, 0);
	thruster_return_bulk(pool, leases, LEASES);
	raise(SIGKILL);
}

Test(survivors, returner_dies_before_it_wakes_a_waiter)
{
	struct thruster_pool *pool;
	struct thruster_lease lease;
	int ready[2], status;
	pid_t pid;
	char c;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0)
		die_before_the_wake(ready);
	close(ready[1]);
	cr_assert_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	pool = host_attach(&host, NULL);
	cr_assert_eq(thruster_rent_wait(pool, 100, NULL, &lease), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, SIGKILL);
	cr_assert_eq(thruster_detach(pool), 0);
}
