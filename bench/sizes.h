/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SIZES_H
#define BENCH_SIZES_H

/* What is drawn by lot, the same in each run: sizes from 64 bytes to 256 KiB, and whose turn. */

#include <stdint.h>
#include "bench/lane.h"

#define SIZE_BITS_MIN 6u
#define SIZE_BITS_MAX 18u

/* Sebastiano Vigna's splitmix64 (2015). */
static inline uint64_t sizes_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

bool sizes_are_drawn(const struct kind *kind);

/* lane->choice[]: sizes, or places among those held. */
void sizes_draw(struct lane *lane);

#endif
