/* SPDX-License-Identifier: MIT */
/* What passing on costs without a pool: the pipe's ring alone, and below it a cache line that goes
 * to another core and back. */

#include "bench/bodies.h"
#include "bench/loops-pipe.h"

#define BARE_SPINS_BEFORE_YIELD 65536u /* some 30 us, without relax(), which would be measured */

/* The pool that has no buffers: what is left is the ring. */
static int nothing_rent(struct lane *lane, size_t bytes, union item *ret)
{
	(void)lane;
	(void)bytes;
	ret->slot = 0;
	return 0;
}

static int nothing_give(struct lane *lane, union item *item)
{
	lane->sink += item->slot;
	return 0;
}

static int words_pack(struct lane *lane, union item *item, void *entry)
{
	uint64_t words[4] = { item->slot, lane->index, lane->index, lane->index };

	memcpy(entry, words, sizeof(words));
	return 0;
}

static int words_unpack(struct lane *lane, const void *entry, union item *ret)
{
	uint64_t words[4];

	memcpy(words, entry, sizeof(words));
	lane->sink += words[1] + words[2] + words[3];
	ret->slot = words[0];
	return 0;
}

static const struct acts nothing_8 = { nothing_rent, nothing_give, NULL, NULL, NULL, word_pack,
	word_unpack, 8, NULL, NULL };
static const struct acts nothing_32 = { nothing_rent, nothing_give, NULL, NULL, NULL, words_pack,
	words_unpack, 32, NULL, NULL };

void body_ring_8(struct lane *lane, uint64_t ops)
{
	pass_on(lane, ops, TOUCH_NOTHING, &nothing_8);
}

void body_ring_32(struct lane *lane, uint64_t ops)
{
	pass_on(lane, ops, TOUCH_NOTHING, &nothing_32);
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
