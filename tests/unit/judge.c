/* SPDX-License-Identifier: MIT */
/*
 * The judge on trial: it must pass every arena that legal life can make, and of an arena in which
 * one rule was broken at one place it must name that rule, that class and that slot.
 */

#include "shm/judge.h"
#include "tests/unit/life.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define SEATS 9
#define CORE(n) ((n) + 1u)
#define BURIED (1u << 29)
#define REVOKED (1u << 30)
#define THREAD(seat, lane) (1u << 31 | (seat) << 8 | (lane))

static const struct thr_class_spec specs[] = { { 64, 130, 0 }, { 256, 64, 0 }, { 1024, 3, 0 } };
static const uint64_t all_slots = 130 + 64 + 3;

static struct thr_verdict judge(const struct test_arena *a)
{
	return thr_judge(&a->view, a->roster, a->claims);
}

static void check_sound(const struct test_arena *a)
{
	struct thr_verdict v = judge(a);

	must(v.rule == THR_RULE_NONE, "a sound arena: %s, class %u, slot %u", thr_rule_name(v.rule),
		v.class_, v.slot.n);
	must(v.slots_seen == all_slots, "%lu slots seen", (unsigned long)v.slots_seen);
}

static void check_broken(
	const struct test_arena *a, enum thr_rule rule, uint32_t class_, uint32_t slot)
{
	struct thr_verdict v = judge(a);

	must(v.rule == rule, "named %s, not %s", thr_rule_name(v.rule), thr_rule_name(rule));
	must(v.class_ == class_ && v.slot.n == slot, "%s: class %u slot %u, not class %u slot %u",
		thr_rule_name(rule), v.class_, v.slot.n, class_, slot);
	must(v.record == *class_record(&a->view.class_[class_], (struct slot_id){ slot }),
		"%s: the record is not told", thr_rule_name(rule));
	must(rule == THR_RULE_CURRENT || v.slots_seen <= all_slots - 3,
		"the broken segment counts as seen");
}

Test(judge, passes_whatever_legal_life_makes)
{
	struct test_arena a;
	struct life life;
	unsigned round, i;

	for (round = 0; round < 50; round++) {
		test_arena_init(&a, 1 + round % 7, SEATS, specs, N(specs));
		life_init(&life, &a, 81 + round);
		check_sound(&a);
		for (i = 0; i < 50; i++) {
			life_run(&life, 100, true);
			check_sound(&a);
		}
		life_fini(&life);
		test_arena_fini(&a);
	}
}

/* Break the record at a random place of a random sound arena, by `wrong` made from a dice. */
static void check_record(uint64_t seed, enum thr_rule rule, uint64_t (*wrong)(struct dice *))
{
	struct test_arena a;
	struct life life;
	struct dice d = { seed };
	unsigned i;

	test_arena_init(&a, 5, SEATS, specs, N(specs)); /* too many cores for any class */
	life_init(&life, &a, seed);
	a.roster[4] = 0;
	for (i = 0; i < 3000; i++) {
		uint32_t class_ = (uint32_t)dice_below(&d, N(specs));
		struct slot_id slot = { (uint32_t)dice_below(&d, specs[class_].slots) };
		uint64_t *record = class_record(&a.view.class_[class_], slot), was = *record;

		*record = wrong(&d);
		if (rule == THR_RULE_NONE)
			check_sound(&a);
		else
			check_broken(&a, rule, class_, slot.n);
		*record = was;
		check_sound(&a);
		a.roster[4] = 4;
		life_run(&life, 20, false);
		thr_reclaim_seat(&a.view, (struct seat_id){ 4 }, &(struct thr_reclaimed){ 0 });
		life_bury(&life, 4);
		a.roster[4] = 0;
	}
	life_fini(&life);
	test_arena_fini(&a);
}

static uint64_t malformed(struct dice *d)
{
	uint64_t r = dice_roll(d);

	if (dice_one_in(d, 2))
		return r | 3;
	/* LEASED or PENDING by nobody */
	return (r & ~(uint64_t)0xffff03) | dice_from(d, 1, 2);
}

