/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BODIES_H
#define BENCH_BODIES_H

/*
 * The loops that are timed, by name. Each does `ops` operations (a buffer rented and returned,
 * unless it is said otherwise) and may be called again. `ops` is a multiple of OPS_UNIT. They are
 * written once, in loops-*.h, and compiled for each engine (engine-bodies.h).
 */

#include <stdbool.h>
#include <stdint.h>

#define MESSAGES 512u    /* a run of the Kestrel pipe */
#define OPS_UNIT 1536u   /* so that runs, batches of 64, and nests of 3 come out even */

struct lane;
typedef void body_f(struct lane *lane, uint64_t ops);

enum body {
	/* One lane by itself: loops-local.h. Touched: the first byte written; whole: all of it
	 * cleared and read. */
	BODY_NEST_1,
	BODY_NEST_1_TOUCHED,
	BODY_NEST_1_WHOLE,
	BODY_NEST_2,
	BODY_NEST_2_TOUCHED,
	BODY_NEST_3,
	BODY_NEST_3_TOUCHED,
	BODY_NEST_8,
	BODY_NEST_8_WHOLE,
	BODY_BATCH_32,
	BODY_BULK_1,
	BODY_BULK_2,
	BODY_BULK_4,
	BODY_BULK_8,
	BODY_BULK_16,
	BODY_BULK_32,
	BODY_BULK_64,
	/* With leases that are held all the time: loops-held.h */
	BODY_HOLD,
	BODY_SHUFFLE,
	BODY_LONG,
	BODY_LONG_TOUCHED,
	BODY_SIZES,
	BODY_SIZES_TOUCHED,
	/* Lane 0 rents and passes on, lane 1 returns: loops-pipe.h. Across: between processes. */
	BODY_PIPE,
	BODY_PIPE_TOUCHED,
	BODY_PIPE_WHOLE,
	BODY_PIPE_ACROSS,
	BODY_PIPE_ACROSS_TOUCHED,
	/* Kestrel's pipe; an operation is a message: loops-kestrel.h */
	BODY_KESTREL_INLINE,
	BODY_KESTREL_TASKS,
	/* For who is to be killed, and for who counts what is left: loops-storm.h */
	BODY_VOUCH,
	BODY_DRAIN,
	/* No pool, the machine's own: limits.c, limits-pipe.c, rseq-*.c */
	BODY_LOOP,
	BODY_CALL,
	BODY_ADD,
	BODY_LOCK_ADD,
	BODY_RSEQ,
	BODY_RING_8,
	BODY_RING_32,
	BODY_ROUND_TRIP,
	BODIES,
};

body_f body_loop, body_call, body_add, body_lock_add, body_rseq;
body_f body_ring_8, body_ring_32, body_round_trip;

bool body_rseq_is_here(void);

#endif
