/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CAS_MASK_H
#define BENCH_CAS_MASK_H

/* A baseline: one mask of 64 slots for each core, in shared memory, changed by compare-and-swap. */

#include <stdint.h>
#include "bench/spin.h"

#define CAS_MASKS_MAX 512u

struct cas_mask_line {
	_Alignas(APART) uint64_t free; /* bit set: the slot is free */
};

struct cas_mask {
	uint32_t n;
	struct cas_mask_line line[CAS_MASKS_MAX];
};

/* `n` masks, all slots free. */
void cas_mask_init(struct cas_mask *pool, uint32_t n);

/* A slot, or -ENOBUFS. */
int cas_mask_take(struct cas_mask *pool, uint64_t *ret_slot);
/* Always 0. */
int cas_mask_give(struct cas_mask *pool, uint64_t slot);

#endif
