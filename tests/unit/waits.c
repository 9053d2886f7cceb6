/* SPDX-License-Identifier: MIT */
/* Waits are counted where they end: in the right bucket, for their class, core and client. */

#include <criterion/criterion.h>
#include <errno.h>
#include "shm/self.h"
#include "shm/waits.h"
#include "tests/unit/arena.h"
#include "tests/unit/cores.h"

Test(waits, buckets_are_powers_of_two)
{
	unsigned n;

	cr_assert_eq(waits_bucket(0), 0);
	cr_assert_eq(waits_bucket(1), 0);
	cr_assert_eq(waits_bucket(2), 1);
	cr_assert_eq(waits_bucket(3), 2);
	for (n = 1; n < THR_WAIT_BUCKETS - 1; n++) {
		uint64_t le = (uint64_t)1 << n;

		cr_assert_eq(waits_bucket(le), n, "2^%u", n);
		cr_assert_eq(waits_bucket(le + 1), n + 1, "2^%u + 1", n);
	}
	cr_assert_eq(waits_bucket(UINT64_MAX), THR_WAIT_BUCKETS - 1);
}

static uint64_t count_of(const struct thr_waits *w)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < THR_WAIT_BUCKETS; i++)
		n += w->bucket[i];
	return n;
}

Test(waits, a_wait_is_counted_once)
{
	static const struct thr_class_spec specs[] = { { 64, 10, 0 }, { 4096, 10, 0 } };
	struct thr_self self = cores_self_thread(3, (struct seat_id){ 2 });
	struct waits_entry first, second;
	struct thr_waits sum = { 0 };
	uint64_t waits = 0, timeouts = 0;
	struct test_arena arena;
	struct thr_seat *seat;
	struct core_id core;

	test_arena_init(&arena, 3, 4, specs, 2);
	seat = &arena.view.seats[2];
	thr_waits_begin(&first, &arena.view, &self, 1);
	thr_waits_begin(&second, &arena.view, &self, 1);
	cr_assert_eq(seat->waiters[1], 2);
	cr_assert_eq(seat->waiters[0], 0);
	thr_waits_end(&second, -ETIMEDOUT);
	thr_waits_end(&first, 0);
	cr_assert_eq(seat->waiters[1], 0);
	cr_assert_eq(seat->waiters_peak[1], 2);
	for (core.n = 0; core.n < 3; core.n++) {
		const struct thr_core *state = &arena.view.class_[1].cores[core.n];

		waits_add(&sum, class_waits(&arena.view.class_[1], core));
		waits += state->waits_total;
		timeouts += state->wait_timeouts_total;
		cr_assert_eq(arena.view.class_[0].cores[core.n].waits_total, 0);
		cr_assert_eq(count_of(class_waits(&arena.view.class_[0], core)), 0);
	}
	cr_assert_eq(waits, 2);
	cr_assert_eq(timeouts, 1);
	cr_assert_eq(count_of(&sum), 2);
	cr_assert_eq(sum.ns_total, seat->wait_ns_total);
	cr_assert_eq(sum.ns_max, seat->wait_max_ns);
	cr_assert_leq(sum.ns_max, sum.ns_total);
	test_arena_fini(&arena);
}

/* They lie behind the cores' states, and nothing else does. */
Test(waits, lie_in_the_arena)
{
	struct test_arena arena;
	struct core_id last = { 6 };

	test_arena_init_one(&arena, 7, 1000);
	cr_assert_eq((void *)class_waits(&arena.view.class_[0], (struct core_id){ 0 }),
		(void *)&arena.view.class_[0].cores[7]);
	cr_assert_leq((void *)(class_waits(&arena.view.class_[0], last) + 1),
		(void *)arena.view.class_[0].segments);
	test_arena_fini(&arena);
}
