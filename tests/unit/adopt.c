/* SPDX-License-Identifier: MIT */
/*
 * The search for a segment: in what order it looks, and that from anywhere, for any number of
 * segments and cores and whoever holds it, the one segment with something to take is found.
 */

#include "shm/adopt.h"
#include "shm/holder.h"
#include "shm/record.h"
#include "tests/unit/arena.h"
#include "tests/unit/dice.h"

#define ME 2u /* core 1 */
#define LANE (1u << 31 | 5 << 8)

static const struct seat_id seat = { 5 };

/* All slots leased, all flags down, nobody's. */
static void fill(struct thr_class_view *c)
{
	uint32_t i, j;

	for (i = 0; i < c->n_segments; i++) {
		c->segments[i].holder = 4ull << 32;
		c->segments[i].returned = 0;
		for (j = 0; j < 64; j++)
			c->segments[i].record[j] = record_lease(0, seat, 1);
	}
	for (i = 0; i < c->n_cores; i++)
		c->cores[i].asked = 0;
}

static void set_free(struct thr_class_view *c, uint32_t number, unsigned n, uint32_t who,
	bool is_flagged)
{
	unsigned first = class_segment_slots(c, number) - n, i;

	for (i = 0; i < n; i++)
		c->segments[number].record[first + i] = 9ull << 30;
	c->segments[number].holder = 4ull << 32 | who;
	c->segments[number].returned = is_flagged;
}

/* One segment has something, held by `who`, and the search begins at `start`. */
static void check_one(struct thr_class_view *c, uint32_t number, uint32_t who, bool is_flagged,
	uint32_t start, unsigned n)
{
	struct thr_adoption found;
	uint32_t core = (who & ~HOLDER_BURIED) - 1;
	bool is_core = !(who & (HOLDER_THREAD | HOLDER_REVOKED)) && who != 0 && who != ME;

	fill(c);
	set_free(c, number, n, who, is_flagged);
	found = thr_adopt(c, ME, start, ADOPT_NONE, n);
	if (is_core) {
		must(found.segment == ADOPT_NONE && found.was_asked, "who %#x at %u", who, number);
		must(c->cores[core].asked == ME, "core %u was not asked", core);
		must(c->segments[number].holder == (4ull << 32 | who), "it was taken from afar");
	} else {
		must(found.segment == number && !found.was_asked, "who %#x at %u, from %u: %u", who,
			number, start, found.segment);
		must(holder_who(c->segments[number].holder) == ME, "it is not held");
		must(c->segments[number].returned, "the flag is not up");
	}
	/* One slot more is nowhere to be had. */
	fill(c);
	set_free(c, number, n, who, is_flagged);
	found = thr_adopt(c, ME, start, ADOPT_NONE, n + 1);
	must(found.segment == ADOPT_NONE && !found.was_asked, "%u slots of %u", n + 1, n);
	/* Nor of the segment that is excepted. */
	found = thr_adopt(c, ME, start, number, n);
	must(found.segment == ADOPT_NONE && !found.was_asked, "the exception");
}

Test(adopt, finds_the_one_segment_wherever_it_is_whoever_holds_it_and_wherever_one_begins)
{
	static const uint32_t holders[] = { 0, ME, LANE, HOLDER_REVOKED, 1, 3, HOLDER_BURIED | 3 };
	static const uint32_t all_segments[] = { 3, 4, 5, 8, 13 };
	struct test_arena a;
	uint32_t n, number, start;
	size_t i, j;

	for (i = 0; i < sizeof(all_segments) / sizeof(*all_segments); i++) {
		n = all_segments[i];
		test_arena_init_one(&a, 3, n * 64 - 50); /* the last has 14 */
		for (number = 0; number < n; number++)
			for (start = 0; start <= n; start++)
				for (j = 0; j < sizeof(holders) / sizeof(*holders); j++) {
					check_one(&a.view.class_[0], number, holders[j], start % 2,
						start, 1);
					check_one(&a.view.class_[0], number, holders[j], start % 2,
						start, 1 + (start * 7 + number) % 13);
				}
		test_arena_fini(&a);
	}
}

/* What comes first if several have something, from the best to the last. */
Test(adopt, takes_what_is_flagged_before_what_is_not_before_threads_before_cores)
{
	static const struct {
		uint32_t who;
		bool is_flagged;
	} order[] = { { 0, true }, { 0, false }, { LANE, true }, { 1, true } };
	struct thr_adoption found;
	struct thr_class_view *c;
	struct test_arena a;
	unsigned first, i;
	uint32_t start;

	test_arena_init_one(&a, 3, 4 * 64);
	c = &a.view.class_[0];
	for (first = 0; first < 4; first++)
		for (start = 0; start < 4; start++) {
			fill(c);
			for (i = first; i < 4; i++)
				set_free(c, i, 1, order[i].who, order[i].is_flagged);
			found = thr_adopt(c, ME, start, ADOPT_NONE, 1);
			if (first == 3)
				must(found.was_asked && c->cores[0].asked == ME, "asks nobody");
			else
				must(found.segment == first, "from %u: %u, not %u", start,
					found.segment, first);
		}
	test_arena_fini(&a);
}

Test(adopt, begins_where_it_is_told)
{
	struct test_arena a;
	struct thr_class_view *c;
	uint32_t start, i;

	test_arena_init_one(&a, 3, 7 * 64);
	c = &a.view.class_[0];
	for (start = 0; start < 7; start++) {
		fill(c);
		for (i = 0; i < 7; i++)
			set_free(c, i, 1, 0, true);
		must(thr_adopt(c, ME, start, ADOPT_NONE, 1).segment == start, "from %u", start);
		must(thr_adopt(c, ME, start, start, 1).segment == (start + 1) % 7, "from %u",
			start);
	}
	/* A start that is no segment is as good as the first. */
	cr_assert_eq(thr_adopt(c, 3, UINT32_MAX, ADOPT_NONE, 64).segment, ADOPT_NONE);
	test_arena_fini(&a);
}

Test(adopt, asks_no_core_that_there_is_not)
{
	struct thr_adoption found;
	struct test_arena a;

	test_arena_init_one(&a, 3, 3 * 64);
	fill(&a.view.class_[0]);
	set_free(&a.view.class_[0], 1, 1, 4, true);
	found = thr_adopt(&a.view.class_[0], ME, 0, ADOPT_NONE, 1);
	cr_assert(found.segment == ADOPT_NONE && !found.was_asked);
	test_arena_fini(&a);
}
