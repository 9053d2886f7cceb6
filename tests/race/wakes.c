/* SPDX-License-Identifier: MIT */
/*
 * More threads than slots, each renting with rent_wait and no deadline and giving back soon, and
 * no daemon that would make anybody look again: a missed wake that no later one makes up for hangs
 * the program. Some waiters give up at once, as if they had been killed before they slept.
 *
 *   wakes [ROUNDS OF EACH THREAD]
 */

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "client/pool.h"
#include "shm/geometry.h"
#include "shm/wait.h"

#define THREADS 6
#define SLOTS 2
#define ROUNDS_DEFAULT 20000u

static struct thr_geometry geometry;
static struct thr_view view;
static unsigned rounds = ROUNDS_DEFAULT;
static struct thruster_pool *pools[THREADS];
static bool has_failed;

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
	struct timespec past = { 0, 0 };
	unsigned i;

	for (i = 0; i < rounds; i++) {
		if (i % 16 == 0 && thruster_rent_wait(pool, 1, &past, &lease) == 0)
			thruster_return(pool, &lease);
		if (thruster_rent_wait(pool, 1, NULL, &lease) != 0)
			has_failed = true;
		sched_yield(); /* so that others find it taken */
		if (thruster_return(pool, &lease) != 0)
			has_failed = true;
	}
	return NULL;
}

static struct thruster_pool *pool_make(uint16_t seat)
{
	struct thruster_pool *pool;

	if (thr_pool_new(&pool) < 0)
		abort();
	pool->is_attached = 1;
	pool->is_fenced = pool->do_others_fence = thr_barrier_register() < 0;
	pool->seat.n = seat;
	pool->view = view;
	return pool;
}

int main(int argc, char **argv)
{
	static const struct thr_class_spec spec = { .slot_bytes = 64, .slots = SLOTS };
	pthread_t threads[THREADS];
	uint64_t waits = 0;
	void *pages;
	unsigned i;

	if (argc > 1)
		rounds = (unsigned)atoi(argv[1]);
	if (thr_geometry_init(&geometry, 2, THREADS, &spec, 1) < 0)
		abort();
	pages = aligned_alloc(THR_PAGE, geometry.arena_bytes);
	memset(pages, 0, geometry.arena_bytes);
	thr_view_init(&view, pages, &geometry);
	thr_view_format(&view);
	for (i = 0; i < THREADS; i++)
		pools[i] = pool_make((uint16_t)(i + 1));
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, client_main, pools[i]);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < THREADS; i++) {
		waits += view.seats[i + 1].waits_total;
		thr_pool_free(pools[i]);
	}
	free(pages);
	printf("1..1\n%sok 1 - no wake was missed in %llu waits\n",
		has_failed || waits == 0 ? "not " : "", (unsigned long long)waits);
	return has_failed || waits == 0;
}
