/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_VISITOR_H
#define DAEMON_VISITOR_H

/*
 * The daemon's one thread beside its loop. What a core holds can be given up only by a thread that
 * runs there. A core that is asked for slots and does not come by itself, because nothing runs on
 * it or because it never runs dry, is visited: the thread moves there, relinquishes, and wakes who
 * waits. Cores that cannot be visited may not hold segments, which the board says.
 */

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "daemon/arena.h"
#include "shm/self.h"

struct visitor {
	struct arena *const *arenas; /* borrowed; they stay until visitor_stop() */
	size_t n_arenas;
	uint32_t n_cores;
	struct thr_self self[ARENAS_MAX];
	cpu_set_t *home; /* where the daemon may run */
	size_t home_size;
	pthread_t thread;
	bool is_running;
	uint32_t stop; /* a futex */
};

/* Find out which cores can be visited, say so on the boards, and begin to wait. 0 or -errno. */
int visitor_start(struct visitor *visitor, struct arena *const *arenas, size_t n_arenas);

void visitor_stop(struct visitor *visitor);

#endif
