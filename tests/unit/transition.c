/* SPDX-License-Identifier: MIT */
/*
 * The transitions, run by one thread in an arena of its own: what each changes, what it leaves
 * alone, and that a claim that begins anywhere finds whatever is free anywhere.
 */

#include "shm/circle.h"
#include "tests/unit/life.h"

#define N(array) (sizeof(array) / sizeof(*(array)))

static const uint32_t all_cores[] = { 1, 2, 3, 6, 12, 96 };
static const uint32_t all_slots[] = { 1, 2, 5, 12, 63, 64, 65, 200 };
static const struct seat_id me = { 3 }, you = { 5 };

static int claim(
	struct test_arena *a, uint32_t core, struct slot_id *ret_slot, uint64_t *ret_record)
{
	return thr_open_claim(
		&a->view.class_[0], (struct core_id){ core }, me, ret_slot, ret_record);
}

/* Return on a core. */
static int give(const struct thr_class_view *c, struct core_id core, struct slot_id slot,
	uint64_t leased)
{
	struct thr_self self = cores_self(core.n, c->n_cores, me);

	return thr_return(c, &self, slot, leased);
}

static uint64_t record_at(struct test_arena *a, uint32_t slot)
{
	return *class_record(&a->view.class_[0], (struct slot_id){ slot });
}

/* Claim everything from one core, each slot once, in the circle's order; then nothing more. */
static void check_full_circle(uint32_t cores, uint32_t slots, uint32_t core)
{
	struct slot_id slot = { 0 }, untouched;
	struct test_arena a;
	uint64_t record, last;
	uint32_t i, should = circle_arc(core, cores, slots);
	void *copy;

	test_arena_init_open(&a, cores, slots);
	for (i = 0; i < slots; i++, should = circle_next(should, slots)) {
		must(claim(&a, core, &slot, &record) == 0, "core %u of %u/%u, claim %u", core,
			cores, slots, i);
		must(slot.n == should, "core %u of %u/%u: slot %u, not %u", core, cores, slots,
			slot.n, should);
		must(record == record_at(&a, slot.n), "the record is not as stored");
		must(record == record_lease(0, me, 1), "%#lx", (unsigned long)record);
	}
	copy = test_arena_copy(&a);
	untouched = slot, last = record;
	must(claim(&a, core, &slot, &record) == -ENOBUFS, "core %u of %u/%u is full", core, cores,
		slots);
	must(slot.n == untouched.n && record == last, "a failure writes its outputs");
	must(test_arena_is_as(&a, copy), "a failure writes to the arena");
	free(copy);
	test_arena_fini(&a);
}

Test(transition, a_claim_goes_the_full_circle_from_every_core)
{
	uint32_t core;
	size_t i, j;

	for (i = 0; i < N(all_cores); i++)
		for (j = 0; j < N(all_slots); j++)
			for (core = 0; core < all_cores[i]; core++)
				check_full_circle(all_cores[i], all_slots[j], core);
}

Test(transition, every_core_finds_the_one_free_slot)
{
	uint32_t core, slots, free_slot;
	struct slot_id slot;
	struct test_arena a;
	uint64_t record;
	size_t i, j;

	for (i = 0; i < N(all_cores); i++)
		for (j = 0; j < N(all_slots); j++) {
			slots = all_slots[j];
			test_arena_init_open(&a, all_cores[i], slots);
			while (claim(&a, 0, &slot, &record) == 0)
				;
			for (free_slot = 0; free_slot < slots; free_slot++)
				for (core = 0; core < all_cores[i]; core++) {
					struct core_id back = { (core + 1) % all_cores[i] };

					must(give(&a.view.class_[0], back,
						     (struct slot_id){ free_slot },
						     record_at(&a, free_slot)) == 0,
						"return");
					must(claim(&a, core, &slot, &record) == 0 &&
							slot.n == free_slot,
						"core %u of %u did not find slot %u of %u", core,
						all_cores[i], free_slot, slots);
				}
			test_arena_fini(&a);
		}
}

