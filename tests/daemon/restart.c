/* SPDX-License-Identifier: MIT */
/* The daemon ends, in whatever way, and the next run goes on; clients notice nothing. */

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "tests/harness/keeper.h"

static const char config[] =
	"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 8, \"classes\": ["
	"  { \"slot_bytes\": 1000, \"slots\": 200 },"
	"  { \"slot_bytes\": 100000, \"slots\": 3 } ] } ] }";

static struct host host;

static void set_up(void)
{
	keeper_start(&host, config);
}

static void clean_up(void)
{
	host_must_be_well(&host);
	keeper_stop(&host);
}

TestSuite(restart, .init = set_up, .fini = clean_up, .timeout = 120);

static int64_t number(const char *path)
{
	return host_number(&host, path);
}

static void must_rent(struct thruster_pool *pool, struct thruster_lease *lease)
{
	struct timespec deadline = { .tv_sec = (time_t)(now_ns() / 1000000000) + 10 };

	cr_assert_eq(thruster_rent_wait(pool, 1, &deadline, lease), 0);
}

/* While there is no daemon, and with the next one: the same leases, and every call works. */
static void must_go_on(int signal)
{
	struct thruster_pool *one = host_attach(&host, NULL), *two = host_attach(&host, NULL);
	struct thruster_lease lease[4], got;
	struct thruster_ticket ticket;
	int64_t rents;
	unsigned i;

	for (i = 0; i < 3; i++)
		must_rent(one, &lease[i]);
	strcpy(lease[0].data, "kept");
	rents = number("arenas[0].classes[0].rents_total");
	cr_assert_geq(rents, 3);

	keeper_kill(&host, signal);
	must_rent(one, &lease[3]);
	cr_assert_eq(thruster_return(one, &lease[1]), 0);
	cr_assert_eq(
		thruster_hand_over(one, &lease[0], thruster_client_id(two), &ticket), 0);
	keeper_launch(&host, NULL);
	cr_assert_eq(thruster_accept(two, &ticket, &got), 0);
	cr_assert_str_eq(got.data, "kept");
	cr_assert_eq(thruster_return(one, &lease[1]), -ESTALE);
	must_rent(one, &lease[1]);

	cr_expect_eq(number("arenas[0].classes[0].leased"), 4);
	cr_expect_geq(number("arenas[0].classes[0].rents_total"), rents + 2);
	cr_expect_eq(number("arenas[0].clients[1].leased"), 1);
	cr_expect_eq(number("reclaim.clients_total"), 0);
	cr_assert_eq(thruster_return(two, &got), 0);
	for (i = 1; i < 4; i++)
		cr_assert_eq(thruster_return(one, &lease[i]), 0);
	cr_assert_eq(thruster_detach(one), 0);
	cr_assert_eq(thruster_detach(two), 0);
}

Test(restart, by_sigterm)
{
	must_go_on(SIGTERM);
}

Test(restart, by_sigkill)
{
	must_go_on(SIGKILL);
}

Test(restart, by_sigabrt_as_from_a_watchdog)
{
	must_go_on(SIGABRT);
}

/* Three for the arena and one for the state; and no run leaves more. */
Test(restart, keeps_few_descriptors)
{
	unsigned n, i;

	cr_assert_eq(n = keeper_count(), 4);
	for (i = 0; i < 5; i++)
		keeper_restart(&host, SIGKILL, NULL);
	cr_assert_eq(keeper_count(), n);
}

Test(restart, who_died_meanwhile_is_taken_back)
{
	pid_t pid = host_fork_holder(&host, "default", 5, 1000);

	keeper_kill(&host, SIGKILL);
	kill_child(pid);
	keeper_launch(&host, NULL);
	cr_expect_eq(number("arenas[0].classes[0].leased"), 0);
	cr_expect_eq(number("reclaim.clients_total"), 1);
	cr_expect_eq(number("reclaim.leases_total"), 5);
	cr_expect(file_contains(host.log, "took back 5 leases"));
}

/* It never calls the library again, so it never connects anew. */
Test(restart, who_dies_later_without_a_word_is_taken_back)
{
	pid_t pid = host_fork_holder(&host, "default", 5, 1000);

	keeper_restart(&host, SIGKILL, NULL);
	cr_expect_eq(number("arenas[0].classes[0].leased"), 5);
	kill_child(pid);
	host_await(&host, "arenas[0].classes[0].leased", 0);
	cr_expect_eq(number("reclaim.clients_total"), 1);
}

/* The sweeping eye of the daemon, since nothing else tells of a detach that was never heard. */
Test(restart, who_detaches_meanwhile_has_left)
{
	struct thruster_pool *pool = host_attach(&host, NULL);

	keeper_kill(&host, SIGKILL);
	cr_expect_eq(thruster_detach(pool), 0);
	keeper_launch(&host, NULL);
	host_await(&host, "arenas[0].classes[0].leased", 0);
	host_must_be_well(&host);
}

static void clients_say(const char *what)
{
	char text[4096];

	cr_expect_eq(host_ctl(&host, "clients", text, sizeof(text)), 0);
	cr_expect(strstr(text, what), "%s", text);
}

