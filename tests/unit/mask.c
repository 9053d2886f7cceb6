/* SPDX-License-Identifier: MIT */
/*
 * The mask beside a naive one that looks at one bit after the other: all masks of sixteen bits, and
 * a million random ones of sixty-four.
 */

#include <limits.h>
#include "shm/mask.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

#define ALL (~(uint64_t)0)

static bool bit_is_set(uint64_t mask, unsigned bit)
{
	return mask >> bit & 1;
}

static bool naive_has(uint64_t mask, unsigned first, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (!bit_is_set(mask, first + i))
			return false;
	return true;
}

static int naive_find_run(uint64_t mask, unsigned n)
{
	unsigned first;

	for (first = 0; first + n <= 64; first++)
		if (naive_has(mask, first, n))
			return (int)first;
	return -1;
}

static void check_find(uint64_t mask, unsigned n)
{
	must(mask_find_run(mask, n) == naive_find_run(mask, n), "%u in %#lx: %d, not %d", n,
		(unsigned long)mask, mask_find_run(mask, n), naive_find_run(mask, n));
}

Test(mask, finds_in_every_small_mask)
{
	uint64_t small;
	unsigned n;

	for (small = 0; small < 65536; small++)
		for (n = 1; n <= 17; n++) {
			check_find(small, n);
			check_find(small << 48, n);
			check_find(~small, 64 - n);
		}
}

/* Long runs are rare among random bits, so half of the masks are made of runs. */
static uint64_t random_mask(struct dice *d)
{
	uint64_t mask = 0;
	unsigned at, n;

	if (dice_one_in(d, 2))
		return dice_roll(d) | (dice_one_in(d, 2) ? dice_roll(d) : 0);
	for (at = 0; at < 64; at += n + (unsigned)dice_from(d, 1, 4)) {
		n = (unsigned)dice_from(d, 1, dice_one_in(d, 4) ? 64 : 16);
		mask |= (n >= 64 ? ALL : ((uint64_t)1 << n) - 1) << at;
	}
	return mask;
}

Test(mask, finds_in_random_masks)
{
	struct dice d = { 21 };
	unsigned i;

	for (i = 0; i < 1000000; i++)
		check_find(random_mask(&d), (unsigned)dice_from(&d, 1, 64));
}

Test(mask, finds_the_first_fitting_gap)
{
	static const struct {
		uint64_t taken;
		int gap;
	} cases[] = {
		{ 0, 0 }, { 1, 1 }, { 3, 2 }, { 0xffff, 16 }, { 0xffffff, 24 },
		{ 0x3fffffffffffffff, 62 }, { 0x7fffffffffffffff, 63 }, { ALL, -1 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_eq(mask_find_run(~cases[i].taken, 1), cases[i].gap);
	cr_assert_eq(mask_find_run(~(uint64_t)0x3fffffffffffffff, 2), 62);
	cr_assert_eq(mask_find_run(~(uint64_t)0x3fffffffffffffff, 3), -1);
	/* Gaps of two and three before one of four. */
	cr_assert_eq(mask_find_run(0xf0e6, 4), 12);
}

Test(mask, refuses_runs_of_none_and_of_more_than_a_segment)
{
	cr_assert_eq(mask_find_run(ALL, 0), -1);
	cr_assert_eq(mask_find_run(ALL, 64), 0);
	cr_assert_eq(mask_find_run(ALL, 65), -1);
	cr_assert_eq(mask_find_run(ALL, UINT_MAX), -1);
	cr_assert_eq(mask_find_run(0, 1), -1);
	cr_assert_eq(mask_find_run(0, 64), -1);
}

Test(mask, taking_and_giving_a_run_leaves_all_bits_as_they_were)
{
	static const unsigned runs[] = { 1, 32, 33, 63, 64 };
	unsigned i;

	for (i = 0; i < 5; i++) {
		uint64_t left = mask_take(ALL, 0, runs[i]);

		cr_assert_eq(mask_find_run(ALL, runs[i]), 0);
		cr_assert_eq(mask_count(left), 64 - runs[i]);
		cr_assert_eq(mask_find_run(left, 64 - runs[i]), runs[i] == 64 ? -1 : (int)runs[i]);
		cr_assert_eq(mask_give(left, 0, runs[i]), ALL);
	}
}

static void check_run(uint64_t mask, unsigned first, unsigned n)
{
	uint64_t taken = mask_take(mask, first, n), given = mask_give(mask, first, n);
	unsigned bit;

	must(mask_has(mask, first, n) == naive_has(mask, first, n), "has %u from %u in %#lx", n,
		first, (unsigned long)mask);
	for (bit = 0; bit < 64; bit++) {
		bool is_in = bit >= first && bit < first + n, was = bit_is_set(mask, bit);

		must(bit_is_set(mask_run(first, n), bit) == is_in, "run of %u from %u, bit %u", n,
			first, bit);
		must(bit_is_set(taken, bit) == (was && !is_in), "take %u from %u, bit %u", n, first,
			bit);
		must(bit_is_set(given, bit) == (was || is_in), "give %u from %u, bit %u", n, first,
			bit);
	}
	if (mask_has(mask, first, n))
		must(mask_give(taken, first, n) == mask, "take and give are not inverse");
	must(mask_take(given, first, n) == taken, "give and take are not inverse");
}

Test(mask, every_run_touches_its_own_bits_and_no_others)
{
	struct dice d = { 22 };
	unsigned first, n;

	for (first = 0; first < 64; first++)
		for (n = 1; n <= 64 - first; n++) {
			check_run(0, first, n);
			check_run(ALL, first, n);
			check_run(random_mask(&d), first, n);
			check_run(mask_run(first, n), first, n);
			check_run(~mask_run(first, n), first, n);
		}
}

Test(mask, low_and_lowest_and_count)
{
	struct dice d = { 23 };
	unsigned n, bit, count;
	uint64_t mask;

	for (n = 0; n <= 64; n++)
		for (bit = 0; bit < 64; bit++)
			must(bit_is_set(mask_low(n), bit) == (bit < n), "bit %u of the lowest %u",
				bit, n);
	cr_assert_eq(mask_low(65), ALL);
	for (n = 0; n < 100000; n++) {
		mask = random_mask(&d) | 1ull << dice_below(&d, 64);
		for (bit = 0; !bit_is_set(mask, bit); bit++)
			;
		must(mask_lowest(mask) == bit, "lowest of %#lx", (unsigned long)mask);
		for (count = 0; bit < 64; bit++)
			count += bit_is_set(mask, bit);
		must(mask_count(mask) == count, "count of %#lx", (unsigned long)mask);
	}
}

Test(mask, a_full_segment_has_room_for_64_and_no_more)
{
	uint64_t mask = ALL, seen = 0;
	unsigned i;
	int at;

	for (i = 0; i < 64; i++) {
		at = mask_find_run(mask, 1);
		cr_assert_eq(at, (int)i);
		cr_assert_not(bit_is_set(seen, (unsigned)at));
		seen |= mask_run((unsigned)at, 1);
		mask = mask_take(mask, (unsigned)at, 1);
	}
	cr_assert_eq(seen, ALL);
	cr_assert_eq(mask, 0);
	cr_assert_eq(mask_find_run(mask, 1), -1);
}
