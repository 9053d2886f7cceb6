/* SPDX-License-Identifier: MIT */
/*
 * What is traced is true. Each kind of contention is provoked a known number of times, or as often
 * as it comes, and three accounts of it are compared: what we did, what the clients counted by
 * themselves, and what BPF programs counted at the probes.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/harness/harness.h"

#define OPEN_SLOTS 4u
#define CORE_SLOTS 64u /* a segment for each core: all of them fit into what two cores can hold */
#define NS_PER_MS 1000000ull
#define CLASS_CORE 0 /* in ascending order of sizes */
#define CLASS_OPEN 1

static char config[512];
static struct host host;
static struct thruster_pool *pool;
static unsigned n_cores;

static void set_up(void)
{
	const char *why;

	if (!probes_can_trace(&why))
		cr_skip_test("%s", why);
	n_cores = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	snprintf(config, sizeof(config),
		"{ \"arenas\": [ { \"name\": \"default\", \"max_clients\": 16, \"classes\": ["
		" { \"slot_bytes\": 256, \"slots\": %u },"
		" { \"slot_bytes\": 65536, \"slots\": %u } ] } ] }",
		CORE_SLOTS * n_cores, OPEN_SLOTS);
	host_start(&host, config);
	probes_start(&host.probes, &host, NULL, NULL);
	pool = host_attach(&host, NULL);
}

static void clean_up(void)
{
	if (!host.pid)
		return;
	thruster_detach(pool);
	host_must_be_well(&host);
	host_stop(&host);
}

TestSuite(contention, .init = set_up, .fini = clean_up, .timeout = 120);

/* A count of a class, over all cores, as eBPF has it and as clients have it. */
struct counts {
	int64_t ebpf, clients;
};

static int64_t sum_of(const json_t *cores, const char *key)
{
	json_t *core;
	int64_t sum = 0;
	size_t i;

	json_array_foreach(cores, i, core)
		sum += json_integer_value(json_object_get(core, key));
	return sum;
}

static struct counts counts_of(const json_t *stats, unsigned class_, const char *key)
{
	const json_t *arena = json_array_get(json_object_get(stats, "arenas"), 0);
	const json_t *traced = json_array_get(
		json_object_get(json_object_get(stats, "contention"), "arenas"), 0);

	return (struct counts){
		.ebpf = sum_of(json_object_get(json_array_get(json_object_get(traced, "classes"),
						       class_), "cores"), key),
		.clients = sum_of(json_object_get(json_array_get(json_object_get(arena, "classes"),
							  class_), "cores"), key),
	};
}

static struct counts counts_now(unsigned class_, const char *key)
{
	json_t *stats = host_stats(&host);
	struct counts c = counts_of(stats, class_, key);

	json_decref(stats);
	return c;
}

/* Our own client's cell: the figure, or 0. */
static int64_t client_now(const char *key)
{
	json_t *stats = host_stats(&host), *client;
	const json_t *traced = json_array_get(
		json_object_get(json_object_get(stats, "contention"), "arenas"), 0);
	int64_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(traced, "clients"), i, client)
		if (json_integer_value(json_object_get(client, "id")) ==
			(int64_t)thruster_client_id(pool))
			n = json_integer_value(json_object_get(client, key));
	json_decref(stats);
	return n;
}

static struct timespec in_ms(unsigned ms)
{
	uint64_t at = now_ns() + ms * NS_PER_MS;

	return (struct timespec){ (time_t)(at / 1000000000), (long)(at % 1000000000) };
}

static void rent_all_open(struct thruster_lease *leases)
{
	cr_assert_eq(thruster_rent_bulk(pool, 65536, leases, OPEN_SLOTS), (int)OPEN_SLOTS);
}

/* Exhaustion: exactly so many rents find nothing. */
Test(contention, each_exhaustion_is_counted_once)
{
	struct thruster_lease leases[OPEN_SLOTS], none;
	unsigned i;

	rent_all_open(leases);
	for (i = 0; i < 1000; i++)
		cr_assert_eq(thruster_rent(pool, 65536, &none), -ENOBUFS);
	thruster_return_bulk(pool, leases, OPEN_SLOTS);
	cr_assert_eq(counts_now(CLASS_OPEN, "exhausted_total").ebpf, 1000);
	cr_assert_eq(counts_now(CLASS_OPEN, "exhausted_total").clients, 1000);
	cr_assert_eq(client_now("exhausted_total"), 1000);
}

