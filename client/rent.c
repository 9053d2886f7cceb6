/* SPDX-License-Identifier: MIT */
/*
 * Renting: the smallest class that holds the size and has a free slot. Each class is asked by a
 * full circle over its slots before a larger one is, so a free slot is never passed over for good.
 */

#include <errno.h>
#include <stdbool.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/transition.h"
#include "shm/wait.h"

/* Nothing free in a class: the slow path, so there is time to count. */
static void count_exhausted(const struct place *place, struct core_id core)
{
	add_relaxed(&place->class_->cores[core.n].exhausted_total, 1);
}

/* `is_again`: a try of a rent that was counted before. */
static int rent_try(struct thruster_pool *pool, size_t size, bool is_again,
	struct thruster_lease *ret_lease)
{
	struct core_id core = pool_core(pool);
	struct place place;
	uint64_t record;
	uint32_t i;
	int r = -EMSGSIZE;

	for (i = 0; i < pool->view.n_classes; i++) {
		place.class_ = &pool->view.class_[i];
		if (place.class_->stride_bytes < size)
			continue;
		r = thr_open_claim(place.class_, core, pool->seat, &place.slot, &record);
		if (r == 0) {
			place.class_index = i;
			thr_pool_lease(pool, &place, record, ret_lease);
			return 0;
		}
		if (!is_again)
			count_exhausted(&place, core);
	}
	if (r == -ENOBUFS && !is_again)
		add_relaxed(&pool_counters(pool)->exhausted_total, 1);
	return r;
}

EXPORT int thruster_rent(struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease)
{
	if (!pool || !ret_lease || size == 0)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	return rent_try(pool, size, false, ret_lease);
}

EXPORT int thruster_rent_wait(struct thruster_pool *pool, size_t size,
	const struct timespec *deadline, struct thruster_lease *ret_lease)
{
	int r;

	if (!pool || !ret_lease || size == 0)
		return -EINVAL;
	if (deadline && (deadline->tv_nsec < 0 || deadline->tv_nsec > 999999999))
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	r = rent_try(pool, size, false, ret_lease);
	if (r == -ENOBUFS)
		add_relaxed(&pool_counters(pool)->waits_total, 1);
	while (r == -ENOBUFS) {
		struct thr_announcement announced =
			thr_wait_announce(pool->view.control, pool->do_others_fence);

		r = rent_try(pool, size, true, ret_lease);
		if (r == -ENOBUFS && thr_wait_sleep(pool->view.control, announced, deadline) < 0)
			return -ETIMEDOUT;
	}
	return r;
}

EXPORT int thruster_rent_bulk(struct thruster_pool *pool, size_t size,
	struct thruster_lease *ret_leases, unsigned n)
{
	unsigned done;
	int r;

	if (!ret_leases || n == 0 || n > INT32_MAX)
		return -EINVAL;
	for (done = 0; done < n; done++) {
		r = thruster_rent(pool, size, &ret_leases[done]);
		if (r < 0)
			return done ? (int)done : r;
	}
	return (int)n;
}
