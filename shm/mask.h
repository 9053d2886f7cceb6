/* SPDX-License-Identifier: MIT */
#ifndef SHM_MASK_H
#define SHM_MASK_H

/*
 * A segment's mask: one bit a slot, set = takeable. Pure functions on a mask's value. A mask is a
 * hint that can be rebuilt from the records at any time (shm/cover.h); it is always a subset of
 * the FREE slots that no lease covers. Classes that are claimed openly have no masks and no runs.
 */

#include <stdbool.h>
#include <stdint.h>

#define MASK_BITS 64u

/* The lowest n bits, n from 0 to 64. */
static inline uint64_t mask_low(unsigned n)
{
	return n >= MASK_BITS ? ~(uint64_t)0 : ((uint64_t)1 << n) - 1;
}

/* n bits from bit `first`; n is at least 1, first + n at most 64. */
static inline uint64_t mask_run(unsigned first, unsigned n)
{
	return ~(uint64_t)0 >> (MASK_BITS - n) << first;
}

/* Index of the lowest takeable slot; the mask must not be 0. */
static inline unsigned mask_lowest(uint64_t mask)
{
	return (unsigned)__builtin_ctzll(mask);
}

/* Index of the highest; likewise. */
static inline unsigned mask_highest(uint64_t mask)
{
	return 63 - (unsigned)__builtin_clzll(mask);
}

/* Without popcnt, which not every x86-64 has, and which would otherwise become a call. (Warren,
 * Hacker's Delight, section 5-1.) */
static inline unsigned mask_count(uint64_t mask)
{
#ifdef __POPCNT__
	return (unsigned)__builtin_popcountll(mask);
#else
	mask -= mask >> 1 & 0x5555555555555555;
	mask = (mask & 0x3333333333333333) + (mask >> 2 & 0x3333333333333333);
	mask = (mask + (mask >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned)(mask * 0x0101010101010101 >> 56);
#endif
}

/*
 * First bit of the lowest run of at least n takeable slots, n from 1 to 64; -1 if there is none.
 * After the loop a bit is set exactly where a run of n begins: the run that is known doubles with
 * each step, so it takes at most six (the classic of Warren's Hacker's Delight, section 6-2).
 */
static inline int mask_find_run(uint64_t mask, unsigned n)
{
	unsigned known = 1, step;

	if (n == 0 || n > MASK_BITS)
		return -1;
	while (known < n && mask) {
		step = n - known < known ? n - known : known;
		mask &= mask >> step;
		known += step;
	}
	return mask ? (int)mask_lowest(mask) : -1;
}

/* The mask without the n slots from `first`. */
static inline uint64_t mask_take(uint64_t mask, unsigned first, unsigned n)
{
	return mask & ~mask_run(first, n);
}

/* The mask with the n slots from `first`. */
static inline uint64_t mask_give(uint64_t mask, unsigned first, unsigned n)
{
	return mask | mask_run(first, n);
}

/* Are the n slots from `first` all takeable? */
static inline bool mask_has(uint64_t mask, unsigned first, unsigned n)
{
	return (~mask & mask_run(first, n)) == 0;
}

#endif
