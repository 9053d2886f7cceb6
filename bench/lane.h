/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

/* A thread that works, what it has, and how it fails. */

#include <thruster/client.h>
#include "bench/stage.h"
#include "bench/workloads.h"

#define HELD_MAX 2048u
#define BULK_MAX 64u

/* What a lane holds while it has a buffer. */
union item {
	struct thruster_lease lease;
	uint64_t slot; /* of a baseline */
};

struct lane {
	_Alignas(APART) const struct workload *workload;
	struct stage *stage;
	struct report *report;
	struct thruster_pool *pool;
	unsigned index;
	uint32_t peer;       /* the client that tickets are for */
	struct ring_end end; /* its end of the ring */
	uint64_t turn;       /* of the ball */
	uint64_t sink;       /* what was read, so that reading is not left out */
	unsigned oldest;     /* of those held */
	union item held[HELD_MAX];
	struct thruster_lease bulk[BULK_MAX];
};

/* Nothing was free, or so `r` must say: count it and wait a little. */
void lane_dry(struct lane *lane, int r);

/* Leave word and end the process. */
_Noreturn void lane_fail(struct lane *lane, const char *what, int r);

#endif
