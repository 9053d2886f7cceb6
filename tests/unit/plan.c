/* SPDX-License-Identifier: MIT */
/*
 * The ways of holding a size, beside a naive list of them that is sorted: for every size up to more
 * than any class can give, in views of many kinds.
 */

#include <stdlib.h>
#include "shm/plan.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

static int the_better_first(const void *a, const void *b)
{
	const struct plan_way *x = a, *y = b;

	if (x->fits != y->fits)
		return x->fits ? -1 : 1;
	if (x->waste != y->waste)
		return x->waste < y->waste ? -1 : 1;
	return x->slots < y->slots ? -1 : x->slots > y->slots;
}

/* Every number of slots of every class that is enough, but not one too many. */
static size_t naive_ways(const struct thr_view *view, uint64_t size, struct plan_way *ways)
{
	uint32_t i, slots;
	size_t n = 0;

	for (i = 0; i < view->n_classes; i++) {
		const struct thr_class_view *c = &view->class_[i];

		for (slots = 1; slots <= 64 && slots <= c->slots; slots++)
			if (slots * c->stride_bytes >= size && (slots == 1 || !c->is_open)) {
				uint64_t waste = slots * c->stride_bytes - size;
				bool fits = slots == 1 && (c->stride_bytes <= 64 ||
					(c->stride_bytes - 64 + 1) / 2 <= size);

				ways[n++] = (struct plan_way){ i, slots, fits, waste };
				break;
			}
	}
	qsort(ways, n, sizeof(*ways), the_better_first);
	return n;
}

static void check_size(const struct thr_view *view, uint64_t size)
{
	struct plan_way ways[THR_CLASSES_MAX], way = { 0 }, last;
	size_t n = naive_ways(view, size, ways), i;

	for (i = 0; i < n; i++) {
		must(thr_plan_next(view, size, i ? &last : NULL, &way), "size %lu: way %zu of %zu",
			(unsigned long)size, i, n);
		must(way.class_ == ways[i].class_ && way.slots == ways[i].slots &&
				way.waste == ways[i].waste,
			"size %lu, way %zu: %u slots of class %u, not %u of %u",
			(unsigned long)size, i, way.slots, way.class_, ways[i].slots,
			ways[i].class_);
		last = way;
	}
	must(!thr_plan_next(view, size, n ? &last : NULL, &way), "size %lu: more than %zu ways",
		(unsigned long)size, n);
	must(plan_class(view, size) ==
			(n && ways[0].slots == 1 ? ways[0].class_ : THR_CLASSES_MAX),
		"size %lu: the class is %u", (unsigned long)size, plan_class(view, size));
}

Test(plan, goes_through_all_ways_the_best_first)
{
	static const struct thr_class_view classes[][3] = {
		{ { .stride_bytes = 64, .slots = 64 }, { .stride_bytes = 128, .slots = 70 },
			{ .stride_bytes = 4096, .slots = 3 } },
		/* Fewer slots than the run would have. */
		{ { .stride_bytes = 64, .slots = 5 }, { .stride_bytes = 192, .slots = 2 },
			{ .stride_bytes = 320, .slots = 1 } },
		/* Openly claimed: single slots alone. */
		{ { .stride_bytes = 64, .slots = 200, .is_open = true },
			{ .stride_bytes = 192, .slots = 64 },
			{ .stride_bytes = 1088, .slots = 9, .is_open = true } },
		{ { .stride_bytes = 64, .slots = 64 },
			{ .stride_bytes = 640, .slots = 64, .is_open = true },
			{ .stride_bytes = 704, .slots = 64 } },
	};
	struct thr_view view = { .n_classes = 3 };
	uint64_t size;
	size_t i;

	for (i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		memcpy(view.class_, classes[i], sizeof(classes[i]));
		for (size = 1; size <= 64 * 704 + 100; size++)
			check_size(&view, size);
	}
}

Test(plan, of_random_classes)
{
	struct dice d = { 31 };
	unsigned round, j;
	uint32_t i;

	for (round = 0; round < 3000; round++) {
		struct thr_view view = { .n_classes = (uint32_t)dice_from(&d, 1, THR_CLASSES_MAX) };
		uint64_t stride = 0;

		for (i = 0; i < view.n_classes; i++) {
			stride += 64 * dice_from(&d, 1, 1ull << dice_below(&d, 8));
			view.class_[i] = (struct thr_class_view){
				.stride_bytes = stride,
				.slots = (uint32_t)dice_from(&d, 1, dice_one_in(&d, 2) ? 64 : 1000),
				.is_open = dice_one_in(&d, 3),
			};
		}
		for (j = 0; j < 50; j++) {
			uint64_t size = dice_from(&d, 1, 65 * stride);

			/* Where it just fits and where it just does not. */
			if (j % 3 == 0)
				size = dice_from(&d, 1, 64) *
				       view.class_[dice_below(&d, view.n_classes)].stride_bytes;
			check_size(&view, size + (j % 6 == 0));
		}
	}
}

Test(plan, of_the_largest_sizes_there_are)
{
	struct thr_view view = { .n_classes = 2 };
	struct plan_way way;

	view.class_[0] = (struct thr_class_view){ .stride_bytes = 1ull << 29, .slots = 64 };
	view.class_[1] = (struct thr_class_view){ .stride_bytes = 1ull << 30, .slots = 1000 };
	cr_assert(thr_plan_next(&view, 1ull << 36, NULL, &way));
	cr_assert(way.class_ == 1 && way.slots == 64 && way.waste == 0);
	cr_assert_not(thr_plan_next(&view, (1ull << 36) + 1, NULL, &way));
	cr_assert_not(thr_plan_next(&view, UINT64_MAX, NULL, &way));
}

/* Powers of two, spread as the daemon spreads them: each size is one slot of the next power. */
Test(plan, takes_a_slot_rather_than_a_run_where_half_of_it_is_used)
{
	struct thr_view view = { .n_classes = 0 };
	struct plan_way way = { 0 };
	uint64_t size;
	uint32_t i;

	for (i = 0; i < 13; i++)
		view.class_[view.n_classes++] = (struct thr_class_view){
			.stride_bytes = (64ull << i) + (i ? 64 : 0),
			.slots = 128,
		};
	for (size = 1; size <= 64ull << 12; size++) {
		cr_assert(thr_plan_next(&view, size, NULL, &way));
		must(way.slots == 1, "%lu is %u slots of class %u", (unsigned long)size, way.slots,
			way.class_);
	}
	/* Far less than half: the run. */
	view.n_classes = 2;
	view.class_[1].stride_bytes = 4160;
	cr_assert(thr_plan_next(&view, 640, NULL, &way) && way.slots == 10);
}