#define WAITERS 10u
#define WAIT_MS 150u

static void *wait_in_vain(void *argument)
{
	struct timespec until = in_ms(WAIT_MS);
	struct thruster_lease lease;
	uint64_t *ns = argument;

	*ns = now_ns();
	if (thruster_rent_wait(pool, 65536, &until, &lease) != -ETIMEDOUT)
		abort();
	*ns = now_ns() - *ns;
	return NULL;
}

/* Of one class, the histogram that its cores have together. */
static void histogram_of(const json_t *cores, int64_t *ret_sum, int64_t *ret_max,
	int64_t *ret_in_bounds, uint64_t from, uint64_t to)
{
	json_t *core, *bucket;
	size_t i, j;

	*ret_sum = *ret_max = *ret_in_bounds = 0;
	json_array_foreach(cores, i, core) {
		const json_t *waits = json_object_get(core, "waits");
		int64_t max = json_integer_value(json_object_get(waits, "max"));

		*ret_sum += json_integer_value(json_object_get(waits, "sum"));
		*ret_max = max > *ret_max ? max : *ret_max;
		json_array_foreach(json_object_get(waits, "buckets"), j, bucket) {
			uint64_t le = (uint64_t)json_integer_value(json_object_get(bucket, "le"));

			if (le > from && le / 2 < to)
				*ret_in_bounds +=
					json_integer_value(json_object_get(bucket, "count"));
		}
	}
}

/* So many waits, each of a length that we measured around it: the sums agree within what lies
 * between our clock and the library's, and the buckets are those of the lengths. */
Test(contention, waits_have_the_length_that_they_had)
{
	struct thruster_lease leases[OPEN_SLOTS];
	uint64_t ns[WAITERS], outer = 0, longest = 0;
	int64_t sum[2], max[2], in_bounds[2];
	pthread_t thread[WAITERS];
	const json_t *arena, *traced;
	json_t *stats;
	unsigned i;

	rent_all_open(leases);
	for (i = 0; i < WAITERS; i++)
		pthread_create(&thread[i], NULL, wait_in_vain, &ns[i]);
	for (i = 0; i < WAITERS; i++) {
		pthread_join(thread[i], NULL);
		outer += ns[i];
		longest = ns[i] > longest ? ns[i] : longest;
	}
	thruster_return_bulk(pool, leases, OPEN_SLOTS);
	stats = host_stats(&host);
	arena = json_array_get(json_object_get(stats, "arenas"), 0);
	traced = json_array_get(json_object_get(json_object_get(stats, "contention"), "arenas"), 0);
	histogram_of(json_object_get(json_array_get(json_object_get(traced, "classes"), CLASS_OPEN),
			     "cores"), &sum[0], &max[0], &in_bounds[0], WAIT_MS * NS_PER_MS / 2,
		longest);
	histogram_of(json_object_get(json_array_get(json_object_get(arena, "classes"), CLASS_OPEN),
			     "cores"), &sum[1], &max[1], &in_bounds[1], WAIT_MS * NS_PER_MS / 2,
		longest);
	cr_assert_eq(sum[0], sum[1], "the program got the waiter's own measure");
	cr_assert_eq(max[0], max[1]);
	/* The rent tries before it waits, so its wait is a little shorter than the call. */
	cr_assert_leq((uint64_t)sum[0], outer);
	cr_assert_geq((uint64_t)sum[0], outer - outer / 5);
	cr_assert_eq(in_bounds[0], WAITERS);
	cr_assert_eq(in_bounds[1], WAITERS);
	cr_assert_eq(counts_of(stats, CLASS_OPEN, "waits_total").ebpf, WAITERS);
	cr_assert_eq(counts_of(stats, CLASS_OPEN, "wait_timeouts_total").ebpf, WAITERS);
	cr_assert_eq(counts_of(stats, CLASS_OPEN, "waits_begun_total").ebpf, WAITERS);
	cr_assert_eq(json_number(stats, "arenas[0].classes[1].waiters"), 0);
	cr_assert_geq(json_number(stats, "arenas[0].classes[1].waiters_peak"), 2);
	cr_assert_leq(json_number(stats, "arenas[0].classes[1].waiters_peak"), WAITERS);
	/* Longer than 100 ms: each was an event. */
	cr_assert_geq(json_array_size(json_object_get(json_object_get(stats, "contention"),
			      "events")), WAITERS);
	json_decref(stats);
}

