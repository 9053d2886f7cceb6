/* SPDX-License-Identifier: MIT */
/*
 * Returning: look whether the record still is this lease, store it FREE, look whether somebody
 * waits. No fence, no lock prefix.
 */

#include <errno.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/transition.h"
#include "shm/wait.h"

static int return_one(struct thruster_pool *pool, const struct thruster_lease *lease)
{
	struct place place;
	int r = thr_pool_find_lease(pool, lease, &place);

	if (r < 0)
		return r;
	r = thr_return(place.class_, pool_core(pool), place.slot, lease->token[1]);
	if (r < 0)
		add_relaxed(&pool_counters(pool)->refused_total, 1);
	return r;
}

EXPORT int thruster_return(struct thruster_pool *pool, const struct thruster_lease *lease)
{
	int r;

	if (!pool || !lease)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	r = return_one(pool, lease);
	if (r == 0 && wait_is_wanted(pool->view.control, pool->is_fenced))
		thr_wait_wake(pool->view.control);
	return r;
}

EXPORT int thruster_return_bulk(struct thruster_pool *pool, const struct thruster_lease *leases,
	unsigned n)
{
	unsigned i, done = 0;
	int r, first = 0;

	if (!pool || !leases || n == 0 || n > INT32_MAX)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	for (i = 0; i < n; i++) {
		r = return_one(pool, &leases[i]);
		if (r == 0)
			done++;
		else if (first == 0)
			first = r;
	}
	if (done && wait_is_wanted(pool->view.control, pool->is_fenced))
		thr_wait_wake(pool->view.control);
	return done ? (int)done : first;
}
