/* SPDX-License-Identifier: MIT */
/* Victims that wait: in vain, until they are woken, and for what others hold and do not use. */

#include <time.h>
#include "tests/instruction/scenario.h"

#define LATE_NS 993000000L /* a slice of waiting goes on into the next second from here */

static void rent_everything(struct actor *a)
{
	while (act_rent(a, 1))
		;
}

/* The other core has had everything, and holds what it may, idle. */
static void far_has_had_it(struct world *w)
{
	companion_send(&w->far, ERRAND_HOLD_ALL);
	companion_send(&w->far, ERRAND_RETURN_ALL);
}

static void near_has_had_some(struct world *w)
{
	companion_send(&w->near, ERRAND_HOLD_FEW);
	companion_send(&w->near, ERRAND_RETURN_ALL);
}

static void far_holds_all(struct world *w)
{
	companion_send(&w->far, ERRAND_HOLD_ALL);
}

static void far_returns_soon(struct world *w)
{
	companion_send(&w->far, ERRAND_RETURN_SOON);
}

static void wait_at_once(struct actor *a)
{
	act_rent_wait(a, 1, 1000);
}

static void wait_in_vain(struct actor *a)
{
	act_rent_wait(a, 1, 2);
}

static void wait_for_it(struct actor *a)
{
	atomic_store(&a->stage->is_asleep_soon, true);
	act_rent_wait(a, 1, 1000);
}

static void wait_for_ever(struct actor *a)
{
	struct thruster_lease lease;
	int r;

	atomic_store(&a->stage->is_asleep_soon, true);
	r = thruster_rent_wait(a->pool, 1, NULL, &lease);
	expect(a, r == 0, "wait for ever", r);
	if (r == 0)
		holding_add(&a->stage->victim, &lease);
}

/* Whether the seconds are the same or not makes a difference to whoever compares times. */
static void wait_for_seconds(struct actor *a)
{
	atomic_store(&a->stage->is_asleep_soon, true);
	act_rent_wait(a, 1, 5000);
}

static void wait_within_a_second(struct actor *a)
{
	struct timespec t;

	atomic_store(&a->stage->is_asleep_soon, true);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec = 999999999;
	act_rent_until(a, 1, &t);
}

static void late_in_a_second(struct actor *a)
{
	struct timespec t;

	rent_everything(a);
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += t.tv_nsec > LATE_NS;
	t.tv_nsec = LATE_NS;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void wait_for_the_past(struct actor *a)
{
	act_rent_until(a, 1, &(struct timespec){ 1, 0 });
}

static void wait_for_all(struct actor *a)
{
	unsigned i;

	for (i = 0; i < 3 * 64; i++)
		act_rent_wait(a, 1, 500);
}

const struct scenario scenarios_wait[] = {
	{ "wait, but not at all", wait_at_once },
	{ "wait in vain", wait_in_vain, rent_everything },
	{ "wait and be woken", wait_for_it, .before = far_holds_all,
		.meanwhile = far_returns_soon },
	{ "wait for ever", wait_for_ever, .before = far_holds_all,
		.meanwhile = far_returns_soon, .has_calls = true },
	{ "wait for seconds", wait_for_seconds, .before = far_holds_all,
		.meanwhile = far_returns_soon },
	{ "wait within a second", wait_within_a_second, .before = far_holds_all,
		.meanwhile = far_returns_soon },
	{ "wait for the past", wait_for_the_past, rent_everything },
	{ "wait without a barrier for seconds", wait_for_seconds, .before = far_holds_all,
		.meanwhile = far_returns_soon, .is_fenced = true },
	{ "wait without a barrier within a second", wait_within_a_second, .before = far_holds_all,
		.meanwhile = far_returns_soon, .is_fenced = true },
	{ "wait without a barrier at the end of a second", wait_within_a_second, late_in_a_second,
		.is_fenced = true },
	{ "wait without a barrier", wait_in_vain, rent_everything, .is_fenced = true },
	{ "wait without a barrier for ever", wait_for_ever, .before = far_holds_all,
		.meanwhile = far_returns_soon, .is_fenced = true },
	{ "wait for what the other core holds", wait_for_all, .before = far_has_had_it },
	{ "wait for what a plain client holds", wait_for_all, .before = near_has_had_some },
	{ 0 },
};
