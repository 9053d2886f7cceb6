/* SPDX-License-Identifier: MIT */
#ifndef TESTS_RACE_ARENA_H
#define TESTS_RACE_ARENA_H

/*
 * An arena in private memory, pools on it of either engine, and what the daemon's visitor does for
 * cores that are asked for slots.
 */

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/core.h"
#include "shm/geometry.h"
#include "shm/judge.h"
#include "shm/wait.h"

/* No daemon: a board whose run never changes, and no quota. */
static const struct thr_board no_board;

struct race_arena {
	struct thr_geometry geometry;
	struct thr_view view;
	void *pages;
	uint64_t bytes;
	uint32_t *roster;
	uint32_t claims[THR_CLASSES_MAX];
	uint64_t visitable[THR_CORES_MAX / 64];
};

/* Anew, if there was one before; in the same pages, if they are as many. */
static inline void race_arena_init(struct race_arena *a, uint32_t cores, uint32_t seats,
	const struct thr_class_spec *specs, uint32_t classes)
{
	uint32_t i;

	if (thr_geometry_init(&a->geometry, cores, seats, specs, classes) < 0)
		abort();
	if (a->bytes != a->geometry.arena_bytes) {
		free(a->pages);
		free(a->roster);
		a->bytes = a->geometry.arena_bytes;
		a->pages = aligned_alloc(THR_PAGE, a->bytes);
		a->roster = malloc((seats + 1) * sizeof(*a->roster));
	}
	memset(a->pages, 0, a->geometry.arena_bytes);
	memset(a->roster, 0, (seats + 1) * sizeof(*a->roster));
	memset(a->visitable, 0xff, sizeof(a->visitable));
	thr_view_init(&a->view, a->pages, &a->geometry);
	thr_view_format(&a->view);
	for (i = 0; i < classes; i++)
		a->claims[i] = a->geometry.class_[i].claim;
}

static inline void race_arena_fini(struct race_arena *a)
{
	free(a->pages);
	free(a->roster);
	*a = (struct race_arena){ 0 };
}

/* May the pool hold segments as a core? Else it rents as a thread. */
static inline void race_pool_sit(const struct race_arena *a, struct thruster_pool *pool,
	struct client_id id, bool as_core)
{
	pool->id = id;
	thr_pool_set_seat(pool, client_id_seat(id), as_core ? a->visitable : NULL);
	store_release(&a->roster[pool->seat.n], id.n);
}

static inline struct thruster_pool *race_pool_new(const struct race_arena *a, uint64_t nonce)
{
	struct thruster_pool *pool;

	if (thr_pool_new(&pool) < 0)
		abort();
	pool->is_attached = POOL_PLAIN;
	pool->board = &no_board;
	pool->is_fenced = pool->do_others_fence = thr_barrier_register() < 0;
	pool->nonce = nonce;
	pool->view = a->view;
	pool->roster = a->roster;
	return pool;
}

/* Are there cores to speak of here? If not, says so as a test that is skipped. */
static inline bool race_has_cores(void)
{
	struct section_self section;

	if (section_self_init(&section))
		return true;
	printf("1..0 # SKIP no restartable sequences in this build or process\n");
	return false;
}

/* Go to each core that was asked, as the daemon's visitor does, and give what it has. Returns
 * whether any was. */
static inline bool race_visit(const struct race_arena *a)
{
	bool any = false;
	cpu_set_t before, there;
	struct thr_self self;
	struct core_id core;
	uint32_t i;

	thr_self_init(&self, SEAT_NOBODY, &a->view, a->visitable);
	for (i = 0; i < a->view.n_classes; i++)
		for (core.n = 0; core.n < self.n_cores; core.n++) {
			if (!load_relaxed(&a->view.class_[i].cores[core.n].asked))
				continue;
			any = true;
			sched_getaffinity(0, sizeof(before), &before);
			CPU_ZERO(&there);
			CPU_SET(core.n, &there);
			if (sched_setaffinity(0, sizeof(there), &there) == 0)
				thr_core_yield(&a->view.class_[i], &self, core, true);
			else
				store_relaxed(&a->view.class_[i].cores[core.n].asked, 0);
			sched_setaffinity(0, sizeof(before), &before);
		}
	return any;
}

#endif
