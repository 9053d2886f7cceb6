/* SPDX-License-Identifier: MIT */
#ifndef BENCH_QUEUE_H
#define BENCH_QUEUE_H

/* A baseline: a free list that is a bounded queue of pointers, in shared memory. */

#include <stdint.h>
#include "bench/spin.h"

#define QUEUE_SLOTS_MAX 4096u

struct queue_cell {
	uint64_t turn, slot;
};

struct queue {
	uint64_t mask;
	_Alignas(APART) uint64_t put;
	_Alignas(APART) uint64_t taken;
	_Alignas(APART) struct queue_cell cell[QUEUE_SLOTS_MAX];
};

/* All of `slots`, a power of two, are in it. */
void queue_init(struct queue *pool, uint64_t slots);

/* A slot, or -ENOBUFS. */
int queue_take(struct queue *pool, uint64_t *ret_slot);
/* Always 0. */
int queue_give(struct queue *pool, uint64_t slot);

#endif