Test(restart, the_connection_comes_back_by_itself)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_lease lease[70];
	unsigned i;

	keeper_restart(&host, SIGKILL, NULL);
	cr_expect_eq(number("daemon.connections"), 1, "the question's own");
	for (i = 0; i < 70; i++) /* more than a segment has, so one of them takes the slow path */
		must_rent(pool, &lease[i]);
	host_await(&host, "daemon.connections", 2);
	cr_expect(file_contains(host.log, "has connected anew"));
	clients_say("boxfort-worker");
	cr_assert_eq(thruster_return_bulk(pool, lease, 70), 70);
	cr_assert_eq(thruster_detach(pool), 0);
	host_await(&host, "daemon.connections", 1);
}

/* The number of the descriptor may be another file's by now; that one is left alone. */
Test(restart, a_program_that_closes_all_descriptors)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_lease lease[70];
	int file[2], i;
	char c = 0;

	keeper_kill(&host, SIGKILL);
	/* The newest socket that is open is the library's. */
	for (i = 1023; i > 2; i--) {
		char path[64], target[64] = "";

		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
			strncmp(target, "socket:", 7) == 0)
			break;
	}
	close(i);
	cr_assert_eq(pipe(file), 0);
	cr_assert(file[0] == i || file[1] == i);
	keeper_launch(&host, NULL);
	for (i = 0; i < 70; i++)
		must_rent(pool, &lease[i]);
	host_await(&host, "daemon.connections", 2);
	cr_assert_eq(write(file[1], "x", 1), 1);
	cr_assert_eq(read(file[0], &c, 1), 1);
	cr_assert_eq(thruster_return_bulk(pool, lease, 70), 70);
	cr_assert_eq(thruster_detach(pool), 0);
}

Test(restart, who_attaches_meanwhile_waits_and_is_served)
{
	int status = 1;
	pid_t pid;

	keeper_kill(&host, SIGKILL);
	pid = fork();
	if (pid == 0) {
		struct thruster_pool *pool;
		struct thruster_lease lease;

		pool = host_attach(&host, NULL);
		_exit(thruster_rent_wait(pool, 1, NULL, &lease) || thruster_return(pool, &lease) ||
			thruster_detach(pool));
	}
	sleep_ms(100);
	cr_assert_eq(waitpid(pid, &status, WNOHANG), 0);
	keeper_launch(&host, NULL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
}

/* A sleeper in rent_wait is woken by what another client returns after the restart. */
Test(restart, a_waiter_waits_on)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_lease lease[3];
	int status = 1;
	unsigned i;
	pid_t pid;

	for (i = 0; i < 3; i++)
		cr_assert_eq(thruster_rent(pool, 100000, &lease[i]), 0);
	pid = fork();
	if (pid == 0) {
		struct thruster_pool *own = host_attach(&host, NULL);

		_exit(thruster_rent_wait(own, 100000, NULL, &lease[0]) ||
			thruster_detach(own));
	}
	host_await(&host, "arenas[0].classes[1].exhausted_total", 1);
	keeper_restart(&host, SIGKILL, NULL);
	cr_assert_eq(waitpid(pid, &status, WNOHANG), 0);
	cr_assert_eq(thruster_return(pool, &lease[1]), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert_eq(thruster_detach(pool), 0);
}

/* Killed again and again while clients come, rent, pass on, die: no error, no loss. */
Test(restart, a_storm_of_kills)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_lease lease;
	int64_t rents = 0, now;
	unsigned i, j;
	pid_t pid;

	for (i = 0; i < 25; i++) {
		pid = host_fork_holder(&host, "default", 7, 1000);
		for (j = 0; j < 500; j++) {
			must_rent(pool, &lease);
			cr_assert_eq(thruster_return(pool, &lease), 0);
		}
		kill(host.pid, SIGKILL);
		kill_child(pid);
		keeper_restart(&host, SIGKILL, NULL);
		now = number("arenas[0].classes[0].rents_total");
		cr_assert_geq(now, rents + 507);
		rents = now;
	}
	host_await(&host, "arenas[0].classes[0].leased", 0);
	cr_expect_eq(number("reclaim.clients_total"), 25);
	cr_expect_eq(number("reclaim.leases_total"), 25 * 7);
	cr_assert_eq(thruster_detach(pool), 0);
}

/* What the last run said of the cores is not to be believed by who attaches to the next. */
Test(restart, a_run_without_restartable_sequences)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	const uint64_t *word = &pool->board->visitable[0];
	uint64_t had = load_relaxed(word);
	struct thruster_lease lease;

	setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
	keeper_restart(&host, SIGKILL, NULL);
	cr_expect_eq(load_relaxed(word), 0);
	must_rent(pool, &lease);
	unsetenv("GLIBC_TUNABLES");
	keeper_restart(&host, SIGKILL, NULL);
	cr_expect_eq(load_relaxed(word), had);
	cr_expect_eq(thruster_return(pool, &lease), 0);
	thruster_detach(pool);
}