/* The vacant one, the first that is not there, and any other. */
static uint64_t leased_by_no_seat(struct dice *d)
{
	uint16_t seat = (uint16_t)(dice_one_in(d, 3)   ? 4
				   : dice_one_in(d, 2) ? SEATS + 1
						       : dice_from(d, SEATS + 1, 0xffff));
	uint64_t r = record_lease(dice_roll(d), (struct seat_id){ seat }, 1);

	return seat != 4 && dice_one_in(d, 2) ? record_hand_over(r, (struct seat_id){ seat }) : r;
}

/* What a revocation leaves, and any number of them. */
static uint64_t stamped(struct dice *d)
{
	return dice_roll(d) & ~(uint64_t)3;
}

static uint64_t pending_to_a_vacant_seat(struct dice *d)
{
	uint64_t r = record_lease(dice_roll(d), (struct seat_id){ 1 }, 1);

	return record_hand_over(r, (struct seat_id){ 4 });
}

static uint64_t run_in_an_open_class(struct dice *d)
{
	return record_lease(dice_roll(d), (struct seat_id){ 1 }, (unsigned)dice_from(d, 2, 64));
}

Test(judge, names_a_malformed_record)
{
	check_record(801, THR_RULE_RECORD, malformed);
}

Test(judge, names_an_owner_without_a_seat)
{
	check_record(802, THR_RULE_OWNER, leased_by_no_seat);
}

Test(judge, lets_a_lease_travel_to_a_seat_that_has_just_become_vacant)
{
	check_record(803, THR_RULE_NONE, pending_to_a_vacant_seat);
}

Test(judge, lets_a_free_record_carry_any_stamp)
{
	check_record(805, THR_RULE_NONE, stamped);
}

Test(judge, names_a_run_in_an_open_class)
{
	check_record(804, THR_RULE_SINGLE, run_in_an_open_class);
}

Test(judge, names_the_control_page)
{
	struct test_arena a;
	struct thr_verdict v;
	unsigned bit;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	for (bit = 0; bit < 64; bit++) {
		a.view.control->magic ^= 1ull << bit;
		v = judge(&a);
		must(v.rule == THR_RULE_CONTROL && v.slots_seen == 0, "bit %u", bit);
		a.view.control->magic ^= 1ull << bit;
	}
	check_sound(&a);
	test_arena_fini(&a);
}

Test(judge, names_a_sender_that_cannot_be)
{
	const struct slot_id slot = { 65 };
	struct thr_class_view *c;
	struct test_arena a;
	uint64_t record;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	c = &a.view.class_[0];
	record = *class_record(c, slot) = record_lease(0, (struct seat_id){ 1 }, 1);
	c->senders[slot.n] = 0xffff;
	check_sound(&a); /* a note beside a lease that is not in transit means nothing */
	*class_record(c, slot) = record_hand_over(record, (struct seat_id){ 2 });
	check_broken(&a, THR_RULE_SENDER, 0, slot.n);
	c->senders[slot.n] = SEATS + 1;
	check_broken(&a, THR_RULE_SENDER, 0, slot.n);
	c->senders[slot.n] = SEATS;
	check_sound(&a);
	c->senders[slot.n] = 0; /* gone */
	check_sound(&a);
	test_arena_fini(&a);
}

Test(judge, names_a_holder_of_an_open_segment)
{
	struct test_arena a;

	test_arena_init(&a, 4, SEATS, specs, N(specs));
	a.view.class_[0].segments[2].holder = CORE(0);
	check_broken(&a, THR_RULE_HOLDER, 0, 128);
	a.claims[0] = THR_CLAIM_CORE;
	check_sound(&a);
	a.view.class_[0].segments[2].holder = 7ull << 32; /* nobody, for the seventh time */
	a.claims[0] = THR_CLAIM_OPEN;
	check_sound(&a);
	test_arena_fini(&a);
}

