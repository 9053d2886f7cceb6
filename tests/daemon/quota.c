/* SPDX-License-Identifier: MIT */
/*
 * What one client may hold at once: each call that takes a lease keeps to it, each that gives one
 * up makes room, and who does not count is found by the daemon.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "shm/atomics.h"
#include "shm/record.h"
#include "shm/token.h"
#include "tests/daemon/raw.h"

#define STRIDE 4160u /* of slots of 4096 bytes */
#define LARGE 65600u /* of slots of 65536 bytes, likewise */
#define LEASES 5u
#define BYTES (10u * STRIDE)
#define THREADS 8u
#define ROUNDS 20000u

/* "many" has so many slots that its first class can be rented in runs on any machine. */
static const char format[] =
	"{ \"arenas\": ["
	" { \"name\": \"default\", \"quota\": { \"leases\": %u }, \"classes\":"
	"   [ { \"slot_bytes\": 64, \"slots\": %u } ] },"
	" { \"name\": \"bytes\", \"quota\": { \"bytes\": %u, \"leases\": 0 }, \"classes\":"
	"   [ { \"slot_bytes\": 4096, \"slots\": %u }, { \"slot_bytes\": 65536, \"slots\": 4 } ] },"
	" { \"name\": \"small\", \"quota\": { \"bytes\": 5000, \"leases\": 100 }, \"classes\":"
	"   [ { \"slot_bytes\": 4096, \"slots\": 2 }, { \"slot_bytes\": 65536, \"slots\": 4 } ] },"
	" { \"name\": \"free\", \"classes\": [ { \"slot_bytes\": 64, \"slots\": %u } ] } ] }";

static struct host host;
static char config[1024];

static void write_config(unsigned leases)
{
	unsigned slots = 128 * (unsigned)sysconf(_SC_NPROCESSORS_CONF);

	snprintf(config, sizeof(config), format, leases, slots, BYTES, slots, slots);
}

static void set_up(void)
{
	write_config(LEASES);
	host_start(&host, config);
}

