/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_RENEW_H
#define CLIENT_RENEW_H

/*
 * The connection to the daemon, which tells it that this process has ended, breaks when the daemon
 * is restarted. Nothing depends on it at once: leases need no daemon, and a client without one is
 * looked after by its seat lock, a little later. So it is made anew on the slow paths, when the
 * board says that another run of the daemon can be connected to; by whichever thread comes first,
 * without waiting for anything.
 */

#include "client/pool.h"
#include "shm/atomics.h"

void thr_renew(struct thruster_pool *pool);

static inline void renew_if_lost(struct thruster_pool *pool)
{
	if (unlikely(load_acquire(&pool->board->run) != load_relaxed(&pool->run)))
		thr_renew(pool);
}

/* Is the descriptor still the connection's? */
bool thr_renew_is_ours(const struct pool_remains *remains);

#endif
