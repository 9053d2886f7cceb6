/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

/* A thread that works, what it has, and how it fails. */

#include <thruster/client.h>
#include "bench/kinds.h"
#include "bench/stage.h"

#define HELD_MAX 4096u
#define BULK_MAX 64u
#define CHOICES 4096u

/* What a lane holds while it has a buffer. */
union item {
	struct thruster_lease lease;
	uint64_t slot; /* of a baseline */
	void *address; /* of an allocator */
	unsigned char bytes[RING_ENTRY_MAX];
};

struct kestrel;

struct lane {
	_Alignas(APART) const struct kind *kind;
	struct stage *stage;
	struct report *report;
	struct thruster_pool *pool;
	void *own; /* the engine's */
	struct kestrel *kestrel; /* of its process */
	unsigned index;
	uint32_t peer;       /* the client that tickets are for */
	struct ring_end end; /* its end of the ring */
	uint64_t turn;       /* of the ball */
	uint64_t sink;       /* what was read, so that reading is not left out */
	int64_t dry_since_ns;
	unsigned oldest; /* of those held */
	unsigned n_held; /* in a storm */
	uint64_t life;   /* likewise: of this process */
	union item held[HELD_MAX];
	uint32_t choice[CHOICES]; /* of one held, or of a size: drawn beforehand */
};

/* Nothing was free for the `streak`th time in a row, or so `r` must say: count it and wait a
 * little; when it has been so for long, leave word and end the process. */
void lane_dry(struct lane *lane, int r, unsigned streak);

/* Leave word and end the process. */
_Noreturn void lane_fail(struct lane *lane, const char *what, int r);

/* Likewise: a buffer is its own and somebody else's. */
_Noreturn void lane_clash(struct lane *lane);

#endif
