/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOOPS_HELD_H
#define BENCH_LOOPS_HELD_H

/*
 * A lane that holds leases all the time. A window of them moves on by one: the oldest goes, or one
 * drawn by lot (which was done beforehand), and a new one comes.
 */

#include "bench/loops-local.h"
#include "bench/sizes.h"

static ALWAYS_INLINE void exchange(struct lane *lane, const struct acts *acts, union item *item,
	size_t bytes, enum touch touch)
{
	lane_give(lane, acts, item);
	lane_rent(lane, acts, bytes, item);
	touch_first(lane, acts, item, bytes, touch);
}

static ALWAYS_INLINE void move_on(struct lane *lane, uint64_t ops, const struct acts *acts)
{
	unsigned held = lane->kind->held;
	size_t bytes = lane->kind->bytes;
	uint64_t n;

	for (n = 0; n < ops; n++) {
		exchange(lane, acts, &lane->held[lane->oldest], bytes, TOUCH_NOTHING);
		if (++lane->oldest == held)
			lane->oldest = 0;
	}
}

static ALWAYS_INLINE void shuffle(struct lane *lane, uint64_t ops, const struct acts *acts)
{
	size_t bytes = lane->kind->bytes;
	uint64_t n;

	for (n = 0; n < ops; n++)
		exchange(lane, acts, &lane->held[lane->choice[n % CHOICES]], bytes, TOUCH_NOTHING);
}

/* All but a few stay: what is rented and returned is a window behind those that are held. */
static ALWAYS_INLINE void churn(struct lane *lane, uint64_t ops, enum touch touch,
	const struct acts *acts)
{
	unsigned window = lane->kind->window;
	union item *item = &lane->held[lane->kind->held];
	size_t bytes = lane->kind->bytes;
	uint64_t n;

	for (n = 0; n < ops; n++) {
		exchange(lane, acts, &item[lane->oldest], bytes, touch);
		if (++lane->oldest == window)
			lane->oldest = 0;
	}
}

/* Of each size there may be several among those held; what is drawn is the new one's. */
static ALWAYS_INLINE void vary(struct lane *lane, uint64_t ops, enum touch touch,
	const struct acts *acts)
{
	unsigned held = lane->kind->held;
	uint64_t n;

	for (n = 0; n < ops; n++) {
		exchange(lane, acts, &lane->held[lane->oldest], lane->choice[n % CHOICES], touch);
		if (++lane->oldest == held)
			lane->oldest = 0;
	}
}

/* Rented at first: all there are, of which all but those to be held go again, drawn by lot, so that
 * those that stay lie anywhere. */
static ALWAYS_INLINE void settle(struct lane *lane, const struct acts *acts)
{
	const struct kind *kind = lane->kind;
	unsigned all = kind->group == GROUP_LONG ? kind->slots : kind->held;
	unsigned keep_n = kind->held + kind->window, i;
	uint64_t seed = 1;

	for (i = 0; i < all; i++)
		lane_rent(lane, acts, sizes_are_drawn(kind) ? lane->choice[i] : kind->bytes,
			&lane->held[i]);
	for (; all > keep_n; all--) {
		union item *gone = &lane->held[sizes_random(&seed) % all];

		lane_give(lane, acts, gone);
		*gone = lane->held[all - 1];
	}
}

static ALWAYS_INLINE void unsettle(struct lane *lane, const struct acts *acts)
{
	unsigned i;

	for (i = 0; i < lane->kind->held + lane->kind->window; i++)
		lane_give(lane, acts, &lane->held[i]);
}

#endif
