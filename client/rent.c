/* SPDX-License-Identifier: MIT */
/*
 * Renting: the ways of holding the size (shm/plan.h), the least wasteful first. Each is tried by
 * all means there are before the next is, so a free slot is never passed over for good; but what
 * another core holds cannot be had at once, only asked for (shm/adopt.h).
 */

#include <errno.h>
#include <stdbool.h>
#include "client/pool.h"
#include "client/quota.h"
#include "client/renew.h"
#include "shm/atomics.h"
#include "shm/core.h"
#include "shm/lane.h"
#include "shm/plan.h"
#include "shm/probes.h"
#include "shm/transition.h"
#include "shm/wait.h"
#include "shm/waits.h"

/* As a core, or where that cannot be, as a thread. */
static enum core_outcome rent_held(struct thruster_pool *pool, const struct plan_way *way,
	struct slot_id *ret_slot, uint64_t *ret_record)
{
	const struct thr_class_view *class_ = &pool->view.class_[way->class_];
	enum core_outcome r =
		thr_core_rent(class_, &pool->self, way->slots, ret_slot, ret_record);

	if (r != CORE_NOT_HERE)
		return r;
	return thr_lane_rent(class_, way->class_, &pool->self, pool->lanes, way->slots, ret_slot,
		ret_record);
}

static enum core_outcome rent_way(struct thruster_pool *pool, const struct plan_way *way,
	struct thruster_lease *ret_lease)
{
	const struct thr_class_view *class_ = &pool->view.class_[way->class_];
	struct slot_id slot;
	enum core_outcome r;
	uint64_t record;

	if (class_->is_open)
		r = thr_open_claim(class_, self_core_hint(&pool->self), pool->seat, &slot,
			    &record) == 0
			    ? CORE_DONE
			    : CORE_DRY;
	else
		r = rent_held(pool, way, &slot, &record);
	if (r == CORE_DONE)
		pool_lease(pool, way->class_, slot, way->slots, record, ret_lease);
	return r;
}

/* Nothing free in a class: the slow path, so there is time to count. */
static void count_exhausted(struct thruster_pool *pool, uint32_t class_)
{
	struct core_id core = self_core_hint(&pool->self);

	add_relaxed(&pool->view.class_[class_].cores[core.n].exhausted_total, 1);
	PROBE(exhausted, &pool->view.class_[class_], pool->seat, core, 0, 0);
}

/* `is_again`: a try of a rent that was counted before. */
static __attribute__((noinline)) int rent_try(struct thruster_pool *pool, size_t size,
	bool is_again, struct thruster_lease *ret_lease)
{
	struct plan_way way = { 0 }, last = { 0 };
	bool was_asked = false, was_tried = false, is_over = false;
	enum core_outcome r;

	renew_if_lost(pool);
	for (; thr_plan_next(&pool->view, size, last.slots ? &last : NULL, &way); last = way) {
		/* Another way may take fewer bytes. */
		if (pool_is_counted(pool) && !thr_quota_charge(pool, way.class_, way.slots)) {
			is_over = true;
			continue;
		}
		was_tried = true;
		r = rent_way(pool, &way, ret_lease);
		if (r == CORE_DONE)
			return 0;
		if (pool_is_counted(pool))
			thr_quota_discharge(pool, way.class_, way.slots);
		was_asked |= r == CORE_ASKED;
		/* Not if another core has some, or only no run of that length is free. */
		if (!is_again && r == CORE_DRY && way.slots == 1)
			count_exhausted(pool, way.class_);
	}
	if (!was_tried)
		return is_over ? -EDQUOT : -EMSGSIZE;
	if (was_asked)
		thr_wait_call_visitor(pool->view.control);
	if (!is_again)
		add_relaxed(&pool_counters(pool)->exhausted_total, 1);
	return -ENOBUFS;
}

/* One slot of a class, if this core has one to take; if not DONE, nothing. */
static inline enum section rent_now(struct thruster_pool *pool, struct core_id core,
	uint32_t class_, struct thruster_lease *ret_lease)
{
	const struct thr_class_view *view = &pool->view.class_[class_];
	struct slot_id slot;
	uint64_t record;
	enum section r;

	keep_address(view);
	r = core_rent_now(view, &pool->self, core, &slot, &record);
	if (likely(r == SECTION_DONE))
		lease_write(pool->lease_mark[class_], view, slot, 1, record, ret_lease);
	return r;
}

static void count_restart(const struct thruster_pool *pool, uint32_t class_)
{
	thr_core_restarted(&pool->view.class_[class_], &pool->self, self_core_hint(&pool->self));
}

/* What is not in the smallest class, or not to be had on the fast path. */
static __attribute__((noinline)) int rent_generally(
	struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease)
{
	struct core_id core;
	enum section r;
	uint32_t class_;

	if (!pool || !ret_lease || size == 0)
		return -EINVAL;
	if (unlikely(pool->is_attached != POOL_PLAIN))
		return pool->is_attached ? rent_try(pool, size, false, ret_lease) : -ECHILD;
	class_ = plan_class(&pool->view, size);
	core = section_core(pool->self.section);
	if (class_ < THR_CLASSES_MAX && core.n < pool->self.n_cores) {
		r = rent_now(pool, core, class_, ret_lease);
		if (r == SECTION_CHANGED &&
			thr_core_turn(&pool->view.class_[class_], &pool->self, core))
			r = rent_now(pool, core, class_, ret_lease);
		if (likely(r == SECTION_DONE))
			return 0;
		if (r == SECTION_MOVED)
			count_restart(pool, class_);
	}
	return rent_try(pool, size, false, ret_lease);
}