/* Cursors and arcs are hints that every client can write. */
Test(transition, garbage_hints_do_no_harm)
{
	static const uint32_t worst[] = { 199, 200, 201, 0x7fffffff, 0x80000000, UINT32_MAX };
	struct dice d = { 61 };
	struct life life;
	struct test_arena a;
	unsigned step;
	size_t i;

	test_arena_init_open(&a, 6, 200);
	life_init(&life, &a, 62);
	for (step = 0; step < 100000; step++) {
		struct thr_core *core = &a.view.class_[0].cores[dice_below(&d, 6)];
		uint32_t *hints[] = { &core->cursor, &core->arc_first, &core->arc_end,
			&core->held[dice_below(&d, THR_CORE_HELD_MAX)], &core->held_next,
			&core->asked };

		for (i = 0; i < N(hints); i++)
			*hints[i] = dice_one_in(&d, 2) ? worst[dice_below(&d, N(worst))]
						       : (uint32_t)dice_roll(&d);
		core->rents_total = dice_roll(&d);
		life_step(&life, true);
	}
	life_check(&life);
	life_fini(&life);
	test_arena_fini(&a);
}

/* The same where cores hold segments. */
Test(transition, garbage_hints_of_holders_do_no_harm)
{
	static const uint32_t worst[] = { 0, 1, 3, 4, 5, 7, 4096, 4097, 1u << 29, 1u << 30,
		1u << 31, UINT32_MAX };
	struct dice d = { 64 };
	struct life life;
	struct test_arena a;
	unsigned step;
	size_t i;

	test_arena_init_one(&a, 4, 300);
	cr_assert_not(a.view.class_[0].is_open);
	life_init(&life, &a, 65);
	for (step = 0; step < 100000; step++) {
		struct thr_core *core = &a.view.class_[0].cores[dice_below(&d, 4)];
		uint32_t *hints[] = { &core->cursor, &core->arc_first, &core->arc_end,
			&core->held[dice_below(&d, THR_CORE_HELD_MAX)], &core->held_next,
			&core->asked, &a.view.class_[0].segments[dice_below(&d, 5)].returned };

		i = dice_below(&d, N(hints));
		*hints[i] = dice_one_in(&d, 2) ? worst[dice_below(&d, N(worst))]
					       : (uint32_t)dice_roll(&d);
		life_step(&life, true);
	}
	life_check(&life);
	life_fini(&life);
	test_arena_fini(&a);
}

Test(transition, what_a_core_returned_in_its_arc_it_takes_first)
{
	struct slot_id slot;
	struct test_arena a;
	uint32_t core, other;
	uint64_t record;

	test_arena_init_open(&a, 6, 100);
	while (claim(&a, 0, &slot, &record) == 0)
		;
	for (slot.n = 0; slot.n < 100; slot.n++)
		must(give(&a.view.class_[0], (struct core_id){ circle_core(slot.n, 6, 100) },
			     slot, record_at(&a, slot.n)) == 0,
			"return");
	/* Everything is free, and each core begins with the slot of its arc that came back last. */
	for (core = 0; core < 6; core++) {
		cr_assert_eq(claim(&a, core, &slot, &record), 0);
		cr_assert_eq(slot.n, circle_arc(core + 1, 6, 100) - 1);
	}
	/* What is of another's arc stays there. */
	for (core = 0; core < 6; core++)
		for (other = 0; other < 6; other++) {
			uint32_t cursor = a.view.class_[0].cores[other].cursor, first;

			first = circle_arc(core, 6, 100);
			if (other == core)
				continue;
			*class_record(&a.view.class_[0], (struct slot_id){ first }) =
				record_lease(0, me, 1);
			must(give(&a.view.class_[0], (struct core_id){ other },
				     (struct slot_id){ first }, record_lease(0, me, 1)) == 0,
				"return");
			must(a.view.class_[0].cores[other].cursor == cursor,
				"%u was moved to the arc of %u", other, core);
		}
	test_arena_fini(&a);
}