Test(judge, names_a_holder_that_cannot_be)
{
	static const uint32_t good[] = { 0, CORE(0), CORE(2), REVOKED, BURIED | CORE(0),
		BURIED | CORE(2), THREAD(1u, 0u), THREAD((unsigned)SEATS, 255u) };
	static const uint32_t bad[] = { CORE(3), 4096, 4097, 65536, BURIED, BURIED | CORE(3),
		REVOKED | 1, REVOKED | BURIED, THREAD(0u, 0u), THREAD(SEATS + 1u, 0u),
		THREAD(0xffffu, 7u), UINT32_MAX };
	struct test_arena a;
	struct dice d = { 806 };
	uint64_t *holder;
	size_t i;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	holder = &a.view.class_[0].segments[1].holder;
	for (i = 0; i < N(good); i++) {
		*holder = dice_roll(&d) << 32 | good[i];
		check_sound(&a);
	}
	for (i = 0; i < N(bad); i++) {
		*holder = dice_roll(&d) << 32 | bad[i];
		check_broken(&a, THR_RULE_HOLDER, 0, 64);
	}
	test_arena_fini(&a);
}

Test(judge, names_a_mask_that_no_core_holds)
{
	static const uint32_t not_cores[] = { 0, REVOKED, THREAD(1u, 0u) };
	struct thr_segment *segment;
	struct test_arena a;
	size_t i;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	segment = &a.view.class_[0].segments[1];
	segment->mask = 1ull << 20;
	for (i = 0; i < N(not_cores); i++) {
		segment->holder = not_cores[i];
		check_broken(&a, THR_RULE_UNHELD, 0, 64);
	}
	segment->holder = CORE(1);
	check_sound(&a);
	segment->holder = BURIED | CORE(1); /* whoever buries it has not come to that yet */
	check_sound(&a);
	test_arena_fini(&a);
}

Test(judge, names_a_current_segment_that_the_core_does_not_hold)
{
	struct thr_segment *segment;
	struct test_arena a;
	struct thr_core *core;
	uint32_t number;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	core = &a.view.class_[0].cores[1];
	for (number = 0; number < 3; number++) {
		segment = &a.view.class_[0].segments[number];
		core->current = 5ull << 32 | number;
		check_broken(&a, THR_RULE_CURRENT, 0, number * 64);
		segment->holder = CORE(2);
		check_broken(&a, THR_RULE_CURRENT, 0, number * 64);
		segment->holder = BURIED | CORE(2);
		check_broken(&a, THR_RULE_CURRENT, 0, number * 64);
		segment->holder = BURIED | CORE(1); /* marked from afar, and nothing else yet */
		check_sound(&a);
		segment->holder = 9ull << 32 | CORE(1);
		check_sound(&a);
		segment->holder = 0;
	}
	core->current = 3; /* there are three */
	check_broken(&a, THR_RULE_CURRENT, 0, 0);
	core->current = 1ull << 32 | UINT32_MAX;
	check_sound(&a);
	/* In an open class no core has one. */
	a.view.class_[1].cores[0].current = 0;
	a.view.class_[1].segments[0].holder = 0;
	check_broken(&a, THR_RULE_CURRENT, 1, 0);
	test_arena_fini(&a);
}

/* In a class with runs: every head at every place of a segment of 64 and of one of two. */
Test(judge, names_a_run_that_leaves_its_segment)
{
	struct test_arena a;
	unsigned first, run;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	a.claims[0] = THR_CLAIM_CORE;
	for (first = 64; first < 130; first++)
		for (run = 1; run <= 64; run++) {
			uint64_t *r = class_record(&a.view.class_[0], (struct slot_id){ first });
			unsigned end = first < 128 ? 128 : 130;

			*r = record_lease(*r, (struct seat_id){ 9 }, run);
			if (first + run > end)
				check_broken(&a, THR_RULE_OVERRUN, 0, first);
			else
				check_sound(&a);
			*r = record_free(*r);
		}
	test_arena_fini(&a);
}

