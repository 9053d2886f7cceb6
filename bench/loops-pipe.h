/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOOPS_PIPE_H
#define BENCH_LOOPS_PIPE_H

/*
 * Across two cores: lane 0 rents and passes on, lane 1 returns. Between them is a ring, unless the
 * engine has a way of its own. Touched means that the producer writes the buffer's first line and
 * the consumer reads it; whole, that it clears and reads all of it.
 */

#include "bench/loops-local.h"

static ALWAYS_INLINE void pass(struct lane *lane, union item *item, const struct acts *acts,
	struct ring_end *end, uint64_t depth)
{
	unsigned spins = 0;
	void *entry;
	int r;

	if (acts->send) {
		while ((r = acts->send(lane, item)) == -EAGAIN)
			spin(&spins);
	} else {
		entry = ring_reserve(&lane->stage->ring, end, depth, acts->entry_bytes);
		r = acts->pack(lane, item, entry);
		ring_publish(&lane->stage->ring, end);
	}
	if (__builtin_expect(r < 0, 0))
		lane_fail(lane, "cannot hand over", r);
}

static ALWAYS_INLINE void get(struct lane *lane, union item *ret, const struct acts *acts,
	struct ring_end *end, uint64_t depth)
{
	uint64_t entry[RING_ENTRY_MAX / sizeof(uint64_t)];
	unsigned spins = 0;
	int r;

	if (acts->receive) {
		while ((r = acts->receive(lane, ret)) == -EAGAIN)
			spin(&spins);
	} else {
		/* The place in the ring is free again before what was in it is gone after. */
		memcpy(entry, ring_await(&lane->stage->ring, end, depth, acts->entry_bytes),
			acts->entry_bytes);
		ring_release(&lane->stage->ring, end);
		r = acts->unpack(lane, entry, ret);
	}
	if (__builtin_expect(r < 0, 0))
		lane_fail(lane, "cannot accept", r);
}

static ALWAYS_INLINE void produce(struct lane *lane, uint64_t ops, enum touch touch,
	const struct acts *acts)
{
	uint64_t depth = lane->kind->depth, n;
	size_t bytes = lane->kind->bytes;
	struct ring_end end = lane->end;
	union item item;

	for (n = 0; n < ops; n++) {
		lane_rent(lane, acts, bytes, &item);
		touch_first(lane, acts, &item, bytes, touch == TOUCH_WHOLE ? touch : TOUCH_NOTHING);
		if (touch != TOUCH_NOTHING)
			*(volatile uint64_t *)acts->data(lane, &item) = n;
		pass(lane, &item, acts, &end, depth);
	}
	lane->end = end;
}

static ALWAYS_INLINE void consume(struct lane *lane, uint64_t ops, enum touch touch,
	const struct acts *acts)
{
	uint64_t depth = lane->kind->depth, n;
	size_t bytes = lane->kind->bytes;
	struct ring_end end = lane->end;
	union item item;

	for (n = 0; n < ops; n++) {
		get(lane, &item, acts, &end, depth);
		if (touch != TOUCH_NOTHING &&
			__builtin_expect(*(volatile uint64_t *)acts->data(lane, &item) != n, 0))
			lane_fail(lane, "a buffer is not as it was written", -EBADMSG);
		touch_last(lane, acts, &item, bytes, touch);
		lane_give(lane, acts, &item);
	}
	lane->end = end;
}

static ALWAYS_INLINE void pass_on(struct lane *lane, uint64_t ops, enum touch touch,
	const struct acts *acts)
{
	if (lane->index == 0)
		produce(lane, ops, touch, acts);
	else
		consume(lane, ops, touch, acts);
}

#endif
