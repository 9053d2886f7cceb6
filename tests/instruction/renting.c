/* SPDX-License-Identifier: MIT */
/* Victims that rent: one buffer, a run, many at once, from each kind of class, until it is dry. */

#include <errno.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/holder.h"
#include "tests/instruction/scenario.h"

#define MOST 1000u /* more than all slots on a machine of two cores */
#define RUN_BYTES (3 * SMALL_BYTES)

static void rent_one(struct actor *a)
{
	act_rent(a, 1);
}

static void rent_large(struct actor *a)
{
	act_rent(a, LARGE_BYTES);
}

static void rent_open(struct actor *a)
{
	act_rent(a, OPEN_BYTES);
}

static void rent_many(struct actor *a)
{
	unsigned i;

	for (i = 0; i < 150; i++)
		act_rent(a, 1);
}

/* Return all on the other core; come back. */
static void return_there(struct actor *a)
{
	pin_to(a->world->other_core);
	act_return_all(a);
	pin_to(a->world->core);
}

/* Of a segment that is the only one here, and all of it current. */
static void large_ones_come_back(struct actor *a)
{
	unsigned i;

	for (i = 0; i < 60; i++)
		act_rent(a, LARGE_BYTES);
	return_there(a);
}

static void rent_large_ones(struct actor *a)
{
	unsigned i;

	for (i = 0; i < 70; i++)
		act_rent(a, LARGE_BYTES);
}

/* Another core, or a plain client's lane, has asked for slots. */
static void ask_for(struct world *w, uint32_t who)
{
	const struct thr_view *view = &w->pool->view;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++)
		store_relaxed(&view->class_[i].cores[w->core].asked, who);
}

static void other_core_asks(struct world *w)
{
	ask_for(w, holder_of_core((struct core_id){ (uint32_t)w->other_core }));
}

/* As it does about segments that the daemon has buried. */
static void core_asks_itself(struct world *w)
{
	ask_for(w, holder_of_core((struct core_id){ (uint32_t)w->core }));
}

static void lane_asks(struct world *w)
{
	ask_for(w, holder_of_thread(client_id_seat((struct client_id){ w->stage->near_id }), 0));
}

static void no_core_asks(struct world *w)
{
	ask_for(w, THR_CORES_MAX);
}

/* As if he who took it from a thread had died before he was done. */
static void revoke_some(struct world *w)
{
	struct thr_segment *segment = w->pool->view.class_[0].segments;
	uint64_t holder;
	unsigned i;

	for (i = 0; i < 3; i++) {
		holder = load_acquire(&segment[i].holder);
		if (holder_who(holder) == HOLDER_NOBODY)
			cas_holder(&segment[i].holder, holder, holder_next(holder, HOLDER_REVOKED));
	}
}

/* Threads of the same process, which we have not. */
static void others_in_lanes(struct actor *a)
{
	unsigned i;

	for (i = 0; i < 3; i++)
		a->pool->lanes[(unsigned)a->world->core + i].is_busy = 1;
}

static void nobody_asks(struct world *w)
{
	ask_for(w, UINT32_MAX);
}

static void rent_everything(struct actor *a)
{
	while (act_rent(a, 1))
		;
}

static void rent_too_large(struct actor *a)
{
	struct thruster_lease lease;
	int r = thruster_rent(a->pool, (size_t)1 << 40, &lease);

	expect(a, r == -EMSGSIZE, "far too large", r);
	r = thruster_rent_bulk(a->pool, (size_t)1 << 40, &lease, 1);
	expect(a, r == -EMSGSIZE, "far too large, in bulk", r);
	r = thruster_rent_wait(a->pool, (size_t)1 << 40, NULL, &lease);
	expect(a, r == -EMSGSIZE, "far too large, to wait for", r);
}

static void rent_run(struct actor *a)
{
	act_rent(a, RUN_BYTES);
}

static void rent_runs(struct actor *a)
{
	unsigned i;

	for (i = 0; i < 80; i++)
		act_rent(a, RUN_BYTES);
	for (i = 0; i < 45; i++)
		act_rent(a, 3 * LARGE_BYTES);
}

static void rent_longest_run(struct actor *a)
{
	act_rent(a, 64 * LARGE_BYTES);
	act_rent(a, 64 * SMALL_BYTES);
	act_rent(a, 63 * SMALL_BYTES);
}

static void rent_bulk(struct actor *a)
{
	act_rent_bulk(a, 1, 16);
}

static void rent_bulk_most(struct actor *a)
{
	act_rent_bulk(a, 1, MOST);
	act_rent_bulk(a, 1, 2);
}

static void rent_bulk_few(struct actor *a)
{
	act_rent_bulk(a, 1, 1); /* now something is current */
	act_rent_bulk(a, 1, 5);
}

static void rent_bulk_runs(struct actor *a)
{
	act_rent_bulk(a, RUN_BYTES, 40);
}

static void rent_bulk_large(struct actor *a)
{
	act_rent_bulk(a, LARGE_BYTES, 130);
}

static void rent_bulk_open(struct actor *a)
{
	act_rent_bulk(a, OPEN_BYTES, 12);
}

/* Every other slot is taken: runs are nowhere, and singles everywhere. */
static void make_holes(struct actor *a)
{
	unsigned i;

	rent_everything(a);
	for (i = a->stage->victim.n; i >= 2; i -= 2)
		act_return(a, i - 1);
}

