/* SPDX-License-Identifier: MIT */
/*
 * Returning: look whether the record still is this lease, end it, look whether somebody waits. No
 * fence, no lock prefix.
 */

#include <errno.h>
#include "client/pool.h"
#include "client/quota.h"
#include "shm/atomics.h"
#include "shm/core.h"
#include "shm/probes.h"
#include "shm/record.h"
#include "shm/token.h"
#include "shm/transition.h"
#include "shm/wait.h"

static int refuse_stale(struct thruster_pool *pool)
{
	add_relaxed(&pool_counters(pool)->refused_total, 1);
	return -ESTALE;
}

/*
 * So many slots came back, and somebody waits. If he has asked this core for slots, he gets what it
 * holds before it goes on renting by itself.
 */
static __attribute__((noinline)) void serve_waiters(struct thruster_pool *pool, unsigned slots)
{
	struct core_id core = section_core(pool->self.section);
	uint32_t i;

	if (!wait_is_wanted(pool->view.control, pool->is_fenced))
		return;

	for (i = 0; core.n < pool->self.n_cores && i < pool->view.n_classes; i++)
		thr_core_yield(&pool->view.class_[i], &pool->self, core, true);
	PROBE(wake, &pool->view.class_[0], pool->seat, self_core_hint(&pool->self), slots, 0);
	thr_wait_wake(pool->view.control, slots);
}

/* After each slot that was freed [P3]. */
static inline bool may_be_waited_for(const struct thruster_pool *pool)
{
	barrier_compiler();
	return load_relaxed(pool->waiting) != 0;
}

/* Whatever is not on the fast path: runs, what another core holds, and what is no lease. */
static __attribute__((noinline)) int return_generally(
	struct thruster_pool *pool, const struct thruster_lease *lease)
{
	struct place place;

	if (!pool || !lease)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	if (!pool_find_lease(pool, lease, &place))
		return thr_pool_refuse(pool, lease);
	if (thr_return(place.class_, &pool->self, place.slot, lease->token[1]) < 0)
		return refuse_stale(pool);
	if (pool_is_counted(pool))
		thr_quota_discharge_record(pool, place.class_index, lease->token[1]);
	if (may_be_waited_for(pool))
		serve_waiters(pool, record_run(lease->token[1]));
	return 0;
}

/* The lease was there, and the section that was to end it was not DONE. */
static __attribute__((noinline)) int return_finish(
	struct thruster_pool *pool, const struct thruster_lease *lease)
{
	thr_return_finish(&pool->view.class_[where_class(lease->token[0])], &pool->self,
		where_slot(lease->token[0]), lease->token[1]);
	if (may_be_waited_for(pool))
		serve_waiters(pool, 1);
	return 0;
}

/*
 * The fast path keeps few values, so that it needs few registers: whoever leaves it finds out anew.
 * In a forked child the pool is wiped and has no class, so the first look already fails; a counted
 * pool has no core here.
 */
EXPORT int thruster_return(struct thruster_pool *pool, const struct thruster_lease *lease)
{
	struct thr_segment *segment;
	struct core_id core;
	struct place place;
	uint64_t leased;

	if (unlikely(!pool) || unlikely(!lease))
		return -EINVAL;
	core = section_core(pool->self.section);
	leased = lease->token[1];
	if (unlikely(!pool_find_lease(pool, lease, &place)) ||
		unlikely(!record_is_single(leased)) || unlikely(core.n >= pool->n_fast_cores))
		return return_generally(pool, lease);
	segment = &place.class_->segments[place.slot.n / THR_SEGMENT_SLOTS];
	keep_address(segment);
	if (unlikely(load_relaxed(&segment->record[place.slot.n % THR_SEGMENT_SLOTS]) != leased))
		return return_generally(pool, lease);
	if (unlikely(return_now(place.class_, &pool->self, core, segment, place.slot, leased) !=
		     SECTION_DONE))
		return return_finish(pool, lease);
	if (unlikely(may_be_waited_for(pool)))
		serve_waiters(pool, 1);
	return 0;
}

