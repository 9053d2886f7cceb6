/* SPDX-License-Identifier: MIT */
/*
 * The first design of 2018, and why it fell: buffers are cut from a circle at its head and come
 * back to it at its tail, in order. Whoever returns one out of order only marks it; whoever returns
 * the oldest moves the tail over all that are marked. So one buffer that is held for long keeps all
 * behind it from coming back, however many are free, and one whose holder has died does so for
 * ever. And all cores fight for one head and one tail.
 */

#include <errno.h>
#include <stdbool.h>
#include "bench/circle.h"

void circle_init(struct circle *pool, uint64_t slots)
{
	uint64_t i;

	pool->slots = slots;
	pool->head = pool->tail = 0;
	for (i = 0; i < slots; i++)
		pool->is_back[i] = 0;
}

/* Over all that are back. Whoever comes second finds it done. */
static void move_tail(struct circle *pool)
{
	uint64_t tail = __atomic_load_n(&pool->tail, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&pool->is_back[tail & (pool->slots - 1)], __ATOMIC_ACQUIRE) ==
		tail + 1)
		if (__atomic_compare_exchange_n(&pool->tail, &tail, tail + 1, false,
			    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			tail++;
}

int circle_take(struct circle *pool, uint64_t *ret_place)
{
	uint64_t head = __atomic_load_n(&pool->head, __ATOMIC_RELAXED);

	for (;;) {
		if (head - __atomic_load_n(&pool->tail, __ATOMIC_ACQUIRE) >= pool->slots) {
			/* Two that came back at once may each have missed the other's mark. */
			move_tail(pool);
			if (head - __atomic_load_n(&pool->tail, __ATOMIC_ACQUIRE) >= pool->slots &&
				head == __atomic_load_n(&pool->head, __ATOMIC_RELAXED))
				return -ENOBUFS;
			head = __atomic_load_n(&pool->head, __ATOMIC_RELAXED);
			continue;
		}
		if (__atomic_compare_exchange_n(&pool->head, &head, head + 1, true,
			    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			*ret_place = head;
			return 0;
		}
	}
}

int circle_give(struct circle *pool, uint64_t place)
{
	__atomic_store_n(&pool->is_back[place & (pool->slots - 1)], place + 1, __ATOMIC_RELEASE);
	move_tail(pool);
	return 0;
}
