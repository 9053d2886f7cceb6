/* SPDX-License-Identifier: MIT */
/*
 * Taking back what the dead hold, in arenas full of random life: exactly theirs, however often the
 * walk is run and wherever it was stopped before.
 */

#include "tests/unit/life.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define SEATS 9

static const struct thr_class_spec specs[] = { { 64, 200, 0 }, { 256, 64, 0 }, { 1024, 7, 0 } };

static void reclaim(struct test_arena *a, uint16_t seat, struct thr_reclaimed *sum)
{
	thr_reclaim_seat(&a->view, (struct seat_id){ seat }, sum);
}

Test(reclaim, takes_what_the_seat_holds_and_nothing_else)
{
	struct test_arena a;
	struct life life;
	unsigned round;
	uint16_t seat;
	uint32_t i;

	for (round = 0; round < 100; round++) {
		test_arena_init(&a, 3, SEATS, specs, N(specs));
		life_init(&life, &a, 71 + round);
		life_run(&life, 3000, false);
		for (seat = 1; seat <= SEATS; seat++) {
			struct thr_reclaimed sum = { 0 }, again = { 0 };

			reclaim(&a, seat, &sum);
			must(sum.total == life_bury(&life, seat), "seat %u: %lu", seat,
				(unsigned long)sum.total);
			life_check(&life);
			reclaim(&a, seat, &again);
			must(again.total == 0, "a second walk took %lu",
				(unsigned long)again.total);
			life_check(&life);
		}
		for (i = 0; i < N(specs); i++)
			must(life.class_[i].held == 0, "%lu leases of class %u are left",
				(unsigned long)life.class_[i].held, i);
		life_fini(&life);
		test_arena_fini(&a);
	}
}

Test(reclaim, counts_by_class_and_adds_to_the_sum)
{
	struct thr_reclaimed sum = { .total = 1000, .leases = { 100, 200, 300 } };
	struct test_arena a;
	struct life life;
	uint32_t i;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	life_init(&life, &a, 72);
	life_run(&life, 3000, false);
	reclaim(&a, 4, &sum);
	cr_assert_eq(sum.total, 1000 + life_bury(&life, 4));
	for (i = 0; i < N(specs); i++)
		cr_assert_eq(sum.leases[i], 100 * (i + 1) + life.class_[i].reclaimed);
	cr_assert_gt(life.class_[0].reclaimed, 0);
	life_fini(&life);
	test_arena_fini(&a);
}

/* The arena as a walk sees it that is killed before slot `end`, counted over all classes. */
static struct thr_view view_up_to(const struct thr_view *view, uint32_t end)
{
	struct thr_view some = *view;
	uint32_t i;

	for (i = 0; i < some.n_classes; i++) {
		some.class_[i].slots = end < some.class_[i].slots ? end : some.class_[i].slots;
		end -= some.class_[i].slots;
	}
	return some;
}

Test(reclaim, can_be_stopped_anywhere_and_run_again)
{
	struct test_arena a, b;
	struct life life;
	uint32_t stop;

	test_arena_init(&a, 3, SEATS, specs, N(specs));
	test_arena_init(&b, 3, SEATS, specs, N(specs));
	life_init(&life, &a, 73);
	life_run(&life, 5000, false);
	memcpy(b.pages, a.pages, a.geometry.metadata_bytes);
	life_bury(&life, 2);
	for (stop = 0; stop <= 271; stop++) {
		struct thr_reclaimed first = { 0 }, second = { 0 };
		struct thr_view some = view_up_to(&a.view, stop);

		memcpy(a.pages, b.pages, a.geometry.metadata_bytes);
		thr_reclaim_seat(&some, (struct seat_id){ 2 }, &first);
		reclaim(&a, 2, &second);
		life_check(&life);
		must(first.total + second.total == life.class_[0].reclaimed +
							   life.class_[1].reclaimed +
							   life.class_[2].reclaimed,
			"stopped before slot %u", stop);
	}
	life_fini(&life);
	test_arena_fini(&a);
	test_arena_fini(&b);
}

