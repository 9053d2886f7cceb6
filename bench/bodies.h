/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BODIES_H
#define BENCH_BODIES_H

/*
 * The loops that are timed. Each does `ops` operations (a buffer rented and returned, unless it is
 * said otherwise) and may be called again. `ops` is a multiple of OPS_UNIT.
 */

#include <stdbool.h>
#include <stdint.h>

#define OPS_UNIT 192u /* so that batches of 64, and nests of 3, come out even */

struct lane;

/* local.c: a lane by itself */
void body_single(struct lane *lane, uint64_t ops);
void body_single_touched(struct lane *lane, uint64_t ops);
void body_nested_2(struct lane *lane, uint64_t ops);
void body_nested_2_touched(struct lane *lane, uint64_t ops);
void body_nested_3(struct lane *lane, uint64_t ops);
void body_nested_3_touched(struct lane *lane, uint64_t ops);
void body_batch_32(struct lane *lane, uint64_t ops);
void body_hold(struct lane *lane, uint64_t ops); /* a window of `held` leases moves on by one */
void body_hold_begin(struct lane *lane);
void body_hold_end(struct lane *lane);

/* bulk.c */
void body_bulk_1(struct lane *lane, uint64_t ops);
void body_bulk_2(struct lane *lane, uint64_t ops);
void body_bulk_4(struct lane *lane, uint64_t ops);
void body_bulk_8(struct lane *lane, uint64_t ops);
void body_bulk_16(struct lane *lane, uint64_t ops);
void body_bulk_32(struct lane *lane, uint64_t ops);
void body_bulk_64(struct lane *lane, uint64_t ops);

/* pipe.c: lane 0 rents and passes on, lane 1 returns */
void body_pipe(struct lane *lane, uint64_t ops);
void body_pipe_touched(struct lane *lane, uint64_t ops);
void body_ring_8(struct lane *lane, uint64_t ops);  /* entries of 8 bytes, and no pool */
void body_ring_32(struct lane *lane, uint64_t ops); /* of 32 */
void body_round_trip(struct lane *lane, uint64_t ops);

/* machine's limits: limits.c */
void body_loop(struct lane *lane, uint64_t ops);
void body_call(struct lane *lane, uint64_t ops); /* into the shared library, which does nothing */
void body_add(struct lane *lane, uint64_t ops);
void body_lock_add(struct lane *lane, uint64_t ops);
void body_malloc(struct lane *lane, uint64_t ops);

/* rseq-*.c: a restartable section that commits one store */
bool body_rseq_is_here(void);
void body_rseq(struct lane *lane, uint64_t ops);

#endif
