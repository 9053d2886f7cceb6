/* SPDX-License-Identifier: MIT */
/*
 * Renting: the smallest class that holds the size and has a free slot. Each class is asked by a
 * full circle over its slots before a larger one is, so a free slot is never passed over for good.
 */

#include <errno.h>
#include <stdbool.h>
#include "client/rent.h"
#include "shm/atomics.h"
#include "shm/transition.h"
#include "shm/wait.h"

/* A rent that fails is counted by its caller, so that a long wait counts as one. */
int thr_rent_try(struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease)
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
			*ret_lease = thr_pool_lease(pool, place, record);
			return 0;
		}
	}
	return r;
}

static void count_exhausted(struct thruster_pool *pool, size_t size)
{
	struct core_id core = pool_core(pool);
	uint32_t i;

	add_relaxed(&pool_counters(pool)->exhausted_total, 1);
	for (i = 0; i < pool->view.n_classes; i++)
		if (pool->view.class_[i].stride_bytes >= size)
			add_relaxed(&pool->view.class_[i].cores[core.n].exhausted_total, 1);
}

EXPORT int thruster_rent(struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease)
{
	int r;

	if (!pool || !ret_lease || size == 0)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	r = thr_rent_try(pool, size, ret_lease);
	if (r == -ENOBUFS)
		count_exhausted(pool, size);
	return r;
}

EXPORT int thruster_rent_wait(struct thruster_pool *pool, size_t size,
	const struct timespec *deadline, struct thruster_lease *ret_lease)
{
	bool has_waited = false;
	int r;

	if (!pool || !ret_lease || size == 0)
		return -EINVAL;
	if (deadline && (deadline->tv_nsec < 0 || deadline->tv_nsec > 999999999))
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	r = thr_rent_try(pool, size, ret_lease);
	while (r == -ENOBUFS) {
		struct thr_announcement announced;

		if (!has_waited) {
			count_exhausted(pool, size);
			add_relaxed(&pool_counters(pool)->waits_total, 1);
			has_waited = true;
		}
		announced = thr_wait_announce(pool->view.control, pool->is_fenced);
		r = thr_rent_try(pool, size, ret_lease);
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
