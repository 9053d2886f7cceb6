/* SPDX-License-Identifier: MIT */
/* Victims that return: here, from afar, in bulk, twice, and what is not theirs. */

#include <errno.h>
#include "client/pool.h"
#include "shm/atomics.h"
#include "shm/holder.h"
#include "shm/record.h"
#include "shm/token.h"
#include "tests/instruction/scenario.h"

#define RUN_BYTES (3 * SMALL_BYTES)
#define BAD_MAX 16u

static void one(struct actor *a)
{
	act_rent(a, 1);
}

static void one_large(struct actor *a)
{
	act_rent(a, LARGE_BYTES);
}

static void one_open(struct actor *a)
{
	act_rent(a, OPEN_BYTES);
}

static void one_run(struct actor *a)
{
	act_rent(a, RUN_BYTES);
}

static void many(struct actor *a)
{
	act_rent_bulk(a, 1, 150);
	one_run(a);
	one_large(a);
	one_open(a);
}

static void move(struct actor *a)
{
	pin_to(a->world->other_core);
}

static void one_and_move(struct actor *a)
{
	one(a);
	move(a);
}

static void run_and_move(struct actor *a)
{
	one_run(a);
	move(a);
}

static void many_and_move(struct actor *a)
{
	many(a);
	move(a);
}

static void everything(struct actor *a)
{
	while (act_rent(a, 1))
		;
}

/* The flag of those who wait is up, as a waiter leaves it who gave up. */
static void everything_with_a_waiter(struct actor *a)
{
	everything(a);
	act_rent_wait(a, 1, 0);
	act_rent_wait(a, 1, 1);
}

static void give_back(struct actor *a)
{
	act_return_all(a);
}

static void give_one_back(struct actor *a)
{
	if (a->stage->victim.n)
		act_return(a, a->stage->victim.n - 1);
}

static void give_back_in_bulk(struct actor *a)
{
	struct holding *h = &a->stage->victim;
	int r = thruster_return_bulk(a->pool, h->lease, h->n);

	expect(a, r == (int)h->n, "return_bulk", r);
	h->n = 0;
}

/* In and out, so that a core comes by its slow paths with somebody asking. */
static void come_and_go(struct actor *a)
{
	unsigned i;

	for (i = 0; i < 70; i++)
		act_rent(a, 1);
	act_return_all(a);
}

static unsigned bad_leases(struct actor *a, struct thruster_lease *bad)
{
	const struct thruster_lease *good = &a->stage->victim.lease[0];
	uint64_t where = good->token[0], record = good->token[1];
	const uint64_t tokens[][2] = {
		{ 0, 0 },
		{ where ^ (uint64_t)1 << 60, record },           /* not the mark of a lease */
		{ where ^ (uint64_t)1 << 41, record },           /* another arena's */
		{ where | (uint64_t)0xff << 32, record },        /* no such class */
		{ where | 0x7fffffff, record },                  /* no such slot */
		{ where, record & ~(uint64_t)3 },                /* FREE */
		{ where, (record & ~(uint64_t)3) | 2 },          /* on its way */
		{ where, record & ~RECORD_OWNER_MASK },          /* nobody's */
		{ where, record ^ (uint64_t)8 << RECORD_OWNER_SHIFT },
		{ where, record + RECORD_SEQUENCE_ONE },         /* another lease of the slot */
		{ a->world->bystander.lease[0].token[0], a->world->bystander.lease[0].token[1] },
	};
	unsigned i;

	for (i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		bad[i] = *good;
		bad[i].token[0] = tokens[i][0];
		bad[i].token[1] = tokens[i][1];
	}
	return i;
}

static void return_bad_ones(struct actor *a)
{
	struct thruster_lease bad[BAD_MAX];
	struct thruster_ticket ticket;
	unsigned i, n;
	int r;

	if (a->stage->victim.n == 0)
		return;
	n = bad_leases(a, bad);
	for (i = 0; i < n; i++) {
		r = thruster_return(a->pool, &bad[i]);
		expect(a, r == -EINVAL || r == -ESTALE, "return of a bad lease", r);
		r = thruster_hand_over(a->pool, &bad[i], a->stage->my_id, &ticket);
		expect(a, r == -EINVAL || r == -ESTALE, "hand-over of a bad lease", r);
	}
	r = thruster_return_bulk(a->pool, bad, n);
	expect(a, r == -EINVAL || r == -ESTALE, "bulk return of bad leases", r);
}

static void return_twice(struct actor *a)
{
	struct thruster_lease lease = a->stage->victim.lease[0];
	int r;

	if (a->stage->victim.n == 0)
		return;
	act_return(a, 0);
	r = thruster_return(a->pool, &lease);
	expect(a, r == -ESTALE, "second return", r);
	r = thruster_return_bulk(a->pool, &lease, 1);
	expect(a, r == -ESTALE, "second return, in bulk", r);
}

static void return_good_and_bad(struct actor *a)
{
	struct thruster_lease mixed[BAD_MAX + 2];
	unsigned n;
	int r;

	if (a->stage->victim.n < 2)
		return;
	n = bad_leases(a, mixed + 1);
	mixed[0] = a->stage->victim.lease[0];
	mixed[n + 1] = a->stage->victim.lease[1];
	r = thruster_return_bulk(a->pool, mixed, n + 2);
	expect(a, r == 2, "bulk return, two of them good", r);
	holding_drop(&a->stage->victim, 1);
	holding_drop(&a->stage->victim, 0);
}

static void other_core_asks(struct world *w)
{
	const struct thr_view *view = &w->pool->view;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++)
		store_relaxed(&view->class_[i].cores[w->core].asked,
			holder_of_core((struct core_id){ (uint32_t)w->other_core }));
}

static void waiter_asks(struct world *w)
{
	store_relaxed(&w->pool->view.control->waiting, 1);
	other_core_asks(w);
}

static void far_holds_few(struct world *w)
{
	companion_send(&w->far, ERRAND_HOLD_FEW);
}

const struct scenario scenarios_return[] = {
	{ "return", give_back, one },
	{ "return a large one", give_back, one_large },
	{ "return to an open class", give_back, one_open },
	{ "return a run", give_back, one_run },
	{ "return many", give_back, many },
	{ "return the only free one", give_one_back, everything },
	{ "return from afar", give_back, one_and_move },
	{ "return a run from afar", give_back, run_and_move },
	{ "return many from afar", give_back, many_and_move },
	{ "return in bulk", give_back_in_bulk, many },
	{ "return in bulk from afar", give_back_in_bulk, many_and_move },
	{ "return and wake", give_one_back, everything_with_a_waiter },
	{ "return in bulk and wake", give_back_in_bulk, everything_with_a_waiter },
	{ "return without a barrier", give_back, many, .is_fenced = true },
	{ "return in bulk without a barrier", give_back_in_bulk, many, .is_fenced = true },
	{ "return when a waiter has asked", give_back, everything_with_a_waiter,
		.meanwhile = other_core_asks, .is_thorough = true },
	{ "return to the current segment when a waiter has asked", give_back, one,
		.meanwhile = waiter_asks },
	{ "return in bulk when a waiter has asked", give_back_in_bulk, everything_with_a_waiter,
		.meanwhile = other_core_asks },
	{ "return what is not one's own", return_bad_ones, many },
	{ "return twice", return_twice, one },
	{ "return good and bad", return_good_and_bad, many },
	{ "come and go", come_and_go, .before = far_holds_few },
	{ 0 },
};