Test(judge, names_a_slot_under_two_leases)
{
	struct seat_id one = { 1 }, two = { 2 };
	struct test_arena a;
	unsigned other;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	a.claims[1] = THR_CLAIM_CORE;
	*class_record(&a.view.class_[1], (struct slot_id){ 10 }) = record_lease(0, one, 20);
	for (other = 0; other < 64; other++) {
		uint64_t *r = class_record(&a.view.class_[1], (struct slot_id){ other });

		if (other == 10)
			continue;
		*r = record_lease(*r, two, 1);
		if (other > 10 && other < 30)
			check_broken(&a, THR_RULE_OVERLAP, 1, other);
		else
			check_sound(&a);
		*r = record_lease(*r, two, other < 10 ? 10 - other : 1);
		if (other < 10 || other >= 30)
			check_sound(&a);
		*r = record_lease(*r, two, other < 10 ? 11 - other : 1);
		if (other < 10)
			check_broken(&a, THR_RULE_OVERLAP, 1, 10);
		*r = record_free(*r);
	}
	test_arena_fini(&a);
}

Test(judge, names_a_mask_that_holds_what_is_not_takeable)
{
	struct test_arena a;
	struct dice d = { 807 };
	uint64_t takeable, *mask;
	unsigned bit, round;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	a.claims[0] = THR_CLAIM_CORE;
	mask = &a.view.class_[0].segments[1].mask;
	a.view.class_[0].segments[1].holder = a.view.class_[0].segments[2].holder = CORE(1);
	*class_record(&a.view.class_[0], (struct slot_id){ 64 + 7 }) =
		record_lease(0, (struct seat_id){ 1 }, 5);
	takeable = ~(uint64_t)(0x1f << 7);
	for (bit = 0; bit < 64; bit++) {
		*mask = 1ull << bit;
		if (takeable & *mask)
			check_sound(&a);
		else
			check_broken(&a, THR_RULE_MASK, 0, 64 + bit);
	}
	for (round = 0; round < 1000; round++) {
		*mask = dice_roll(&d) & takeable;
		check_sound(&a);
	}
	*mask = takeable | 1ull << 9 | 1ull << 11;
	check_broken(&a, THR_RULE_MASK, 0, 64 + 9);
	*mask = 0;
	/* Beyond the last slot. */
	a.view.class_[0].segments[2].mask = 1ull << 2;
	check_broken(&a, THR_RULE_MASK, 0, 128);
	test_arena_fini(&a);
}

Test(judge, names_the_first_of_many)
{
	struct test_arena a;
	uint32_t slot;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	*class_record(&a.view.class_[2], (struct slot_id){ 1 }) = 3;
	check_broken(&a, THR_RULE_RECORD, 2, 1);
	for (slot = 63; slot < 64; slot--) {
		*class_record(&a.view.class_[1], (struct slot_id){ slot }) =
			record_lease(0, (struct seat_id){ 100 }, 1);
		check_broken(&a, THR_RULE_OWNER, 1, slot);
	}
	test_arena_fini(&a);
}

Test(judge, has_a_word_and_a_text_for_every_rule)
{
	int rule;

#define X(name, word, text)                                                                        \
	cr_assert_str_eq(thr_rule_name(THR_RULE_##name), word);                                    \
	cr_assert_str_eq(thr_rule_text(THR_RULE_##name), text);
	THR_RULES(X)
#undef X
	cr_assert_str_eq(thr_rule_name(THR_RULE_NONE), "none");
	for (rule = -1; rule < 100; rule++) {
		must(thr_rule_name((enum thr_rule)rule)[0], "rule %d", rule);
		must(thr_rule_text((enum thr_rule)rule)[0], "rule %d", rule);
	}
	cr_assert_str_eq(thr_rule_name((enum thr_rule)99), "unknown");
}
