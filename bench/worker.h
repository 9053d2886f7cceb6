/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

/*
 * A worker is this program, or a rival's own, begun with an order: which kind is to be done by
 * which engine, as which process of those that do it together, and the descriptor of the stage.
 */

#include "bench/bodies.h"
#include "bench/engines.h"
#include "bench/lane.h"

#define WORKER_OPTION "--worker"
#define WORKER_ORDER_FORMAT "%zu.%zu.%u.%d"

/* How an engine is used, in the program that has it. */
struct engine_code {
	const char *name; /* of the engine */
	/* Once in each process before its lanes; *lane is the first of it, and stands for all. 0 or
	 * what it failed with, after lane_fail()'s manner of leaving word. NULL: nothing to do. */
	int (*enter)(struct lane *lane);
	void (*leave)(struct lane *lane);
	/* By each lane, on its core, before and after; NULL: nothing. */
	int (*enter_lane)(struct lane *lane);
	void (*leave_lane)(struct lane *lane);
	body_f *const *bodies;
	/* Rent what kind->held and ->window say, and return it. */
	void (*begin)(struct lane *lane);
	void (*end)(struct lane *lane);
};

/* The exit status of a worker that obeys `order`; of the codes that the program has. */
int worker_main(const char *order, const struct engine_code *const *codes, size_t n);

/* Likewise, of one that kills others: storm.h. */
int storm_main(const char *order, const struct engine_code *const *codes, size_t n);

extern const struct kind storm_kinds[STORM_KINDS];

/* NULL: none of that name. */
const struct engine_code *engine_code_find(const char *name,
	const struct engine_code *const *codes, size_t n);

/* Go to the core of one's own, or of all. */
void lane_place(struct lane *lane);

#endif
