/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CIRCLE_H
#define BENCH_CIRCLE_H

/* An ancestor: the circular buffer. In shared memory. */

#include <stdint.h>
#include "bench/spin.h"

#define CIRCLE_SLOTS_MAX 4096u

struct circle {
	uint64_t slots; /* a power of two */
	_Alignas(APART) uint64_t head; /* the next to be rented; never wraps */
	_Alignas(APART) uint64_t tail; /* the oldest that is not back */
	_Alignas(APART) uint64_t is_back[CIRCLE_SLOTS_MAX]; /* place + 1 when it is */
};

void circle_init(struct circle *pool, uint64_t slots);

/* A place, which is slot place % slots; or -ENOBUFS. */
int circle_take(struct circle *pool, uint64_t *ret_place);
/* Always 0. */
int circle_give(struct circle *pool, uint64_t place);

#endif