/* The fast path was cut short. */
static __attribute__((noinline, cold)) int rent_again(
	struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease)
{
	count_restart(pool, 0);
	return rent_try(pool, size, false, ret_lease);
}

/*
 * The fast path: one slot of the smallest class. A size of 0 is as if it were too large. In a
 * forked child the pool is wiped and has neither core nor class; a counted one has no core here.
 */
EXPORT int thruster_rent(struct thruster_pool *pool, size_t size, struct thruster_lease *ret_lease)
{
	struct core_id core;
	enum section r;

	if (unlikely(!pool))
		return -EINVAL;
	core = section_core(pool->self.section);
	if (unlikely(!ret_lease) || size - 1 >= pool->view.class_[0].stride_bytes ||
		unlikely(core.n >= pool->n_fast_cores))
		return rent_generally(pool, size, ret_lease);
	r = rent_now(pool, core, 0, ret_lease);
	if (likely(r == SECTION_DONE))
		return 0;
	return r == SECTION_MOVED ? rent_again(pool, size, ret_lease)
				  : rent_generally(pool, size, ret_lease);
}

/* Until something is free that would hold the size, or the deadline. */
static int rent_sleep(struct thruster_pool *pool, size_t size, const struct timespec *deadline,
	struct thruster_lease *ret_lease)
{
	struct thr_control *control = pool->view.control;
	struct thr_announcement announced;
	uint32_t passed_on = 0; /* the count of wakes, which is even: 1 more, so that 0 is none */
	int r, woken = 0;

	for (;;) {
		announced = thr_wait_announce(control, pool->do_others_fence);
		r = rent_try(pool, size, true, ret_lease);
		if (r == 0)
			return 0;
		if (woken > 0 && passed_on != announced.seen + 1) {
			passed_on = announced.seen + 1;
			thr_wait_pass_on(control);
		}
		if (r != -ENOBUFS)
			return r; /* other threads used up the quota */
		woken = thr_wait_sleep(control, announced, deadline);
		if (woken < 0)
			return woken;
	}
}

EXPORT int thruster_rent_wait(struct thruster_pool *pool, size_t size,
	const struct timespec *deadline, struct thruster_lease *ret_lease)
{
	struct plan_way way = { 0 };
	struct waits_entry entry;
	int r;

	if (!pool || !ret_lease || size == 0)
		return -EINVAL;
	if (deadline && (deadline->tv_nsec < 0 || deadline->tv_nsec > 999999999))
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	r = rent_try(pool, size, false, ret_lease);
	if (r != -ENOBUFS)
		return r;
	add_relaxed(&pool_counters(pool)->waits_total, 1);
	thr_plan_next(&pool->view, size, NULL, &way);
	thr_waits_begin(&entry, &pool->view, &pool->self, way.class_);
	r = rent_sleep(pool, size, deadline, ret_lease);
	thr_waits_end(&entry, r);
	return r;
}

/* `reserved` by value, and the class copied: what nobody else can reach stays in registers. */
static inline unsigned lease_reserved(const struct thruster_pool *pool, uint32_t class_,
	struct core_reserved reserved, struct thruster_lease *ret_leases)
{
	const struct thr_class_view view = pool->view.class_[class_];
	uint64_t mark = pool->lease_mark[class_], record;
	struct slot_id slot;
	unsigned done = 0;

	while (reserved.bits && core_lease_next(&reserved, &slot, &record))
		lease_write(mark, &view, slot, 1, record, &ret_leases[done++]);
	return done;
}

/* Single slots of one core class, a segment's at a time. Returns how many. */
static unsigned rent_many(struct thruster_pool *pool, uint32_t class_,
	struct thruster_lease *ret_leases, unsigned n)
{
	struct core_reserved reserved;
	unsigned done = 0;

	while (done < n && thr_core_reserve(&pool->view.class_[class_], &pool->self, n - done,
				   &reserved) == CORE_DONE)
		done += lease_reserved(pool, class_, reserved, &ret_leases[done]);
	return done;
}

EXPORT int thruster_rent_bulk(struct thruster_pool *pool, size_t size,
	struct thruster_lease *ret_leases, unsigned n)
{
	struct plan_way way = { 0 };
	unsigned done = 0;
	int r;

	if (!pool || !ret_leases || size == 0 || n == 0 || n > INT32_MAX)
		return -EINVAL;
	if (!pool->is_attached)
		return -ECHILD;
	if (!thr_plan_next(&pool->view, size, NULL, &way))
		return -EMSGSIZE;
	while (done < n) {
		if (way.slots == 1 && !pool->view.class_[way.class_].is_open &&
			!pool_is_counted(pool))
			done += rent_many(pool, way.class_, &ret_leases[done], n - done);
		if (done == n)
			break;
		/* One by one, by all means there are, and then on as before. */
		r = rent_try(pool, size, false, &ret_leases[done]);
		if (r < 0)
			return done ? (int)done : r;
		done++;
	}
	return (int)n;
}
