/* SPDX-License-Identifier: MIT */
#ifndef BENCH_STACKS_H
#define BENCH_STACKS_H

/* An ancestor's rival: a slot for each thread, and locked stacks for each core. In shared memory,
 * which is right when it is all zero and has been told its buckets. */

#include <stddef.h>
#include <stdint.h>
#include "bench/spin.h"

#define STACKS_CORES_MAX 64u
#define STACKS_THREADS_MAX 64u
#define STACKS_BUCKETS_MAX 13u
#define STACKS_SLOTS_MAX 4096u

struct stack {
	_Alignas(APART) uint32_t is_locked;
	uint32_t n;
	uint32_t slot[STACKS_SLOTS_MAX];
};

/* Buffers of one size. */
struct bucket {
	_Alignas(APART) uint64_t bytes, first_byte, stride_bytes; /* in the buffers' memory */
	uint32_t slots;
	_Alignas(APART) uint32_t fresh; /* the next that was never rented */
	struct stack stack[STACKS_CORES_MAX];
};

/* What a thread was given back last: a slot + 1, 0 is none. */
struct stacks_thread {
	_Alignas(APART) uint32_t kept[STACKS_BUCKETS_MAX];
};

struct stacks {
	uint32_t cores, buckets;
	struct stacks_thread thread[STACKS_THREADS_MAX];
	struct bucket bucket[STACKS_BUCKETS_MAX];
};

/* One more bucket of `slots` buffers; sizes in rising order. Returns where the next one may begin.
 */
uint64_t stacks_add(struct stacks *pool, uint64_t bytes, uint32_t slots, uint64_t first_byte,
	uint64_t stride_bytes);

/* By the thread that has `thread`, of which one alone may use it at a time. -ENOBUFS: all that are
 * not rented are kept by other threads; -EMSGSIZE: no bucket has buffers as large. */
int stacks_take(struct stacks *pool, struct stacks_thread *thread, size_t bytes, uint64_t *ret);
/* Always 0. */
int stacks_give(struct stacks *pool, struct stacks_thread *thread, uint64_t which);

/* Where it is in the buffers' memory. */
static inline uint64_t stacks_offset(const struct stacks *pool, uint64_t which)
{
	const struct bucket *bucket = &pool->bucket[which >> 32];

	return bucket->first_byte + (which & UINT32_MAX) * bucket->stride_bytes;
}

#endif
