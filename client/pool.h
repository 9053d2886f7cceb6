/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_POOL_H
#define CLIENT_POOL_H

/*
 * What a client knows of its attachment. The pool lies in pages of its own that the kernel zeroes
 * in a forked child (MADV_WIPEONFORK): there `is_attached` reads 0 and every call says so, at the
 * price of one load. What a child needs to clean up lies behind them in a page that is kept.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "client/include/thruster/client.h"
#include "shm/abi.h"
#include "shm/atomics.h"
#include "shm/id.h"
#include "shm/lane.h"
#include "shm/record.h"
#include "shm/self.h"
#include "shm/token.h"
#include "shm/view.h"

#define EXPORT __attribute__((visibility("default")))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Compute an address once and keep it, rather than in pieces again for each use: to the compiler it
 * might have become any other. */
#define keep_address(p) __asm__("" : "+r"(p))

/* What `is_attached` says; 0 = not at all. */
#define POOL_PLAIN 1u
#define POOL_COUNTED 2u /* there is a quota: what is held is counted (client/quota.h) */

/* What a counted client holds. Every thread writes here, so not beside what they only read. */
struct pool_held {
	uint64_t bytes, leases;
} THR_ALIGNED_LINE;

struct thruster_pool {
	uint32_t is_attached;
	bool is_fenced;        /* we must fence, no membarrier reaches us: [P3], [P4] */
	bool do_others_fence;  /* so must everybody in this arena: no membarrier is needed */
	struct seat_id seat;
	struct client_id id;
	/* self.n_cores for the fast paths; 0 if counted, so that a quota costs them nothing: a
	 * counted client leaves them as one does that has no core. */
	uint32_t n_fast_cores;
	uint64_t nonce;
	/* The arena's word that says that somebody may wait; if this client must fence before it
	 * looks, then one of its own that always says so, and it looks again, slowly. */
	const uint32_t *waiting;
	struct thr_self self;
	uint64_t lease_mark[THR_CLASSES_MAX]; /* `where` of a lease of slot 0, by class */
	struct thr_view view;

	uint64_t run;         /* of the daemon, which the connection is to (client/renew.h) */
	uint32_t is_renewing; /* one thread is about it */
	const uint32_t *roster;
	const struct thr_board *board;
	void *arena;
	uint64_t arena_bytes, board_bytes;
	struct pool_held held;
	struct thr_lane lanes[LANES];
};

/* Behind the pool; also there in a forked child. */
struct pool_remains {
	int connection;
	ino_t inode; /* of its socket, since a program may have closed it and opened another */
	char path[108];
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

/* Does a run of so many slots end within its segment? The size of a lease is made from it, and it
 * is what others say. */
static inline bool place_has_run(const struct place *place, unsigned run)
{
	uint32_t segment = place->slot.n / THR_SEGMENT_SLOTS;

	return run <= (place->class_->is_open ? 1
					      : class_segment_slots(place->class_, segment) -
							place->slot.n % THR_SEGMENT_SLOTS);
}

/* Make the lease PENDING at a place, of which all else was looked at, the client's. */
int thr_pool_accept(struct thruster_pool *pool, const struct place *place, uint64_t pending,
	struct thruster_lease *ret_lease);

/* What is wrong with a lease that pool_find_lease() does not know; counts the refusal. */
int thr_pool_refuse(struct thruster_pool *pool, const struct thruster_lease *lease);

/* Could a lease be this client's? Then *ret_place is its slot. */
static inline bool pool_find_lease(const struct thruster_pool *pool,
	const struct thruster_lease *lease, struct place *ret_place)
{
	uint64_t where = lease->token[0];
	uint32_t index = where_class(where);
	const struct thr_class_view *class_;

	if (unlikely(index >= pool->view.n_classes) ||
		unlikely((uint32_t)(where >> 32) != (uint32_t)(pool->lease_mark[index] >> 32)) ||
		unlikely(((uint32_t)lease->token[1] ^ (uint32_t)pool->self.addend) &
			 (uint32_t)(RECORD_OWNER_MASK | RECORD_STATE_MASK)))
		return false;
	class_ = &pool->view.class_[index];
	keep_address(class_);
	*ret_place = (struct place){ class_, index, where_slot(where) };
	return likely(ret_place->slot.n < class_->slots);
}

/* What follows from seat, nonce, view, control page and fences: who attaches calls it last. */
void thr_pool_set_seat(
	struct thruster_pool *pool, struct seat_id seat, const uint64_t *visitable);

static inline bool pool_is_counted(const struct thruster_pool *pool)
{
	return unlikely(pool->is_attached == POOL_COUNTED);
}

/*
 * The lease of `run` slots whose record is `record`; `mark` is the class's lease_mark. Field by
 * field, and so that the compiler does not make one wide store of two: the return that reads a
 * single field soon after would wait until it has left the store buffer.
 */
static inline void lease_write(uint64_t mark, const struct thr_class_view *view,
	struct slot_id slot, unsigned run, uint64_t record, struct thruster_lease *ret_lease)
{
	ret_lease->data = class_data(view, slot);
	__atomic_store_n(&ret_lease->size, run * view->stride_bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&ret_lease->token[0], mark | slot.n, __ATOMIC_RELAXED);
	__atomic_store_n(&ret_lease->token[1], record, __ATOMIC_RELAXED);
}

static inline void pool_lease(const struct thruster_pool *pool, uint32_t class_,
	struct slot_id slot, unsigned run, uint64_t record, struct thruster_lease *ret_lease)
{
	lease_write(pool->lease_mark[class_], &pool->view.class_[class_], slot, run, record,
		ret_lease);
}

static inline struct thr_seat *pool_counters(const struct thruster_pool *pool)
{
	return &pool->view.seats[pool->seat.n];
}

#endif
