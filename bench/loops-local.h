/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOOPS_LOCAL_H
#define BENCH_LOOPS_LOCAL_H

/*
 * A lane by itself: rent and return one buffer, or some nested in one another, or a batch. The
 * numbers are constants in each body, so that the loops over them disappear.
 */

#include "bench/acts.h"

#define BATCH 32
#define NEST_MAX 8

enum touch { TOUCH_NOTHING, TOUCH_BYTE, TOUCH_WHOLE };

static ALWAYS_INLINE void touch_first(struct lane *lane, const struct acts *acts, union item *item,
	size_t bytes, enum touch touch)
{
	if (touch == TOUCH_BYTE)
		*(volatile unsigned char *)acts->data(lane, item) = 1;
	if (touch == TOUCH_WHOLE) {
		void *data = acts->data(lane, item);

		memset(data, 0, bytes);
		keep(data);
	}
}

static ALWAYS_INLINE void touch_last(struct lane *lane, const struct acts *acts, union item *item,
	size_t bytes, enum touch touch)
{
	const uint64_t *word;
	uint64_t sum = 0;
	size_t i;

	if (touch != TOUCH_WHOLE)
		return;
	word = acts->data(lane, item);
	for (i = 0; i < bytes / sizeof(*word); i++)
		sum += word[i];
	lane->sink += sum;
}

/* Hold `depth` at once, and return them in reverse order. */
static ALWAYS_INLINE void nest(struct lane *lane, uint64_t ops, int depth, enum touch touch,
	const struct acts *acts)
{
	size_t bytes = lane->kind->bytes;
	union item item[NEST_MAX];
	uint64_t n;
	int i;

	for (n = 0; n < ops; n += (uint64_t)depth) {
		for (i = 0; i < depth; i++) {
			lane_rent(lane, acts, bytes, &item[i]);
			touch_first(lane, acts, &item[i], bytes, touch);
		}
		for (i = depth - 1; i >= 0; i--) {
			touch_last(lane, acts, &item[i], bytes, touch);
			lane_give(lane, acts, &item[i]);
		}
	}
}

static ALWAYS_INLINE void batch(struct lane *lane, uint64_t ops, const struct acts *acts)
{
	size_t bytes = lane->kind->bytes;
	union item item[BATCH];
	uint64_t n;
	int i;

	for (n = 0; n < ops; n += BATCH) {
		for (i = 0; i < BATCH; i++)
			lane_rent(lane, acts, bytes, &item[i]);
		for (i = 0; i < BATCH; i++)
			lane_give(lane, acts, &item[i]);
	}
}

/* Many in one call. A bulk that comes short is completed, and counted as a time when nothing was
 * free. */
static ALWAYS_INLINE void bulk(struct lane *lane, uint64_t ops, unsigned size,
	const struct acts *acts)
{
	size_t bytes = lane->kind->bytes;
	unsigned got, streak;
	uint64_t n;
	int r;

	for (n = 0; n < ops; n += size) {
		r = acts->rent_bulk(lane, bytes, lane->held, size);
		got = r > 0 ? (unsigned)r : 0;
		for (streak = 0; __builtin_expect(got < size, 0);) {
			lane_dry(lane, r < 0 ? r : -ENOBUFS, streak++);
			r = acts->rent_bulk(lane, bytes, &lane->held[got], size - got);
			got += r > 0 ? (unsigned)r : 0;
		}
		r = acts->give_bulk(lane, lane->held, size);
		if (__builtin_expect(r != (int)size, 0))
			lane_fail(lane, "cannot return a bulk", r < 0 ? r : -ESTALE);
	}
}

#endif