static void take_small_ones(struct actor *a)
{
	while (act_rent(a, 1) && a->stage->victim.lease[a->stage->victim.n - 1].size < OPEN_BYTES)
		;
}

static void take_open_ones(struct actor *a)
{
	while (act_rent(a, OPEN_BYTES) &&
		a->stage->victim.lease[a->stage->victim.n - 1].size < LARGE_BYTES)
		;
}

/* One of each segment that the core rented from last comes back on it; the last lease is another
 * class's. */
static void some_come_back_here(struct actor *a)
{
	unsigned i;

	take_small_ones(a);
	for (i = 0; i < THR_CORE_HELD_MAX; i++)
		act_return(a, a->stage->victim.n - 2 - (i + 1) * 63);
}

static void rent_a_few(struct actor *a)
{
	unsigned i;

	for (i = 0; i < THR_CORE_HELD_MAX + 2; i++)
		act_rent(a, 1);
}

/* What the core rented from first, and holds no more, has room; what it holds has none. */
static void make_room_far_away(struct actor *a)
{
	unsigned i;

	take_small_ones(a);
	for (i = 64; i-- > 0;)
		act_return(a, i);
}

static void exchange_some(struct actor *a)
{
	unsigned i;

	for (i = 0; i < 40; i++) {
		act_return(a, a->stage->victim.n - 100);
		act_rent(a, 1);
	}
}

static void rent_and_return_there(struct actor *a)
{
	rent_everything(a);
	return_there(a);
}

static void many_returned(struct actor *a)
{
	rent_everything(a);
	act_return_all(a);
}

static void rent_there(struct actor *a)
{
	pin_to(a->world->other_core);
	rent_many(a);
	act_return_all(a);
	pin_to(a->world->core);
}

/* The other core has had everything, and holds what it may, idle. */
static void far_has_had_it(struct world *w)
{
	companion_send(&w->far, ERRAND_HOLD_ALL);
	companion_send(&w->far, ERRAND_RETURN_ALL);
}

/* Had it wanted more than there was, it would have let go of what it held. */
static void near_has_had_some(struct world *w)
{
	companion_send(&w->near, ERRAND_HOLD_FEW);
	companion_send(&w->near, ERRAND_RETURN_ALL);
}

static void far_holds_few(struct world *w)
{
	companion_send(&w->far, ERRAND_HOLD_FEW);
}

/* Hints are hints: any value will do. */
static void scribble_hints(struct actor *a)
{
	const struct thr_view *view = &a->pool->view;
	uint32_t i, core;

	for (i = 0; i < view->n_classes; i++) {
		for (core = 0; core < view->n_cores; core++) {
			view->class_[i].cores[core].cursor = UINT32_MAX;
			view->class_[i].cores[core].held_next = UINT32_MAX;
			view->class_[i].cores[core].held[core % THR_CORE_HELD_MAX] = UINT32_MAX;
		}
	}
}

const struct scenario scenarios_rent[] = {
	{ "rent", rent_one, rent_one },
	{ "rent, the first time", rent_one },
	{ "rent a large one", rent_large, rent_large },
	{ "rent from an open class", rent_open },
	{ "open claim, not at the first", rent_open, take_open_ones },
	{ "rent many", rent_many },
	{ "rent everything", rent_everything },
	{ "rent what is too large", rent_too_large },
	{ "rent when the small ones are out", rent_one, take_small_ones },
	{ "rent when nothing is left", rent_one, rent_everything },
	{ "rent what came back here", rent_a_few, some_come_back_here },
	{ "rent beside full segments", exchange_some, make_room_far_away },
	{ "rent what came back from the other core", rent_many, rent_and_return_there },
	{ "rent a large one of those that came back", rent_large_ones, large_ones_come_back,
		.before = far_holds_few },
	{ "rent on another core, then here", rent_many, rent_there },
	{ "rent when another core asks", rent_many, many_returned, .meanwhile = other_core_asks,
		.is_thorough = true },
	{ "rent when the core has asked itself", rent_many, many_returned,
		.meanwhile = core_asks_itself },
	{ "rent when a core asks that is not there", rent_many, many_returned,
		.meanwhile = no_core_asks },
	{ "rent what was taken from the dead", rent_everything, .meanwhile = revoke_some },
	{ "rent in a lane beside others", rent_many, others_in_lanes },
	{ "rent when a plain client asks", rent_many, many_returned, .meanwhile = lane_asks },
	{ "rent when nobody can have asked", rent_many, many_returned, .meanwhile = nobody_asks },
	{ "rent what the other core holds idle", rent_everything, .before = far_has_had_it },
	{ "rent what a plain client holds idle", rent_everything, .before = near_has_had_some },
	{ "run", rent_run, rent_one },
	{ "runs until they are out", rent_runs },
	{ "longest run", rent_longest_run },
	{ "run among holes", rent_run, make_holes },
	{ "bulk", rent_bulk, rent_one },
	{ "bulk of all", rent_bulk_most },
	{ "bulk among holes", rent_bulk_most, make_holes },
	{ "bulk of a few among holes", rent_bulk_few, make_holes },
	{ "bulk of runs", rent_bulk_runs },
	{ "bulk of large ones", rent_bulk_large },
	{ "bulk from an open class", rent_bulk_open },
	{ "bulk of nothing", rent_bulk, rent_everything },
	{ "rent by hints gone wild", rent_everything, scribble_hints },
	{ 0 },
};