static void run_on(unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	cr_assert_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* The segments that went from one core to another, as eBPF has it. */
static int64_t steals_now(unsigned from, unsigned to)
{
	json_t *stats = host_stats(&host), *steal;
	const json_t *traced = json_array_get(
		json_object_get(json_object_get(stats, "contention"), "arenas"), 0);
	int64_t n = 0;
	size_t i;

	json_array_foreach(json_object_get(traced, "steals"), i, steal)
		if (json_integer_value(json_object_get(steal, "from")) == from &&
			json_integer_value(json_object_get(steal, "to")) == to)
			n += json_integer_value(json_object_get(steal, "segments"));
	json_decref(stats);
	return n;
}

#define ROUNDS 50u

/*
 * Two cores fight: one takes all that there is and gives it back, which leaves it with all segments
 * there are; then the other wants a slot, and must ask. Each time that is one
 * question and one segment, from the one to the other.
 */
Test(contention, two_cores_fight_over_segments)
{
	unsigned n = CORE_SLOTS * n_cores, round, i, got;
	struct thruster_lease *leases = calloc(n, sizeof(*leases)), lease, larger[OPEN_SLOTS];
	int64_t steals, asks;
	struct timespec until;

	if (n_cores < 2 || n_cores > THR_CORE_HELD_MAX)
		cr_skip_test("%u cores: not one that can hold all there is, and another", n_cores);
	rent_all_open(larger); /* which would do as well */
	for (round = 0; round < ROUNDS; round++) {
		run_on(round % 2);
		for (got = 0; got < n; got++) {
			until = in_ms(5000);
			cr_assert_eq(thruster_rent_wait(pool, 256, &until, &leases[got]), 0);
		}
		for (i = 0; i < n; i++)
			cr_assert_eq(thruster_return(pool, &leases[i]), 0);
		steals = steals_now(round % 2, (round + 1) % 2);
		asks = counts_now(CLASS_CORE, "asks_total").ebpf;
		run_on((round + 1) % 2);
		until = in_ms(5000);
		cr_assert_eq(thruster_rent_wait(pool, 256, &until, &lease), 0);
		cr_assert_eq(thruster_return(pool, &lease), 0);
		cr_assert_eq(steals_now(round % 2, (round + 1) % 2), steals + 1, "round %u", round);
		cr_assert_geq(counts_now(CLASS_CORE, "asks_total").ebpf, asks + 1);
	}
	free(leases);
	thruster_return_bulk(pool, larger, OPEN_SLOTS);
	/* Each that was given is in the matrix. */
	cr_assert_eq(steals_now(0, 1) + steals_now(1, 0),
		counts_now(CLASS_CORE, "yields_total").ebpf);
	cr_assert_eq(counts_now(CLASS_CORE, "visits_total").ebpf,
		counts_now(CLASS_CORE, "visits_total").clients);
}

struct quarrel {
	pthread_barrier_t barrier;
	uint32_t stop;
	size_t size;
};

static void *quarrel_main(void *argument)
{
	struct quarrel *q = argument;
	struct thruster_lease lease;

	pthread_barrier_wait(&q->barrier);
	while (!__atomic_load_n(&q->stop, __ATOMIC_RELAXED))
		if (thruster_rent(pool, q->size, &lease) == 0)
			thruster_return(pool, &lease);
	return NULL;
}

static void quarrel(size_t size, unsigned threads, unsigned ms)
{
	struct quarrel q = { .size = size };
	pthread_t thread[16];
	unsigned i;

	pthread_barrier_init(&q.barrier, NULL, threads);
	for (i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, quarrel_main, &q);
	sleep_ms(ms);
	__atomic_store_n(&q.stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&q.barrier);
}

/* Claims that were beaten: both count the same, to the last one. */
Test(contention, retries_in_an_open_class_agree)
{
	struct counts retries;
	unsigned tries;

	for (tries = 0; tries < 20; tries++) {
		quarrel(65536, 8, 250);
		retries = counts_now(CLASS_OPEN, "retries_total");
		if (retries.clients > 0)
			break;
	}
	cr_assert_gt(retries.clients, 0, "nobody was ever beaten");
	cr_assert_eq(retries.ebpf, retries.clients, "%d, not %d", (int)retries.ebpf,
		(int)retries.clients);
	cr_assert_eq(counts_now(CLASS_OPEN, "exhausted_total").ebpf,
		counts_now(CLASS_OPEN, "exhausted_total").clients);
}

/* Of two counts, one that loses a few: those of threads that moved to another core just then. */
static void must_nearly_agree(const char *key)
{
	struct counts c = counts_now(CLASS_CORE, key);

	cr_assert_gt(c.ebpf, 0, "%s never happened", key);
	cr_assert_leq(c.clients, c.ebpf, "%s: %d, not more than %d", key, (int)c.clients,
		(int)c.ebpf);
	cr_assert_geq(c.clients, c.ebpf - c.ebpf / 100 - 2, "%s: %d of %d", key, (int)c.clients,
		(int)c.ebpf);
}

/* Many threads on all cores: preempted inside sections, and short of slots. */
Test(contention, restarts_refills_and_adoptions_agree)
{
	unsigned tries;

	for (tries = 0; tries < 40 && counts_now(CLASS_CORE, "restarts_total").ebpf < 10; tries++)
		quarrel(256, 12, 250);
	must_nearly_agree("restarts_total");
	quarrel(256 * 40, 12, 250); /* runs of many slots go through segments quickly */
	must_nearly_agree("refills_total");
	must_nearly_agree("adoptions_total");
}

/* The lock decides when a client may be reclaimed, and the daemon's own probe tells of it. */
Test(contention, reclaims_are_told)
{
	pid_t pid = host_fork_holder(&host, NULL, 3, 65536);
	struct counts reclaims;

	kill_child(pid);
	host_await(&host, "arenas[0].classes[1].leased", 0);
	reclaims = counts_now(CLASS_OPEN, "reclaims_total");
	cr_assert_eq(reclaims.ebpf, 1);
	cr_assert_eq(counts_now(CLASS_CORE, "reclaims_total").ebpf, 0);
}

/* An arena of another daemon that nobody traces: its probes fire, and count for nobody. */
Test(contention, strangers_are_not_counted)
{
	struct thruster_lease leases[OPEN_SLOTS], none;
	struct thruster_pool *other_pool;
	struct host other;
	unsigned i;

	host_start(&other, config);
	other_pool = host_attach(&other, NULL);
	cr_assert_eq(thruster_rent_bulk(other_pool, 65536, leases, OPEN_SLOTS), (int)OPEN_SLOTS);
	for (i = 0; i < 100; i++)
		cr_assert_eq(thruster_rent(other_pool, 65536, &none), -ENOBUFS);
	thruster_return_bulk(other_pool, leases, OPEN_SLOTS);
	thruster_detach(other_pool);
	host_stop(&other);
	setenv("THRUSTER_SOCKET", host.socket, 1);
	cr_assert_eq(counts_now(CLASS_OPEN, "exhausted_total").ebpf, 0);
	cr_assert_geq(host_number(&host, "contention.ebpf.strangers_total"), 100);
}

/* A ring that nobody reads: what does not fit is counted. */
#define FLOOD_THREADS 400u
#define FLOOD_ROUNDS 15u

static void *flood_main(void *argument)
{
	struct thruster_lease lease;
	struct timespec until;
	unsigned i;

	(void)argument;
	for (i = 0; i < FLOOD_ROUNDS; i++) {
		until = in_ms(101);
		thruster_rent_wait(pool, 65536, &until, &lease);
	}
	return NULL;
}

Test(contention, lost_events_are_counted)
{
	struct thruster_lease leases[OPEN_SLOTS];
	pthread_t thread[FLOOD_THREADS];
	pthread_attr_t small;
	unsigned i;

	rent_all_open(leases);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	kill(host.pid, SIGSTOP);
	for (i = 0; i < FLOOD_THREADS; i++)
		cr_assert_eq(pthread_create(&thread[i], &small, flood_main, NULL), 0);
	for (i = 0; i < FLOOD_THREADS; i++)
		pthread_join(thread[i], NULL);
	kill(host.pid, SIGCONT);
	pthread_attr_destroy(&small);
	thruster_return_bulk(pool, leases, OPEN_SLOTS);
	/* All were waits, and those that the ring had no room for are known. */
	cr_assert_eq(counts_now(CLASS_OPEN, "waits_total").ebpf, FLOOD_THREADS * FLOOD_ROUNDS);
	cr_assert_gt(host_number(&host, "contention.ebpf.lost_events"), 0);
	cr_assert_lt(host_number(&host, "contention.ebpf.lost_events"),
		FLOOD_THREADS * FLOOD_ROUNDS);
}