Test(reclaim, takes_leases_in_transit_from_the_receiver_and_strikes_the_sender)
{
	const struct slot_id slots[] = { { 0 }, { 1 }, { 2 }, { 3 } };
	uint64_t record, pending[4];
	struct thr_reclaimed sum = { 0 };
	const struct thr_class_view *c;
	struct test_arena a;
	unsigned i;

	/* 1 to 2, 1 to 3, 3 to 2, 3 to itself; then 2 dies, then 3. */
	static const uint16_t from[] = { 1, 1, 3, 3 }, to[] = { 2, 3, 2, 3 };

	test_arena_init_one(&a, 1, 70);
	c = &a.view.class_[0];
	for (i = 0; i < 4; i++) {
		record = record_lease(0, (struct seat_id){ from[i] }, 1);
		*class_record(c, slots[i]) = record;
		cr_assert_eq(thr_hand_over(c, slots[i], record, (struct seat_id){ from[i] },
			(struct seat_id){ to[i] }, &pending[i]), 0);
	}
	reclaim(&a, 2, &sum);
	cr_assert_eq(sum.total, 2);
	cr_assert(record_is_free(*class_record(c, slots[0])));
	cr_assert_eq(*class_record(c, slots[1]), pending[1]);
	cr_assert(record_is_free(*class_record(c, slots[2])));
	cr_assert_eq(c->senders[1], 1);
	cr_assert_eq(c->senders[3], 3);
	reclaim(&a, 1, &sum);
	cr_assert_eq(sum.total, 2, "a sender's death ends no lease");
	cr_assert_eq(*class_record(c, slots[1]), pending[1], "the receiver may still accept");
	cr_assert_eq(c->senders[1], 0);
	reclaim(&a, 3, &sum);
	cr_assert_eq(sum.total, 4);
	cr_assert_eq(thr_accept(c, slots[1], pending[1], &record), -ESTALE);
	test_arena_fini(&a);
}

Test(reclaim, frees_a_run_by_its_head_alone)
{
	static const uint32_t heads[] = { 0, 7, 8, 64, 127, 128 };
	static const unsigned runs[] = { 7, 1, 56, 63, 1, 64 };
	struct thr_reclaimed sum = { 0 };
	struct test_arena a;
	uint32_t i, slot;

	test_arena_init_one(&a, 2, 192);
	for (i = 0; i < N(heads); i++)
		*class_record(&a.view.class_[0], (struct slot_id){ heads[i] }) =
			record_lease((uint64_t)i << 30, (struct seat_id){ 4 }, runs[i]);
	reclaim(&a, 5, &sum);
	cr_assert_eq(sum.total, 0);
	reclaim(&a, 4, &sum);
	cr_assert_eq(sum.total, N(heads));
	for (slot = 0, i = 0; slot < 192; slot++) {
		uint64_t record = *class_record(&a.view.class_[0], (struct slot_id){ slot });

		if (i < N(heads) && slot == heads[i])
			must(record == (uint64_t)++i << 30, "head %u: %#lx", slot,
				(unsigned long)record);
		else
			must(record == 0, "tail %u was written: %#lx", slot, (unsigned long)record);
	}
	test_arena_fini(&a);
}

/*
 * Whatever a client scribbles over the records: the walk ends, touches nothing that does not name
 * the seat in a state other than FREE, and leaves nothing that does.
 */
Test(reclaim, of_scribbled_records)
{
	struct dice d = { 74 };
	struct test_arena a, was;
	unsigned round;
	uint32_t slot;

	test_arena_init_one(&a, 2, 200);
	test_arena_init_one(&was, 2, 200);
	for (round = 0; round < 500; round++) {
		struct thr_reclaimed sum = { 0 };
		uint64_t n = 0;

		for (slot = 0; slot < 200; slot++) {
			uint64_t r = dice_roll(&d);

			if (dice_one_in(&d, 2))
				r = (r & ~(uint64_t)0xffff00) | dice_below(&d, 10) << 8;
			*class_record(&a.view.class_[0], (struct slot_id){ slot }) = r;
			a.view.class_[0].senders[slot] = (uint16_t)dice_below(&d, 10);
		}
		memcpy(was.pages, a.pages, a.geometry.metadata_bytes);
		reclaim(&a, 6, &sum);
		for (slot = 0; slot < 200; slot++) {
			uint64_t before =
				*class_record(&was.view.class_[0], (struct slot_id){ slot });
			uint64_t now = *class_record(&a.view.class_[0], (struct slot_id){ slot });
			uint16_t sender = was.view.class_[0].senders[slot];
			bool is_its = before % 4 != 0 && (before >> 8) % 65536 == 6;

			n += is_its;
			must(now == (is_its ? before >> 30 << 30 : before), "%#lx became %#lx",
				(unsigned long)before, (unsigned long)now);
			if (sender == 6 && before % 4 == 2 && !is_its)
				sender = 0;
			must(a.view.class_[0].senders[slot] == sender, "the sender of slot %u",
				slot);
		}
		must(sum.total == n, "%lu of %lu", (unsigned long)sum.total, (unsigned long)n);
	}
	test_arena_fini(&a);
	test_arena_fini(&was);
}