/* Leases in a row in the caller's array that lie in one segment, at most 64 of them. */
struct group {
	struct place place; /* of the first */
	struct thr_segment *segment;
	uint64_t bits;      /* the slots of all */
	unsigned n;
};

#define MINE_MASK (uint32_t)(RECORD_OWNER_MASK | RECORD_RUN_MASK | RECORD_STATE_MASK)

/*
 * How many leases from the first on can be ended together: the first is this client's and was not
 * ended before; those after it must be the same, of the same segment, and of one slot like it.
 */
static inline void group_init(struct group *g, const struct thruster_pool *pool,
	const struct place *place, const struct thruster_lease *leases, unsigned n)
{
	const uint64_t where = leases[0].token[0] & ~(uint64_t)(THR_SEGMENT_SLOTS - 1);
	const uint32_t mine = (uint32_t)pool->self.addend;
	struct thr_segment *segment =
		&place->class_->segments[place->slot.n / THR_SEGMENT_SLOTS];
	uint64_t bits = mask_run(
		place->slot.n % THR_SEGMENT_SLOTS, record_run(leases[0].token[1]));
	unsigned i = 1;

	if (!record_is_single(leases[0].token[1]))
		n = 1;
	else if (n > THR_SEGMENT_SLOTS)
		n = THR_SEGMENT_SLOTS;
	for (; i < n; i++) {
		uint64_t index = leases[i].token[0] ^ where, leased = leases[i].token[1];

		if (unlikely(index >= THR_SEGMENT_SLOTS) ||
			unlikely(load_relaxed(&segment->record[index]) != leased) ||
			unlikely(((uint32_t)leased ^ mine) & MINE_MASK) ||
			unlikely(bits >> index & 1)) /* twice the same */
			break;
		bits |= (uint64_t)1 << index;
	}
	*g = (struct group){ *place, segment, bits, i };
}

/* End them all; each was the caller's when it was added. */
static void group_return(struct thruster_pool *pool, const struct group *g,
	const struct thruster_lease *leases)
{
	struct core_id core = section_core(pool->self.section);
	unsigned i;

	if (core.n < pool->self.n_cores &&
		section_give_all(pool->self.section, core, &g->place.class_->cores[core.n],
			g->segment, leases[0].token, sizeof(*leases), g->n,
			g->bits) == SECTION_DONE)
		return;
	/* Not the holder, or cut short: what is not FREE by now is ended one by one. */
	store_relaxed(&g->segment->returned, 1);
	for (i = 0; i < g->n; i++)
		thr_return(g->place.class_, &pool->self, where_slot(leases[i].token[0]),
			leases[i].token[1]);
}

/* End the first of n leases and those after it that can be ended with it: how many, or an error. */
static inline int return_some(
	struct thruster_pool *pool, const struct thruster_lease *leases, unsigned n)
{
	struct place place;
	struct group group;

	if (unlikely(!pool_find_lease(pool, &leases[0], &place)))
		return thr_pool_refuse(pool, &leases[0]);
	if (unlikely(load_relaxed(class_record(place.class_, place.slot)) != leases[0].token[1]))
		return refuse_stale(pool);
	group_init(&group, pool, &place, leases, n);
	group_return(pool, &group, leases);
	if (pool_is_counted(pool))
		thr_quota_discharge_bits(pool, place.class_index, group.bits, group.n);
	return (int)group.n;
}

EXPORT int thruster_return_bulk(struct thruster_pool *pool, const struct thruster_lease *leases,
	unsigned n)
{
	unsigned i = 0, done = 0;
	int r, first = 0;

	if (!pool || !leases || n == 0 || n > INT32_MAX)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	while (i < n) {
		r = return_some(pool, &leases[i], n - i);
		i += r > 0 ? (unsigned)r : 1;
		if (r > 0)
			done += (unsigned)r;
		else if (first == 0)
			first = r;
	}
	if (done && may_be_waited_for(pool))
		serve_waiters(pool, WAIT_ALL);
	return done ? (int)done : first;
}
