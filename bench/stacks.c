/* SPDX-License-Identifier: MIT */
/*
 * What .NET's ArrayPool.Shared does: sizes are powers of two, and for each there is one buffer that
 * the thread itself keeps, without a lock, and for each core a stack with a lock. To rent is to
 * take the thread's own, else from the core's stack, else from the others' round the circle; to
 * return is to keep it, and push what was kept before onto the core's stack. There, an empty pool
 * makes a new array and a full stack leaves one to the garbage collector; here the buffers are
 * given, so a new one is one never rented before, and a stack has room for all.
 *
 * The lock is what its idea costs between processes: whoever is killed with it stops all others.
 */

#include <errno.h>
#include "bench/stacks.h"

uint64_t stacks_add(struct stacks *pool, uint64_t bytes, uint32_t slots, uint64_t first_byte,
	uint64_t stride_bytes)
{
	struct bucket *bucket = &pool->bucket[pool->buckets++];

	bucket->bytes = bytes;
	bucket->slots = slots;
	bucket->first_byte = first_byte;
	bucket->stride_bytes = stride_bytes;
	return first_byte + slots * stride_bytes;
}

static void lock(struct stack *stack)
{
	unsigned spins = 0;

	while (__atomic_exchange_n(&stack->is_locked, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&stack->is_locked, __ATOMIC_RELAXED))
			spin(&spins);
}

static void unlock(struct stack *stack)
{
	__atomic_store_n(&stack->is_locked, 0, __ATOMIC_RELEASE);
}

/* A slot + 1, or 0. */
static uint32_t pop(struct stack *stack)
{
	uint32_t slot = 0;

	if (__atomic_load_n(&stack->n, __ATOMIC_RELAXED) == 0)
		return 0;
	lock(stack);
	if (stack->n > 0) {
		slot = stack->slot[stack->n - 1] + 1;
		__atomic_store_n(&stack->n, stack->n - 1, __ATOMIC_RELAXED);
	}
	unlock(stack);
	return slot;
}

static void push(struct stack *stack, uint32_t slot)
{
	lock(stack);
	stack->slot[stack->n] = slot;
	__atomic_store_n(&stack->n, stack->n + 1, __ATOMIC_RELAXED);
	unlock(stack);
}

static uint32_t core_of_here(const struct stacks *pool)
{
	return (uint32_t)sched_getcpu() % pool->cores;
}

static uint32_t find(struct stacks *pool, struct bucket *bucket)
{
	uint32_t at = core_of_here(pool), i, slot;

	for (i = 0; i < pool->cores; i++) {
		slot = pop(&bucket->stack[at]);
		if (slot)
			return slot;
		if (++at == pool->cores)
			at = 0;
	}
	if (__atomic_load_n(&bucket->fresh, __ATOMIC_RELAXED) >= bucket->slots)
		return 0;
	slot = __atomic_fetch_add(&bucket->fresh, 1, __ATOMIC_RELAXED);
	return slot < bucket->slots ? slot + 1 : 0;
}

/* The first whose buffers are as large: sizes double from each to the next. */
static uint32_t bucket_for(const struct stacks *pool, size_t bytes)
{
	uint64_t first = pool->bucket[0].bytes;

	return bytes <= first ? 0
			      : 64 - (uint32_t)__builtin_clzll((bytes - 1) / first);
}

int stacks_take(struct stacks *pool, struct stacks_thread *thread, size_t bytes, uint64_t *ret)
{
	uint32_t i = bucket_for(pool, bytes), slot;

	if (i >= pool->buckets)
		return -EMSGSIZE;
	slot = thread->kept[i];
	if (slot)
		thread->kept[i] = 0;
	else
		slot = find(pool, &pool->bucket[i]);
	if (!slot)
		return -ENOBUFS;
	*ret = (uint64_t)i << 32 | (slot - 1);
	return 0;
}

int stacks_give(struct stacks *pool, struct stacks_thread *thread, uint64_t which)
{
	uint32_t *kept = &thread->kept[which >> 32];

	if (*kept)
		push(&pool->bucket[which >> 32].stack[core_of_here(pool)], *kept - 1);
	*kept = (uint32_t)which + 1;
	return 0;
}
