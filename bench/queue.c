/* SPDX-License-Identifier: MIT */
/*
 * A bounded multi-producer multi-consumer queue after Dmitry Vyukov (2010,
 * https://www.1024cores.net/home/lock-free-algorithms/queues/bounded-mpmc-queue), with the free
 * buffers in it: what people write when they need a pool in shared memory. One compare-and-swap to
 * rent, one to return, no owner. Each cell says whose turn it is: the round's producer, or
 * consumer.
 */

#include <errno.h>
#include <stdbool.h>
#include "bench/queue.h"

void queue_init(struct queue *pool, uint64_t slots)
{
	uint64_t i;

	pool->mask = slots - 1;
	pool->taken = 0;
	pool->put = slots;
	for (i = 0; i < slots; i++)
		pool->cell[i] = (struct queue_cell){ .turn = i + 1, .slot = i };
}

/* Win the place `*index` whose cell has the turn index + lead; NULL if the cell is a round behind.
 */
static struct queue_cell *win(struct queue *pool, uint64_t *index, uint64_t lead, uint64_t *ret_at)
{
	uint64_t at = __atomic_load_n(index, __ATOMIC_RELAXED);

	for (;;) {
		struct queue_cell *cell = &pool->cell[at & pool->mask];
		uint64_t turn = __atomic_load_n(&cell->turn, __ATOMIC_ACQUIRE);
		int64_t ahead = (int64_t)(turn - (at + lead));

		if (ahead < 0)
			return NULL;
		if (ahead > 0) {
			at = __atomic_load_n(index, __ATOMIC_RELAXED);
		} else if (__atomic_compare_exchange_n(index, &at, at + 1, true, __ATOMIC_RELAXED,
				   __ATOMIC_RELAXED)) {
			*ret_at = at;
			return cell;
		}
	}
}

int queue_take(struct queue *pool, uint64_t *ret_slot)
{
	uint64_t at;
	struct queue_cell *cell = win(pool, &pool->taken, 1, &at);

	if (!cell)
		return -ENOBUFS;
	*ret_slot = cell->slot;
	__atomic_store_n(&cell->turn, at + pool->mask + 1, __ATOMIC_RELEASE);
	return 0;
}

int queue_give(struct queue *pool, uint64_t slot)
{
	struct queue_cell *cell;
	unsigned spins = 0;
	uint64_t at;

	/* There is always room, but whoever took what was there may not have left the cell yet. */
	while (!(cell = win(pool, &pool->put, 0, &at)))
		spin(&spins);
	cell->slot = slot;
	__atomic_store_n(&cell->turn, at + 1, __ATOMIC_RELEASE);
	return 0;
}
