/* SPDX-License-Identifier: MIT */
/*
 * More threads than slots, each renting with rent_wait and no deadline and giving back soon, and
 * no daemon that would make anybody look again: a missed wake that no later one makes up for hangs
 * the program. Some waiters give up at once, as if they had been killed before they slept.
 *
 * In a class that cores hold the two slots lie in two segments, so a waiter often has to get his
 * from a core that somebody else runs on. One thread visits the cores that are asked, and sleeps
 * until it is called.
 *
 *   wakes [ROUNDS OF EACH THREAD [open | lanes | cores | mixed]]
 */

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tests/race/arena.h"

#define THREADS 6
#define CORES 2
#define OPEN_SLOTS 2
#define CORE_SLOTS 65 /* two segments */
#define ROUNDS_DEFAULT 20000u

static struct race_arena arena;
static unsigned rounds = ROUNDS_DEFAULT;
static struct thruster_pool *pools[THREADS];
static bool has_failed;
static uint32_t stop;
static pthread_barrier_t all_are_there;

#ifdef THR_STEP_DECLARED
void thr_step(void)
{
	static __thread uint32_t random;

	random = random * 1664525 + 1013904223;
	if (random >> 24 == 0)
		sched_yield();
}
#endif

static void *client_main(void *argument)
{
	struct thruster_pool *pool = argument;
	struct thruster_lease lease;
	struct timespec past = { 0, 0 }, nap = { 0, 20000 };
	unsigned i;

	pthread_barrier_wait(&all_are_there);
	for (i = 0; i < rounds; i++) {
		if (i % 16 == 0 && thruster_rent_wait(pool, 1, &past, &lease) == 0)
			thruster_return(pool, &lease);
		if (thruster_rent_wait(pool, 1, NULL, &lease) != 0)
			has_failed = true;
		/* So that others find it taken; a yield alone need not let anybody run. */
		if (i % 64 == 0)
			nanosleep(&nap, NULL);
		else
			sched_yield();
		if (thruster_return(pool, &lease) != 0)
			has_failed = true;
	}
	return NULL;
}

static void *visitor_main(void *argument)
{
	uint32_t *visits = &arena.view.control->visits, seen;

	(void)argument;
	while (!load_acquire(&stop)) {
		seen = load_acquire(visits);
		if (!race_visit(&arena))
			syscall(SYS_futex, visits, FUTEX_WAIT, seen, NULL, NULL, 0);
	}
	return NULL;
}

/* All but one slot of each segment have been leased, for good. */
static void fill(void)
{
	const struct thr_class_view *c = &arena.view.class_[0];
	struct slot_id slot;

	for (slot.n = 0; slot.n < c->slots; slot.n++)
		if (slot.n % 64 != 0)
			*class_record(c, slot) =
				record_lease(0, (struct seat_id){ THREADS + 1 }, 1);
}

static uint64_t run(void)
{
	pthread_t threads[THREADS], visitor;
	uint64_t waits = 0;
	unsigned i;

	pthread_barrier_init(&all_are_there, NULL, THREADS);
	pthread_create(&visitor, NULL, visitor_main, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, client_main, pools[i]);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	store_release(&stop, 1);
	thr_wait_call_visitor(arena.view.control);
	pthread_join(visitor, NULL);
	for (i = 0; i < THREADS; i++)
		waits += arena.view.seats[i + 1].waits_total;
	return waits;
}

int main(int argc, char **argv)
{
	const char *engine = argc > 2 ? argv[2] : "open";
	bool is_open = strcmp(engine, "open") == 0, lanes = strcmp(engine, "lanes") == 0;
	struct thr_class_spec spec = { .slot_bytes = 64,
		.slots = is_open ? OPEN_SLOTS : CORE_SLOTS };
	uint64_t waits;
	unsigned i;

	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	if (!is_open && !lanes && !race_has_cores())
		return 0;
	race_arena_init(&arena, CORES, THREADS + 1, &spec, 1);
	fill();
	if (is_open)
		memset(arena.view.class_[0].segments[0].record, 0, OPEN_SLOTS * sizeof(uint64_t));
	for (i = 0; i < THREADS; i++) {
		pools[i] = race_pool_new(&arena, 0);
		race_pool_sit(&arena, pools[i],
			client_id_make((struct seat_id){ (uint16_t)(i + 1) }, 1),
			!lanes && (strcmp(engine, "mixed") != 0 || i % 2));
	}
	waits = run();
	for (i = 0; i < THREADS; i++)
		thr_pool_free(pools[i]);
	race_arena_fini(&arena);
	printf("1..1\n%sok 1 - no wake was missed in %llu waits%s\n",
		has_failed || waits == 0 ? "not " : "", (unsigned long long)waits,
		has_failed ? ", but a call failed" : "");
	return has_failed || waits == 0;
}
