/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_POOL_H
#define CLIENT_POOL_H

/*
 * What a client knows of its attachment. The pool lies in pages of its own that the kernel zeroes
 * in a forked child (MADV_WIPEONFORK): there `is_attached` reads 0 and every call says so, at the
 * price of one load. What a child needs to clean up lies behind them in a page that is kept.
 */

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include "client/include/thruster/client.h"
#include "shm/abi.h"
#include "shm/id.h"
#include "shm/view.h"

#define EXPORT __attribute__((visibility("default")))

struct thruster_pool {
	uint32_t is_attached;
	bool is_fenced;        /* we must fence, no membarrier reaches us: [P3], [P4] */
	bool do_others_fence;  /* so must everybody in this arena: no membarrier is needed */
	struct seat_id seat;
	struct client_id id;
	uint64_t nonce;
	struct thr_view view;

	const uint32_t *roster;
	const struct thr_board *board;
	void *arena;
	uint64_t arena_bytes, board_bytes;
};

/* Behind the pool; also there in a forked child. */
struct pool_remains {
	int connection;
};

/* New pages, nothing attached. 0 or -errno. */
int thr_pool_new(struct thruster_pool **ret_pool);
void thr_pool_free(struct thruster_pool *pool);
struct pool_remains *thr_pool_remains(struct thruster_pool *pool);

/* Where a lease or a ticket says its slot is. */
struct place {
	const struct thr_class_view *class_;
	uint32_t class_index;
	struct slot_id slot;
};

/* 0; -EINVAL if no lease (or ticket) ever had this `where`; -ESTALE if another arena's had. */
int thr_pool_find(const struct thruster_pool *pool, uint64_t where, unsigned mark,
	struct place *ret_place);

/* Likewise, for a lease that is to be acted on as its owner. Counts what it refuses. */
int thr_pool_find_lease(struct thruster_pool *pool, const struct thruster_lease *lease,
	struct place *ret_place);

/* The lease of a place whose record is `record`. */
void thr_pool_lease(const struct thruster_pool *pool, const struct place *place, uint64_t record,
	struct thruster_lease *ret_lease);

static inline struct thr_seat *pool_counters(const struct thruster_pool *pool)
{
	return &pool->view.seats[pool->seat.n];
}

/* The core that we run on; a hint by the time it is used. */
static inline struct core_id pool_core(const struct thruster_pool *pool)
{
	int cpu = sched_getcpu();
	uint32_t core = cpu < 0 ? 0 : (uint32_t)cpu;

	return (struct core_id){ core < pool->view.n_cores ? core : core % pool->view.n_cores };
}

#endif
