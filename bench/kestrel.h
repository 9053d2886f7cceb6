/* SPDX-License-Identifier: MIT */
#ifndef BENCH_KESTREL_H
#define BENCH_KESTREL_H

/* What the two ends of a Kestrel pipe share. In one process. */

#include <stdbool.h>
#include "bench/lane.h"

#define KESTREL_BLOCK_BYTES 4096u
#define KESTREL_MESSAGE_BYTES 57u
#define KESTREL_BLOCKS 16u /* a power of two; a run's bytes fill eight */

struct kestrel_block {
	union item item;
	unsigned start, end; /* of what is in it and not yet read */
};

struct kestrel {
	_Alignas(APART) uint32_t is_locked;
	uint64_t unread; /* bytes */
	bool is_writing;
	unsigned first, n; /* blocks that hold something */
	struct kestrel_block block[KESTREL_BLOCKS];
	_Alignas(APART) uint64_t runs;    /* begun; the writer's */
	_Alignas(APART) uint64_t is_read; /* runs; the reader's */
};

/* A lock held for a few nanoseconds, by one of two: it is not worth while to sleep. */
static inline void kestrel_lock(struct kestrel *pipe)
{
	unsigned spins = 0;

	while (__atomic_exchange_n(&pipe->is_locked, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&pipe->is_locked, __ATOMIC_RELAXED))
			spin(&spins);
}

static inline void kestrel_unlock(struct kestrel *pipe)
{
	__atomic_store_n(&pipe->is_locked, 0, __ATOMIC_RELEASE);
}

static inline struct kestrel_block *kestrel_block(struct kestrel *pipe, unsigned i)
{
	return &pipe->block[(pipe->first + i) % KESTREL_BLOCKS];
}

#endif
