/* SPDX-License-Identifier: MIT */
/*
 * Across two cores: lane 0 rents and passes on, lane 1 returns. Between them is a ring, which is
 * measured alone too, and below it a line that goes to and fro. Touched means that the producer
 * writes the buffer's first line and the consumer reads it.
 */

#include <errno.h>
#include "bench/bodies.h"
#include "bench/engines.h"

#define BARE_SPINS_BEFORE_YIELD 65536u /* some 30 us, without relax(), which would be measured */

static ALWAYS_INLINE void produce(struct lane *lane, uint64_t ops, bool is_touched,
	const struct engine *engine)
{
	struct ring *ring = &lane->stage->ring;
	uint64_t depth = lane->workload->depth, n;
	struct ring_end end = lane->end;
	union item item;

	for (n = 0; n < ops; n++) {
		void *entry;
		int r;

		engine_rent(lane, engine, &item);
		if (is_touched)
			*(volatile uint64_t *)engine->data(lane, &item) = n;
		entry = ring_reserve(ring, &end, depth, engine->entry_bytes);
		r = engine->pack(lane, &item, entry);
		if (__builtin_expect(r < 0, 0))
			lane_fail(lane, "cannot hand over", r);
		ring_publish(ring, &end);
	}
	lane->end = end;
}

static ALWAYS_INLINE void consume(struct lane *lane, uint64_t ops, bool is_touched,
	const struct engine *engine)
{
	struct ring *ring = &lane->stage->ring;
	uint64_t depth = lane->workload->depth, sum = 0, n;
	struct ring_end end = lane->end;
	union item item;

	for (n = 0; n < ops; n++) {
		const void *entry = ring_await(ring, &end, depth, engine->entry_bytes);
		int r = engine->unpack(lane, entry, &item);

		if (__builtin_expect(r < 0, 0))
			lane_fail(lane, "cannot accept", r);
		ring_release(ring, &end);
		if (is_touched) {
			uint64_t seen = *(volatile uint64_t *)engine->data(lane, &item);

			if (__builtin_expect(seen != n, 0))
				lane_fail(lane, "a buffer is not as it was written", -EBADMSG);
			sum += seen;
		}
		engine_give(lane, engine, &item);
	}
	lane->end = end;
	lane->sink += sum;
}

static ALWAYS_INLINE void pass_on(struct lane *lane, uint64_t ops, bool is_touched,
	const struct engine *engine)
{
	if (lane->index == 0)
		produce(lane, ops, is_touched, engine);
	else
		consume(lane, ops, is_touched, engine);
}

void body_pipe(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(pass_on, lane, ops, false);
}

void body_pipe_touched(struct lane *lane, uint64_t ops)
{
	FOR_ITS_ENGINE(pass_on, lane, ops, true);
}

/* The pool that has no buffers: what is left is the ring. */
static inline int nothing_rent(struct lane *lane, union item *ret)
{
	(void)lane;
	ret->slot = 0;
	return 0;
}

static inline int nothing_give(struct lane *lane, union item *item)
{
	lane->sink += item->slot;
	return 0;
}

static inline int words_pack(struct lane *lane, union item *item, void *entry)
{
	uint64_t words[4] = { item->slot, lane->index, lane->index, lane->index };

	memcpy(entry, words, sizeof(words));
	return 0;
}

static inline int words_unpack(struct lane *lane, const void *entry, union item *ret)
{
	uint64_t words[4];

	memcpy(words, entry, sizeof(words));
	lane->sink += words[1] + words[2] + words[3];
	ret->slot = words[0];
	return 0;
}

static const struct engine nothing_8_engine = { nothing_rent, nothing_give, baseline_data,
	slot_pack, slot_unpack, 8 };
static const struct engine nothing_32_engine = { nothing_rent, nothing_give, baseline_data,
	words_pack, words_unpack, 32 };

void body_ring_8(struct lane *lane, uint64_t ops)
{
	pass_on(lane, ops, false, &nothing_8_engine);
}

void body_ring_32(struct lane *lane, uint64_t ops)
{
	pass_on(lane, ops, false, &nothing_32_engine);
}

/* One operation is one way there and back. */
void body_round_trip(struct lane *lane, uint64_t ops)
{
	uint64_t *ball = &lane->stage->ball, turn = lane->turn, n;
	unsigned spins = 0;

	for (n = 0; n < ops; n++) {
		if (lane->index == 0)
			__atomic_store_n(ball, turn + 1, __ATOMIC_RELEASE);
		while (__atomic_load_n(ball, __ATOMIC_ACQUIRE) != turn + 2 - lane->index)
			if (++spins % BARE_SPINS_BEFORE_YIELD == 0)
				sched_yield();
		if (lane->index == 1)
			__atomic_store_n(ball, turn + 2, __ATOMIC_RELEASE);
		turn += 2;
	}
	lane->turn = turn;
}