Test(transition, a_wrong_record_is_stale_and_changes_nothing)
{
	struct slot_id slot;
	struct test_arena a;
	uint64_t record, out = 77, wrong;
	unsigned bit;
	void *copy;

	test_arena_init_open(&a, 2, 70);
	cr_assert_eq(claim(&a, 1, &slot, &record), 0);
	copy = test_arena_copy(&a);
	for (bit = 0; bit < 64; bit++) {
		const struct thr_class_view *c = &a.view.class_[0];

		wrong = record ^ (uint64_t)1 << bit;
		must(give(c, (struct core_id){ 1 }, slot, wrong) == -ESTALE, "bit %u", bit);
		must(thr_hand_over(c, slot, wrong, me, you, &out) == -ESTALE, "bit %u", bit);
		must(thr_accept(c, slot, wrong, &out) == -ESTALE, "bit %u", bit);
		must(!thr_take_back(c, slot, wrong, record), "bit %u", bit);
		must(!thr_reclaim_pending(c, slot, wrong), "bit %u", bit);
		must(give(c, (struct core_id){ 1 }, (struct slot_id){ slot.n ^ 1 }, record) ==
				-ESTALE, "the neighbour");
		must(test_arena_is_as(&a, copy), "bit %u changed the arena", bit);
		must(out == 77, "bit %u wrote the output", bit);
	}
	free(copy);
	test_arena_fini(&a);
}

/* From each state, with the right record, each act: what it answers and what it leaves behind. */
Test(transition, every_act_in_every_state)
{
	uint64_t free_record = 9ull << 30, leased = record_lease(free_record, me, 1);
	uint64_t pending = record_hand_over(leased, you), accepted = record_accept(pending);
	const uint64_t states[] = { free_record, leased, pending, accepted, record_free(leased) };
	const struct slot_id slot = { 65 };
	struct test_arena a;
	uint64_t out, *word;
	size_t i;

	test_arena_init_open(&a, 2, 70);
	word = class_record(&a.view.class_[0], slot);
	for (i = 0; i < N(states); i++) {
		const struct thr_class_view *c = &a.view.class_[0];

		*word = states[i];
		cr_assert_eq(
			give(c, (struct core_id){ 0 }, slot, leased), i == 1 ? 0 : -ESTALE);
		cr_assert_eq(*word, i == 1 ? record_free(leased) : states[i]);

		*word = states[i], c->senders[slot.n] = 0;
		cr_assert_eq(thr_hand_over(c, slot, leased, me, you, &out), i == 1 ? 0 : -ESTALE);
		cr_assert_eq(*word, i == 1 ? pending : states[i]);
		cr_assert_eq(c->senders[slot.n], i == 1 ? me.n : 0);
		cr_assert(i != 1 || out == pending);

		*word = states[i];
		cr_assert_eq(thr_accept(c, slot, pending, &out), i == 2 ? 0 : -ESTALE);
		cr_assert_eq(*word, i == 2 ? accepted : states[i]);
		cr_assert(i != 2 || out == accepted);

		*word = states[i];
		cr_assert_eq(thr_take_back(c, slot, pending, leased), i == 2);
		cr_assert_eq(*word, i == 2 ? leased : states[i]);

		*word = states[i];
		cr_assert_eq(thr_reclaim_pending(c, slot, pending), i == 2);
		cr_assert_eq(*word, i == 2 ? record_free(leased) : states[i]);
	}
	test_arena_fini(&a);
}

