/* SPDX-License-Identifier: MIT */
/*
 * A lane by itself: rent and return one buffer, or two or three nested in one another, or a batch,
 * or with a window of leases held all the time. The numbers are constants in each body, so that the
 * loops over them disappear.
 */

#include "bench/bodies.h"
#include "bench/engines.h"

#define NEST_MAX 3
#define BATCH 32

/* Hold `depth` at once, and return them in reverse order. */
static ALWAYS_INLINE void nest(struct lane *lane, uint64_t ops, int depth, bool is_touched,
	const struct engine *engine)
{
	union item item[NEST_MAX];
	uint64_t n;
	int i;

	for (n = 0; n < ops; n += (uint64_t)depth) {
		for (i = 0; i < depth; i++) {
			engine_rent(lane, engine, &item[i]);
			if (is_touched)
				*(volatile unsigned char *)engine->data(lane, &item[i]) = 1;
		}
		for (i = depth - 1; i >= 0; i--)
			engine_give(lane, engine, &item[i]);
	}
}

void body_single(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(nest, lane, ops, 1, false);
}

void body_single_touched(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(nest, lane, ops, 1, true);
}

void body_nested_2(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(nest, lane, ops, 2, false);
}

void body_nested_2_touched(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(nest, lane, ops, 2, true);
}

void body_nested_3(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(nest, lane, ops, 3, false);
}

void body_nested_3_touched(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(nest, lane, ops, 3, true);
}

static ALWAYS_INLINE void batch(struct lane *lane, uint64_t ops, const struct engine *engine)
{
	union item item[BATCH];
	uint64_t n;
	int i;

	for (n = 0; n < ops; n += BATCH) {
		for (i = 0; i < BATCH; i++)
			engine_rent(lane, engine, &item[i]);
		for (i = 0; i < BATCH; i++)
			engine_give(lane, engine, &item[i]);
	}
}

void body_batch_32(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(batch, lane, ops);
}

/* The oldest lease goes, a new one comes. */
static ALWAYS_INLINE void move_on(struct lane *lane, uint64_t ops, const struct engine *engine)
{
	unsigned held = lane->workload->held;
	uint64_t n;

	for (n = 0; n < ops; n++) {
		union item *item = &lane->held[lane->oldest];

		engine_give(lane, engine, item);
		engine_rent(lane, engine, item);
		if (++lane->oldest == held)
			lane->oldest = 0;
	}
}

void body_hold(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(move_on, lane, ops);
}

static void fill(struct lane *lane, unsigned held, const struct engine *engine)
{
	unsigned i;

	for (i = 0; i < held; i++)
		engine_rent(lane, engine, &lane->held[i]);
}

static void empty(struct lane *lane, unsigned held, const struct engine *engine)
{
	unsigned i;

	for (i = 0; i < held; i++)
		engine_give(lane, engine, &lane->held[i]);
}

void body_hold_begin(struct lane *lane)
{
	FOR_ITS_ENGINE(fill, lane, lane->workload->held);
}

void body_hold_end(struct lane *lane)
{
	FOR_ITS_ENGINE(empty, lane, lane->workload->held);
}
