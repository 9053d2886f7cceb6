/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_DICE_H
#define TESTS_UNIT_DICE_H

/*
 * Random numbers that are the same in every run: Marsaglia's xorshift, "Xorshift RNGs" (2003), with
 * the multiplication of Vigna's xorshift64*.
 */

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state; /* never 0 */
};

static inline uint64_t dice_roll(struct dice *d)
{
	d->state ^= d->state >> 12;
	d->state ^= d->state << 25;
	d->state ^= d->state >> 27;
	return d->state * 0x2545f4914f6cdd1dull;
}

/* 0 to n - 1. */
static inline uint64_t dice_below(struct dice *d, uint64_t n)
{
	return (dice_roll(d) >> 11) % n;
}

/* first to last, both included. */
static inline uint64_t dice_from(struct dice *d, uint64_t first, uint64_t last)
{
	return first + dice_below(d, last - first + 1);
}

static inline bool dice_one_in(struct dice *d, uint64_t n)
{
	return dice_below(d, n) == 0;
}

#endif
