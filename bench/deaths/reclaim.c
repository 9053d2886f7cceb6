/* SPDX-License-Identifier: MIT */
/*
 * How long after a SIGKILL what the client had can be had again, by another client that does
 * nothing but try. It is the time from the call of kill() on: the end of the process, how the
 * daemon learns of it, its walk over the records, and the other's own rents.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <thruster/client.h>
#include "bench/clock.h"
#include "bench/daemon.h"
#include "bench/deaths/crew.h"
#include "bench/deaths/intent.h"
#include "bench/fail.h"

#define SLOT_BYTES 512
#define PAUSE_NS 10000 /* between two tries to attach */
#define LOOK_NS 200000
#define WAIT_NS INT64_C(20000000)
#define ALL_NS_MAX INT64_C(20000000000)

struct burden {
	const char *name, *arena;
	unsigned held;
	struct thruster_pool *pool; /* of whom waits */
	double ms[NUMBERS_MAX], again_ms[NUMBERS_MAX];
};

static struct thruster_lease *leases;
static uint32_t *is_ready; /* shared with the victim */

static int attach(struct thruster_pool **ret, const char *arena)
{
	struct thruster_attach_options options = {
		.size = sizeof(options),
		.socket_path = daemon_socket(),
		.label = "thruster-deaths",
	};

	return thruster_attach(ret, arena, &options);
}

