/* SPDX-License-Identifier: MIT */
/*
 * Leaving: give back what is still leased, unmap, and tell the daemon, so that the seat is free
 * when the call returns. If the daemon does not answer, it finds out by itself later.
 */

#include <errno.h>
#include <unistd.h>
#include "client/attach.h"
#include "client/connection.h"
#include "client/pool.h"
#include "client/renew.h"
#include "shm/reclaim.h"
#include "shm/wait.h"
#include "shm/wire.h"

#define GOODBYE_MS 1000u

static void give_back_all(struct thruster_pool *pool)
{
	struct thr_reclaimed sum = { 0 };

	thr_reclaim_seat(&pool->view, pool->seat, &sum);
	if (sum.total && wait_is_wanted(pool->view.control, pool->is_fenced))
		thr_wait_wake(pool->view.control, WAIT_ALL);
}

static void say_goodbye(int connection)
{
	struct wire_detach request = { wire_header_make(WIRE_DETACH) };
	struct connection_answer answer;

	if (thr_connection_ask(connection, &request, sizeof(request), GOODBYE_MS, &answer) == 0)
		thr_connection_close_fds(&answer);
}

EXPORT int thruster_detach(struct thruster_pool *pool)
{
	int error = errno, r = 0, connection;

	if (!pool)
		return 0;
	if (pool->is_attached) {
		give_back_all(pool);
		renew_if_lost(pool);
	}
	connection = thr_pool_remains(pool)->connection;
	if (pool->is_attached) {
		thr_unmap(pool);
		say_goodbye(connection);
	} else {
		r = -ECHILD;
	}
	close(connection);
	thr_pool_free(pool);
	errno = error;
	return r;
}
