/* SPDX-License-Identifier: MIT */
/*
 * The pool's own memory, and the way from the values that users hold (leases, tickets) to slots.
 * Those values come from anywhere, so each part of them is checked before it is used.
 */

#include <errno.h>
#include <sys/mman.h>
#include "client/pool.h"
#include "shm/atomics.h"

#define WIPED_BYTES ((sizeof(struct thruster_pool) + 65535) & ~(size_t)65535)
#define KEPT_BYTES ((size_t)65536)

int thr_pool_new(struct thruster_pool **ret_pool)
{
	struct thruster_pool *pool = mmap(NULL, WIPED_BYTES + KEPT_BYTES, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (pool == MAP_FAILED)
		return -errno;
	if (madvise(pool, WIPED_BYTES, MADV_WIPEONFORK) < 0) {
		r = -errno;
		thr_pool_free(pool);
		return r;
	}
	thr_pool_remains(pool)->connection = -1;
	*ret_pool = pool;
	return 0;
}

void thr_pool_free(struct thruster_pool *pool)
{
	munmap(pool, WIPED_BYTES + KEPT_BYTES);
}

struct pool_remains *thr_pool_remains(struct thruster_pool *pool)
{
	return (struct pool_remains *)((uint8_t *)pool + WIPED_BYTES);
}

void thr_pool_set_seat(struct thruster_pool *pool, struct seat_id seat, const uint64_t *visitable)
{
	static const uint32_t look_slowly = 1;
	uint32_t i;

	pool->seat = seat;
	for (i = 0; i < pool->view.n_classes; i++)
		pool->lease_mark[i] = where_pack(
			TOKEN_MARK_LEASE, pool->nonce, i, (struct slot_id){ 0 });
	pool->waiting = pool->is_fenced ? &look_slowly : &pool->view.control->waiting;
	thr_self_init(&pool->self, seat, &pool->view, visitable);
	pool->n_fast_cores = pool->self.n_cores;
	thr_lanes_init(pool->lanes);
}

int thr_pool_find(const struct thruster_pool *pool, uint64_t where, unsigned mark,
	struct place *ret_place)
{
	const struct thr_class_view *class_ = &pool->view.class_[0];
	uint32_t index = where_class(where);
	struct slot_id slot = where_slot(where);

	if (!where_has_mark(where, mark))
		return -EINVAL;
	if (!where_is_in_arena(where, pool->nonce))
		return -ESTALE;
	if (index >= pool->view.n_classes)
		return -EINVAL;
	class_ += index;
	if (slot.n >= class_->slots)
		return -EINVAL;
	ret_place->class_ = class_;
	ret_place->class_index = index;
	ret_place->slot = slot;
	return 0;
}

int thr_pool_refuse(struct thruster_pool *pool, const struct thruster_lease *lease)
{
	struct place place;
	int r = thr_pool_find(pool, lease->token[0], TOKEN_MARK_LEASE, &place);

	if (r == 0)
		r = record_is_leased(lease->token[1]) && record_is_well_formed(lease->token[1])
			    ? -ESTALE
			    : -EINVAL;
	add_relaxed(&pool_counters(pool)->refused_total, 1);
	return r;
}