static void clean_up(void)
{
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(quota, .init = set_up, .fini = clean_up, .timeout = 60);

/* How many more leases of that size the client can have, up to 100; all are returned. */
static unsigned room(struct thruster_pool *pool, size_t size)
{
	struct thruster_lease leases[100];
	unsigned n = 0, i;
	int r = 0;

	while (n < 100 && (r = thruster_rent(pool, size, &leases[n])) == 0)
		n++;
	cr_expect(n == 100 || r == -EDQUOT, "%d", r);
	for (i = 0; i < n; i++)
		cr_expect_eq(thruster_return(pool, &leases[i]), 0);
	return n;
}

Test(quota, of_leases_for_each_way_to_rent)
{
	struct thruster_pool *pool = host_attach(&host, NULL), *other = host_attach(&host, NULL);
	struct thruster_lease leases[10], extra = { 0 };
	unsigned i;

	for (i = 0; i < LEASES; i++)
		cr_assert_eq(thruster_rent(pool, 1, &leases[i]), 0);
	cr_expect_eq(thruster_rent(pool, 1, &extra), -EDQUOT);
	cr_expect_eq(thruster_rent_wait(pool, 1, NULL, &extra), -EDQUOT, "it does not wait");
	cr_expect_eq(thruster_rent_bulk(pool, 1, &extra, 1), -EDQUOT);
	cr_expect_null(extra.data, "written on failure");
	cr_expect_eq(room(other, 1), LEASES, "each client has its own");
	cr_expect_eq(thruster_return(pool, &leases[0]), 0);
	cr_expect_eq(thruster_return(pool, &leases[0]), -ESTALE);
	cr_expect_eq(room(pool, 1), 1, "what is refused makes no room");
	cr_expect_eq(thruster_rent_wait(pool, 1, NULL, &leases[0]), 0);
	cr_expect_eq(thruster_return_bulk(pool, leases, 3), 3);
	cr_expect_eq(thruster_return_bulk(pool, leases, 3), -ESTALE);
	cr_expect_eq(thruster_rent_bulk(pool, 1, leases, 10), 3, "as many as it may");
	cr_expect_eq(thruster_rent_bulk(pool, 1, &leases[5], 5), -EDQUOT);
	cr_expect_eq(thruster_detach(pool), 0);
	cr_expect_eq(thruster_detach(other), 0);
}

Test(quota, of_bytes_for_slots_and_runs)
{
	struct thruster_pool *pool = host_attach(&host, "bytes");
	struct thruster_lease run, one[3], extra;

	cr_expect_eq(room(pool, 1), 10);
	cr_expect_eq(room(pool, STRIDE), 10);
	cr_expect_eq(room(pool, 2 * STRIDE), 5);
	cr_expect_eq(room(pool, 6 * STRIDE), 1);
	cr_expect_eq(thruster_rent(pool, 11 * STRIDE, &extra), -EDQUOT, "more than all");
	cr_expect_eq(thruster_rent(pool, 1000 * STRIDE, &extra), -EMSGSIZE);
	cr_assert_eq(thruster_rent(pool, 8 * STRIDE, &run), 0);
	cr_expect_eq(run.size, 8 * STRIDE);
	cr_expect_eq(thruster_rent_bulk(pool, 1, one, 3), 2);
	/* The size in the lease is the program's to overwrite. */
	run.size = 1;
	cr_expect_eq(thruster_return(pool, &run), 0);
	cr_expect_eq(room(pool, 1), 8);
	one[0].size = 100 * STRIDE;
	cr_expect_eq(thruster_return_bulk(pool, one, 2), 2);
	cr_expect_eq(room(pool, 1), 10);
	cr_assert_eq(thruster_rent(pool, 3 * STRIDE, &run), 0);
	cr_expect_eq(thruster_return_bulk(pool, &run, 1), 1, "a run by the bulk");
	cr_expect_eq(room(pool, 1), 10);
	cr_expect_eq(thruster_detach(pool), 0);
}

/* A slot that is too large is no reason to say that the quota is used up, and none to take it. */
Test(quota, the_next_best_way_may_be_over_it)
{
	struct thruster_pool *pool = host_attach(&host, "small"), *a = host_attach(&host, "small"),
			     *b = host_attach(&host, "small");
	struct timespec soon = { (time_t)(now_ns() / 1000000000 + 1), 0 };
	struct thruster_lease of_a, of_b, lease;

	cr_expect_eq(thruster_rent(pool, 5000, &lease), -EDQUOT);
	cr_assert_eq(thruster_rent(a, 1, &of_a), 0);
	cr_expect_eq(thruster_rent(a, 1, &lease), -EDQUOT);
	cr_assert_eq(thruster_rent(b, 1, &of_b), 0);
	cr_expect_eq(thruster_rent(pool, 1, &lease), -ENOBUFS);
	cr_expect_eq(thruster_rent_bulk(pool, 1, &lease, 1), -ENOBUFS);
	cr_expect_eq(thruster_rent_wait(pool, 1, &soon, &lease), -ETIMEDOUT);
	cr_expect_eq(thruster_return(a, &of_a), 0);
	cr_expect_eq(thruster_rent_wait(pool, 1, NULL, &lease), 0);
	cr_expect_eq(thruster_detach(pool), 0);
	cr_expect_eq(thruster_detach(a), 0);
	cr_expect_eq(thruster_detach(b), 0);
}

Test(quota, a_lease_on_its_way_counts_for_nobody)
{
	struct thruster_pool *from = host_attach(&host, NULL), *to = host_attach(&host, NULL);
	struct thruster_lease sent[2 * LEASES], own[LEASES], lease;
	struct thruster_ticket tickets[2 * LEASES];
	unsigned i;

	for (i = 0; i < 2 * LEASES; i++) {
		cr_assert_eq(thruster_rent(from, 1, &sent[i]), 0);
		cr_expect_eq(thruster_hand_over(from, &sent[i], 1, &tickets[i]), -ESRCH);
		cr_assert_eq(thruster_hand_over(
				     from, &sent[i], thruster_client_id(to), &tickets[i]),
			0);
		cr_expect_eq(thruster_hand_over(
				     from, &sent[i], thruster_client_id(to), &tickets[i]),
			-ESTALE);
	}
	cr_expect_eq(room(from, 1), LEASES);
	cr_expect_eq(thruster_rent_bulk(to, 1, own, LEASES), (int)LEASES);
	cr_expect_eq(thruster_accept(to, &tickets[0], &lease), -EDQUOT);
	cr_expect_eq(thruster_return(to, &own[0]), 0);
	cr_expect_eq(thruster_accept(to, &tickets[0], &lease), 0, "the ticket is still good");
	cr_expect_eq(thruster_accept(to, &tickets[1], &own[0]), -EDQUOT);
	cr_expect_eq(thruster_return(to, &lease), 0);
	cr_expect_eq(thruster_accept(to, &tickets[0], &own[0]), -ESTALE);
	cr_expect_eq(room(to, 1), 1, "what was refused is not charged");
	cr_expect_eq(thruster_return_bulk(to, &own[1], LEASES - 1), (int)LEASES - 1);
	for (i = 1; i < LEASES; i++) {
		cr_expect_eq(thruster_accept(to, &tickets[i], &own[i]), 0);
		cr_expect_eq(room(to, 1), LEASES - i);
	}
	sleep_ms(1500); /* a sample or two */
	host_await(&host, "arenas[0].over_quota_total", 0);
	cr_expect_eq(thruster_detach(from), 0);
	cr_expect_eq(thruster_detach(to), 0);
}

/* The run of a ticket is charged, whatever it was that the sender had. */
Test(quota, runs_are_accepted_by_their_bytes)
{
	struct thruster_pool *from = host_attach(&host, "bytes"), *to = host_attach(&host, "bytes");
	struct thruster_lease run, seven, lease;
	struct thruster_ticket ticket;

	cr_assert_eq(thruster_rent(from, 4 * STRIDE, &run), 0);
	cr_assert_eq(thruster_rent(to, 7 * STRIDE, &seven), 0);
	cr_assert_eq(thruster_hand_over(from, &run, thruster_client_id(to), &ticket), 0);
	cr_expect_eq(room(from, 1), 10);
	cr_expect_eq(thruster_accept(to, &ticket, &lease), -EDQUOT);
	cr_expect_eq(room(to, 1), 3);
	cr_expect_eq(thruster_return(to, &seven), 0);
	cr_expect_eq(thruster_accept(to, &ticket, &lease), 0);
	cr_expect_eq(lease.size, 4 * STRIDE);
	cr_expect_eq(room(to, 1), 6);
	cr_expect_eq(thruster_detach(from), 0);
	cr_expect_eq(thruster_detach(to), 0);
}

struct crew {
	struct thruster_pool *pool;
	unsigned holding, most, refused, wrong;
};

/* Each has up to two leases at a time, so that together they want three times what they may. */
static void *rent_and_return(void *argument)
{
	struct crew *crew = argument;
	struct thruster_lease leases[2];
	unsigned i, now, most;
	int n, r;

	for (i = 0; i < ROUNDS; i++) {
		if (i % 2)
			n = thruster_rent_bulk(crew->pool, 1, leases, 2);
		else
			n = (r = thruster_rent(crew->pool, 1, leases)) ? r : 1;
		if (n < 0) {
			__atomic_add_fetch(n == -EDQUOT ? &crew->refused : &crew->wrong, 1,
				__ATOMIC_RELAXED);
			continue;
		}
		now = __atomic_add_fetch(&crew->holding, (unsigned)n, __ATOMIC_SEQ_CST);
		most = __atomic_load_n(&crew->most, __ATOMIC_RELAXED);
		while (now > most && !__atomic_compare_exchange_n(&crew->most, &most, now, false,
					     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			;
		if (i % 16 == 0)
			sched_yield();
		__atomic_sub_fetch(&crew->holding, (unsigned)n, __ATOMIC_SEQ_CST);
		if (thruster_return_bulk(crew->pool, leases, (unsigned)n) != n)
			__atomic_add_fetch(&crew->wrong, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

Test(quota, threads_share_it_and_never_have_more)
{
	struct crew crew = { .pool = host_attach(&host, NULL) };
	pthread_t threads[THREADS];
	unsigned i;

	for (i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, rent_and_return, &crew), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_leq(crew.most, LEASES);
	cr_expect_eq(crew.wrong, 0);
	cr_expect_eq(room(crew.pool, 1), LEASES, "nothing was counted twice or not at all");
	host_await(&host, "arenas[0].over_quota_total", 0);
	cr_expect_eq(thruster_detach(crew.pool), 0);
}

Test(quota, without_one_nothing_is_refused)
{
	struct thruster_pool *pool = host_attach(&host, "free");

	cr_expect_eq(room(pool, 1), 100);
	cr_expect_eq(thruster_detach(pool), 0);
}

Test(quota, a_forked_child_has_no_attachment)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_lease lease;
	struct thruster_ticket ticket;
	int status;
	pid_t pid;

	cr_assert_eq(thruster_rent(pool, 1, &lease), 0);
	cr_assert_eq(thruster_hand_over(pool, &lease, thruster_client_id(pool), &ticket), 0);
	pid = fork();
	if (pid == 0)
		_exit(thruster_rent(pool, 1, &lease) != -ECHILD ||
		      thruster_rent_wait(pool, 1, NULL, &lease) != -ECHILD ||
		      thruster_rent_bulk(pool, 1, &lease, 1) != -ECHILD ||
		      thruster_accept(pool, &ticket, &lease) != -ECHILD ||
		      thruster_return(pool, &lease) != -ECHILD);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(status, 0);
	cr_expect_eq(thruster_accept(pool, &ticket, &lease), 0);
	cr_expect_eq(room(pool, 1), LEASES - 1);
	cr_expect_eq(thruster_detach(pool), 0);
}

static unsigned count_in_log(const char *text)
{
	char command[256], output[64];

	snprintf(command, sizeof(command), "grep -c '%s' %s", text, host.log);
	shell(command, output, sizeof(output));
	return (unsigned)atoi(output);
}

static bool is_marked(uint32_t id)
{
	json_t *stats = host_stats(&host), *client;
	bool marked = false;
	size_t i;

	json_array_foreach(
		json_object_get(json_array_get(json_object_get(stats, "arenas"), 0), "clients"), i,
		client)
	{
		if (json_number(client, "id") == id)
			marked = json_is_true(json_object_get(client, "over_quota"));
	}
	json_decref(stats);
	return marked;
}

/* One that writes records as it likes. */
Test(quota, who_does_not_count_is_noticed)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct seat_id seat;
	struct raw raw;
	unsigned i;

	raw_attach(&raw, &host, "default");
	seat = client_id_seat((struct client_id){ raw.reply.client_id });
	for (i = 0; i <= LEASES; i++) {
		uint64_t *record = class_record(&raw.view.class_[0], (struct slot_id){ 70 + i });

		store_relaxed(record, record_lease(load_relaxed(record), seat, 1));
		if (i < LEASES - 1)
			continue;
		sleep_ms(1500);
		host_await(&host, "arenas[0].over_quota_total", i == LEASES);
	}
	cr_expect(is_marked(raw.reply.client_id));
	cr_expect_not(is_marked(thruster_client_id(pool)));
	cr_expect_eq(room(pool, 1), LEASES, "it is not the others' fault");
	sleep_ms(2500);
	cr_expect_eq(count_in_log("more than the quota allows"), 1, "it is said once");
	host_await(&host, "arenas[0].over_quota_total", 1);
	store_relaxed(class_record(&raw.view.class_[0], (struct slot_id){ 70 }), 0);
	sleep_ms(1500);
	cr_expect_not(is_marked(raw.reply.client_id), "now it is not over it any more");
	raw_vanish(&raw);
	cr_expect_eq(thruster_detach(pool), 0);
}

static void reload(unsigned leases)
{
	FILE *file = fopen(host.config, "we");
	unsigned before = count_in_log("onfiguration"), tries;

	write_config(leases);
	cr_assert(file && fputs(config, file) >= 0 && fclose(file) == 0);
	cr_assert_eq(kill(host.pid, SIGHUP), 0);
	for (tries = 0; tries < 500 && count_in_log("onfiguration") == before; tries++)
		sleep_ms(10);
	sleep_ms(50);
}

/* Nothing is taken away; but the client has to get below it before it may have more. */
Test(quota, a_new_quota_holds_at_once_for_those_who_had_one)
{
	struct thruster_pool *pool = host_attach(&host, NULL);
	struct thruster_lease leases[LEASES], extra;
	unsigned i;

	for (i = 0; i < LEASES; i++)
		cr_assert_eq(thruster_rent(pool, 1, &leases[i]), 0);
	reload(3);
	host_await(&host, "arenas[0].quota_leases", 3);
	cr_expect_eq(thruster_return(pool, &leases[4]), 0);
	cr_expect_eq(thruster_rent(pool, 1, &extra), -EDQUOT);
	cr_expect_eq(thruster_return_bulk(pool, leases, 2), 2);
	cr_expect_eq(room(pool, 1), 1);
	reload(8);
	host_await(&host, "arenas[0].quota_leases", 8);
	cr_expect_eq(room(pool, 1), 6);
	reload(0);
	host_await(&host, "arenas[0].quota_leases", 0);
	cr_expect_eq(room(pool, 1), 100);
	cr_expect_eq(thruster_detach(pool), 0);
}