Test(transition, every_lease_of_a_slot_is_another)
{
	uint64_t record, last = 0, i;
	struct slot_id slot;
	struct test_arena a;

	test_arena_init_open(&a, 3, 1);
	/* Across the sequence's end. */
	*class_record(&a.view.class_[0], (struct slot_id){ 0 }) = (((uint64_t)1 << 34) - 500) << 30;
	for (i = 0; i < 1000; i++) {
		cr_assert_eq(claim(&a, i % 3, &slot, &record), 0);
		must(record != last, "lease %lu", (unsigned long)i);
		must(i == 0 || give(&a.view.class_[0], (struct core_id){ 0 }, slot, last) ==
					-ESTALE,
			"the last lease ended this one");
		must(record_sequence(record) ==
				(((uint64_t)1 << 34) - 499 + i) % ((uint64_t)1 << 34),
			"lease %lu has sequence %lu", (unsigned long)i,
			(unsigned long)record_sequence(record));
		must(give(&a.view.class_[0], (struct core_id){ 1 }, slot, record) == 0,
			"return");
		must(give(&a.view.class_[0], (struct core_id){ 1 }, slot, record) == -ESTALE,
			"returned twice");
		last = record;
	}
	test_arena_fini(&a);
}

Test(transition, up_and_down)
{
	struct slot_id slot[201];
	uint64_t record[201];
	struct test_arena a;
	unsigned round, i;

	test_arena_init_open(&a, 6, 200);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 201; i++)
			must(claim(&a, (round + i) % 6, &slot[i], &record[i]) ==
					(i < 200 ? 0 : -ENOBUFS),
				"round %u, claim %u", round, i);
		for (i = 0; i < 200; i++)
			must(give(&a.view.class_[0], (struct core_id){ i % 6 }, slot[i],
				     record[i]) == 0,
				"round %u, return %u", round, i);
		for (i = 0; i < 200; i++)
			must(record_at(&a, i) == (uint64_t)(round + 1) << 30, "slot %u is not free",
				i);
	}
	cr_assert_eq(a.view.class_[0].cores[0].retries_total, 0);
	test_arena_fini(&a);
}

/* Whether a core holds the slot's segment, and which, is all the same to the record. */
Test(transition, a_return_goes_into_the_mask_of_the_core_that_holds_and_else_raises_the_flag)
{
	const struct slot_id slot = { 64 + 9 };
	struct thr_segment *segment;
	struct thr_class_view *c;
	struct test_arena a;
	uint64_t leased;
	unsigned run;

	test_arena_init_one(&a, 3, 200);
	c = &a.view.class_[0];
	segment = &c->segments[1];
	for (run = 1; run <= 55; run++) {
		segment->record[9] = leased = record_lease(7ull << 30, me, run);
		segment->holder = 1ull << 32 | 2; /* core 1 */
		segment->mask = 0, segment->returned = 0;
		must(give(c, (struct core_id){ 2 }, slot, leased) == 0, "return from afar");
		must(segment->mask == 0 && segment->returned, "the flag");
		must(segment->record[9] == 8ull << 30, "%#lx", (unsigned long)segment->record[9]);
		segment->record[9] = leased, segment->returned = 0;
		must(give(c, (struct core_id){ 1 }, slot, leased) == 0, "return at home");
		must(segment->record[9] == 8ull << 30, "%#lx", (unsigned long)segment->record[9]);
		if (SECTION_IS_THERE)
			must(segment->mask == mask_run(9, run) && !segment->returned,
				"%u slots: mask %#lx", run, (unsigned long)segment->mask);
		must(give(c, (struct core_id){ 1 }, slot, leased) == -ESTALE, "twice");
	}
	if (SECTION_IS_THERE) {
		cr_assert_eq(c->cores[1].local_returns_total, 55);
		cr_assert_eq(c->cores[2].remote_returns_total, 55);
	}
	test_arena_fini(&a);
}

Test(transition, random_life_goes_as_the_account_says)
{
	static const struct thr_class_spec specs[] = { { 64, 130, 0 }, { 256, 64, 0 },
		{ 1024, 3, 0 } };
	struct test_arena a;
	struct life life;
	unsigned round;

	for (round = 0; round < 40; round++) {
		test_arena_init(&a, 1 + round, 1 + round * 3, specs, N(specs));
		life_init(&life, &a, 63 + round);
		life_run(&life, 20000, round % 2);
		life_check(&life);
		life_fini(&life);
		test_arena_fini(&a);
	}
}