static double ms_since(int64_t start)
{
	return (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e6;
}

/* All n, however long it takes; whose slots they were may have to give them back first. */
static int rent_all(struct thruster_pool *pool, unsigned n)
{
	int64_t start = clock_ns(CLOCK_MONOTONIC), until;
	unsigned got = 0;
	int r;

	while (got < n) {
		r = thruster_rent_bulk(pool, SLOT_BYTES, &leases[got], n - got);
		if (r == -ENOBUFS) {
			until = clock_ns(CLOCK_MONOTONIC) + WAIT_NS;
			r = thruster_rent_wait(pool, SLOT_BYTES,
				&(struct timespec){ until / 1000000000, until % 1000000000 },
				&leases[got]);
			r = r == 0 ? 1 : r == -ETIMEDOUT ? 0 : r;
			if (until - start > ALL_NS_MAX)
				return -ETIMEDOUT;
		}
		if (r < 0)
			return r;
		got += (unsigned)r;
	}
	return 0;
}

static _Noreturn void be_victim(const struct burden *load)
{
	struct thruster_pool *pool;
	int r = attach(&pool, load->arena);

	if (r == 0 && load->held)
		r = rent_all(pool, load->held);
	__atomic_store_n(is_ready, r == 0 ? 1 : 2, __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static pid_t start_victim(const struct burden *load)
{
	uint32_t state;
	pid_t pid;

	*is_ready = 0;
	pid = crew_fork();
	if (pid == 0)
		be_victim(load);
	while ((state = __atomic_load_n(is_ready, __ATOMIC_ACQUIRE)) == 0)
		crew_sleep(LOOK_NS);
	if (state != 1)
		fail("the client that is to be killed cannot attach, or rent %u buffers",
			load->held);
	return pid;
}

/* There is one seat, and it is the victim's until it is nobody's. */
static struct thruster_pool *await_seat(const struct burden *load)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int64_t start = clock_ns(CLOCK_MONOTONIC);
	struct thruster_pool *pool;
	int r;

	while ((r = attach(&pool, load->arena)) == -EUSERS && ms_since(start) < ALL_NS_MAX / 1e6)
		nanosleep(&pause, NULL);
	if (r < 0)
		fail("cannot attach after a client was killed: %s", strerror(-r));
	return pool;
}

static void await_leases(const struct burden *load)
{
	int r = rent_all(load->pool, load->held);

	if (r < 0)
		fail("cannot rent what a killed client had: %s", strerror(-r));
}

static void take_one(struct burden *load, unsigned i)
{
	struct thruster_pool *pool = NULL;
	pid_t pid = start_victim(load);
	int64_t start = clock_ns(CLOCK_MONOTONIC);

	kill(pid, SIGKILL);
	if (load->held)
		await_leases(load);
	else
		pool = await_seat(load);
	load->ms[i] = ms_since(start);
	crew_bury(pid);
	if (load->held == 0) {
		thruster_detach(pool);
		return;
	}
	/* The same again without a death: what the rents themselves took. */
	thruster_return_bulk(load->pool, leases, load->held);
	start = clock_ns(CLOCK_MONOTONIC);
	await_leases(load);
	load->again_ms[i] = ms_since(start);
	thruster_return_bulk(load->pool, leases, load->held);
}

static json_t *arena_config(const struct burden *load)
{
	return json_pack("{s:s, s:i, s:[{s:i, s:i}]}", "name", load->arena, "max_clients",
		load->held ? 8 : 1, "classes", "slot_bytes", SLOT_BYTES, "slots",
		load->held ? (int)load->held : 1);
}

static void start_daemon(const struct intent *intent, const struct burden *loads, unsigned n)
{
	json_t *arenas = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(arenas, arena_config(&loads[i]));
	daemon_start(intent->thrusterd, json_pack("{s:o}", "arenas", arenas));
}

static json_t *load_json(const struct burden *load, unsigned n)
{
	json_t *object = json_pack("{s:i, s:i}", "held", (int)load->held, "n", (int)n);
	json_t *samples = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(samples, json_real(load->ms[i]));
	set_spread(object, "_ms", load->ms, n);
	json_object_set_new(object, "samples_ms", samples);
	if (load->held)
		set_spread(object, "_again_ms", load->again_ms, n);
	return object;
}

static double number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static void print(const json_t *rows)
{
	const json_t *row;
	size_t i;

	say("Milliseconds from SIGKILL of a client until another, which does nothing but try, has "
	    "its place or\nhas rented as many buffers as it held; \"again\": the same rents "
	    "without a death.\n\n%10s %10s %10s %10s %10s %6s\n",
		"held", "median", "p10", "p90", "again", "n");
	json_array_foreach(rows, i, row) {
		say("%10.0f %10.3f %10.3f %10.3f ", number(row, "held"), number(row, "median_ms"),
			number(row, "p10_ms"), number(row, "p90_ms"));
		if (json_object_get(row, "median_again_ms"))
			say("%10.3f", number(row, "median_again_ms"));
		else
			say("%10s", "");
		say(" %6.0f\n", number(row, "n"));
	}
	say("\n");
}

static void measure(struct burden *loads, unsigned n, unsigned repetitions)
{
	unsigned i, at;
	int r;

	for (at = 0; at < n; at++) {
		r = loads[at].held ? attach(&loads[at].pool, loads[at].arena) : 0;
		if (r < 0)
			fail("cannot attach: %s", strerror(-r));
	}
	for (i = 0; i < repetitions; i++) {
		tell("reclaim: %u of %u", i + 1, repetitions);
		for (at = 0; at < n; at++)
			take_one(&loads[at], i);
	}
	for (at = 0; at < n; at++)
		thruster_detach(loads[at].pool);
}

json_t *reclaim_measure(const struct intent *intent)
{
	static const struct burden all[] = {
		{ .name = "0", .arena = "none", .held = 0 },
		{ .name = "1000", .arena = "thousand", .held = 1000 },
		{ .name = "100000", .arena = "hundred-thousand", .held = 100000 },
	};
	static struct burden loads[sizeof(all) / sizeof(all[0])];
	json_t *rows = json_array();
	unsigned n = 0, i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (intent_has(intent, "reclaim", all[i].name))
			loads[n++] = all[i];
	if (n == 0)
		return rows;
	leases = calloc(loads[n - 1].held + 1, sizeof(*leases));
	is_ready = mmap(NULL, sizeof(*is_ready), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!leases || is_ready == MAP_FAILED)
		fail("out of memory");
	start_daemon(intent, loads, n);
	measure(loads, n, intent->reclaims);
	daemon_stop();
	for (i = 0; i < n; i++)
		json_array_append_new(rows, load_json(&loads[i], intent->reclaims));
	free(leases);
	munmap(is_ready, sizeof(*is_ready));
	print(rows);
	return rows;
}
