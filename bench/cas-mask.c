/* SPDX-License-Identifier: MIT */
/*
 * The pool as its ancestor of 2018 had it: a 64-bit mask for each core, each on lines of its own.
 * To rent is to take a bit by compare-and-swap, from the mask of the core one runs on, then from
 * the others' round the circle; to return is to put the bit back into the mask that it came from,
 * from wherever one is. It knows no owner: what a dead process had is lost.
 */

#include <errno.h>
#include <stdbool.h>
#include "bench/cas-mask.h"

void cas_mask_init(struct cas_mask *pool, uint32_t n)
{
	uint32_t i;

	pool->n = n < CAS_MASKS_MAX ? n : CAS_MASKS_MAX;
	for (i = 0; i < pool->n; i++)
		pool->line[i].free = UINT64_MAX;
}

static int take_bit(uint64_t *mask, uint64_t *ret_bit)
{
	uint64_t seen = __atomic_load_n(mask, __ATOMIC_RELAXED);

	while (seen) {
		if (__atomic_compare_exchange_n(mask, &seen, seen & (seen - 1), true,
			    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			*ret_bit = (uint64_t)__builtin_ctzll(seen);
			return 0;
		}
	}
	return -ENOBUFS;
}

int cas_mask_take(struct cas_mask *pool, uint64_t *ret_slot)
{
	uint32_t n = pool->n, at = (uint32_t)sched_getcpu(), i;
	uint64_t bit;

	if (at >= n)
		at %= n;
	for (i = 0; i < n; i++) {
		if (take_bit(&pool->line[at].free, &bit) == 0) {
			*ret_slot = at * UINT64_C(64) + bit;
			return 0;
		}
		if (++at == n)
			at = 0;
	}
	return -ENOBUFS;
}

int cas_mask_give(struct cas_mask *pool, uint64_t slot)
{
	__atomic_fetch_or(&pool->line[slot / 64].free, UINT64_C(1) << (slot % 64),
		__ATOMIC_RELEASE);
	return 0;
}
