/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOOPS_STORM_H
#define BENCH_LOOPS_STORM_H

/*
 * A lane whose process is killed at any moment, and one that counts what it left. The first holds
 * some buffers all the time, and writes into each who it is: nobody else who lives may have done
 * so, and nobody may do so meanwhile. What a dead process wrote stays until the next one's word.
 */

#include "bench/loops-local.h"

#define DRAIN_PAUSE_NS 1000000

static ALWAYS_INLINE uint64_t *word_of(struct lane *lane, const struct acts *acts,
	union item *item)
{
	return acts->data(lane, item);
}

static ALWAYS_INLINE void enter_word(struct lane *lane, const struct acts *acts,
	union item *item, uint64_t life)
{
	uint64_t was = __atomic_exchange_n(word_of(lane, acts, item), life, __ATOMIC_ACQ_REL);
	unsigned i;

	if (!was)
		return;
	for (i = 0; i < STORM_LANES; i++)
		if (__atomic_load_n(&lane->stage->report[i].life, __ATOMIC_ACQUIRE) == was)
			lane_clash(lane);
}

static ALWAYS_INLINE void strike_word(struct lane *lane, const struct acts *acts,
	union item *item, uint64_t life)
{
	if (__atomic_exchange_n(word_of(lane, acts, item), 0, __ATOMIC_ACQ_REL) != life)
		lane_clash(lane);
}

/* The oldest of those held is exchanged for a new one. Its own `begin` would not write. */
static ALWAYS_INLINE void vouch(struct lane *lane, uint64_t ops, const struct acts *acts)
{
	unsigned held = lane->kind->held;
	uint64_t life = lane->life, n;
	union item *item;

	for (; lane->n_held < held; lane->n_held++) {
		item = &lane->held[lane->n_held];
		lane_rent(lane, acts, lane->kind->bytes, item);
		enter_word(lane, acts, item, life);
	}
	for (n = 0; n < ops; n++) {
		item = &lane->held[lane->oldest];
		strike_word(lane, acts, item, life);
		lane_give(lane, acts, item);
		lane_rent(lane, acts, lane->kind->bytes, item);
		enter_word(lane, acts, item, life);
		if (++lane->oldest == held)
			lane->oldest = 0;
	}
}

/* Rent, and keep, until `most` are had, or no more are allowed, or nothing more came for so long as
 * storm.patience_ns: what can be had may have to come from another core, or back from the dead. */
static ALWAYS_INLINE void drain(struct lane *lane, uint64_t most, const struct acts *acts)
{
	const struct timespec pause = { .tv_nsec = DRAIN_PAUSE_NS };
	uint64_t *done = &lane->report->done;
	int64_t pauses = 0;
	union item item;
	int r;

	while (*done < most && pauses * DRAIN_PAUSE_NS <= lane->stage->storm.patience_ns) {
		r = acts->rent(lane, lane->kind->bytes, &item);
		if (r == 0) {
			__atomic_store_n(done, *done + 1, __ATOMIC_RELAXED);
			pauses = 0;
		} else if (r == -ENOBUFS) {
			nanosleep(&pause, NULL);
			pauses++;
		} else {
			break; /* this one may have no more */
		}
	}
}

#endif
