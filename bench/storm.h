/* SPDX-License-Identifier: MIT */
#ifndef BENCH_STORM_H
#define BENCH_STORM_H

/*
 * A storm: processes that rent and return are killed at any moment, one after the other, and then
 * it is counted how many slots can still be rented. It is a worker's second way to be used, and
 * needs nothing of an engine that measuring it does not need.
 *
 * The process that is begun with the order does the killing: the victims are forks of it. Whoever
 * began it writes `storm` and reads it when it has ended.
 */

#include <stddef.h>
#include <stdint.h>

#define STORM_OPTION "--storm"
#define STORM_ORDER_FORMAT "%zu.%zu.%d" /* which of storm_kinds, which engine, the stage */
#define STORM_LANES 2u

enum storm_end {
	STORM_CRASHED, /* who should have told has not */
	STORM_DONE,
	STORM_LATE,  /* not so many kills in the time that was given */
	STORM_EMPTY, /* nothing came free any more */
	STORM_STUCK, /* a survivor came to no end of what it did */
	STORM_STUCK_AFTER, /* who counted what is left came to no end */
	STORM_FAILED, /* for another reason, which is in `error` */
};

/* In the stage. */
struct storm {
	uint64_t wanted;     /* kills */
	uint64_t most;       /* slots that there are to be rented afterwards */
	int64_t patience_ns; /* so long may nothing come free until that is all there is */
	int64_t stuck_ns;    /* who makes no progress for so long never will */
	int64_t pace_ns;     /* from kill to kill, at least */
	int64_t limit_ns;    /* of the storm itself */
	/* Written by the worker. */
	uint64_t kills;
	uint64_t drained; /* slots that could be rented afterwards */
	uint64_t ns;      /* that the kills took */
	uint32_t end;     /* enum storm_end */
	/* Of a worker that only opens its pool: `most` is 0. Negative: it just ends. */
	int64_t enter_ns, leave_ns;
	char error[160];
};

enum {
	STORM_HOLD_NONE,
	STORM_HOLD_8,
	/* For those whose processes may not have many at once. */
	STORM_HOLD_NONE_OF_FEW,
	STORM_HOLD_8_OF_FEW,
	STORM_KINDS,
};

#endif
