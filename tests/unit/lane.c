/* SPDX-License-Identifier: MIT */
/*
 * Renting as a thread: everything there is, singly and in runs; and what a lane does when its
 * segment was taken away, or was taken away and has come back, since it last looked.
 */

#include "shm/core.h"
#include "shm/holder.h"
#include "shm/lane.h"
#include "shm/segment.h"
#include "shm/transition.h"
#include "tests/unit/arena.h"
#include "tests/unit/cores.h"
#include "tests/unit/dice.h"

static const struct seat_id me = { 3 }, you = { 5 };
static struct thr_lane mine[LANES], yours[LANES];
static struct test_arena arena;
static struct thr_class_view *class_;

static void set_up(uint32_t cores, uint32_t slots)
{
	test_arena_init_one(&arena, cores, slots);
	class_ = &arena.view.class_[0];
	memset(mine, 0, sizeof(mine));
	memset(yours, 0, sizeof(yours));
	thr_lanes_init(mine);
	thr_lanes_init(yours);
}

static enum core_outcome rent(
	struct seat_id seat, unsigned n, struct slot_id *slot, uint64_t *record)
{
	struct thr_self self = cores_self_thread(class_->n_cores, seat);

	return thr_lane_rent(class_, 0, &self, seat.n == me.n ? mine : yours, n, slot, record);
}

static void give(struct seat_id seat, struct slot_id slot, uint64_t record)
{
	struct thr_self self = cores_self_thread(class_->n_cores, seat);

	must(thr_return(class_, &self, slot, record) == 0, "slot %u", slot.n);
}

static uint32_t rent_all(struct seat_id seat)
{
	struct slot_id slot;
	uint64_t record;
	uint32_t n = 0;

	while (rent(seat, 1, &slot, &record) == CORE_DONE)
		n++;
	return n;
}

static void give_all(void)
{
	struct slot_id slot;

	for (slot.n = 0; slot.n < class_->slots; slot.n++) {
		uint64_t record = *class_record(class_, slot);

		if (!record_is_free(record))
			give(record_owner(record), slot, record);
	}
}

Test(lane, rents_all_there_is_as_often_as_it_comes_back)
{
	static const uint32_t slots[] = { 65, 128, 200, 64 * 20, 64 * 33 + 1 };
	unsigned i, round;

	for (i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
		set_up(2, slots[i]);
		for (round = 0; round < 4; round++) {
			must(rent_all(round % 2 ? you : me) == slots[i], "%u slots, round %u",
				slots[i], round);
			give_all();
		}
		test_arena_fini(&arena);
	}
}

/* Two lanes with one segment between them take it from each other, slot by slot. */
Test(lane, two_clients_share_one_segment)
{
	struct slot_id slot;
	uint64_t record;
	unsigned n;

	set_up(1, 64);
	for (n = 0; n < 64; n++) {
		must(rent(n % 2 ? me : you, 1, &slot, &record) == CORE_DONE, "slot %u", n);
		must(record == record_lease(record_free(record) - (1ull << 30), n % 2 ? me : you,
				       1),
			"%#lx", (unsigned long)record);
	}
	cr_assert_eq(rent(me, 1, &slot, &record), CORE_DRY);
	cr_assert_eq(rent(you, 1, &slot, &record), CORE_DRY);
	test_arena_fini(&arena);
}

Test(lane, runs_to_exhaustion)
{
	unsigned n, runs;

	for (n = 1; n <= 64; n++) {
		struct slot_id slot;
		uint64_t record;

		set_up(2, 64 * 3 + 40);
		for (runs = 0; rent(me, n, &slot, &record) == CORE_DONE; runs++)
			must(record_run(record) == n && slot.n % 64 + n <= 64, "%u at %u", n,
				slot.n);
		must(runs == 3 * (64 / n) + 40 / n, "%u runs of %u", runs, n);
		give_all();
		must(rent_all(you) == 64 * 3 + 40, "after runs of %u", n);
		test_arena_fini(&arena);
	}
}

/* What the lane's mask says of a segment is worth nothing after it was taken away, even if the lane
 * has it again: others may have leased in it meanwhile, runs too, of which the tails look FREE. */
Test(lane, does_not_believe_its_mask_when_the_segment_has_come_back)
{
	struct slot_id slot;
	uint64_t record, holder, *head;
	unsigned i;

	for (i = 1; i <= 40; i++) {
		set_up(1, 64);
		must(rent(me, 1, &slot, &record) == CORE_DONE && slot.n == 0, "first");
		holder = class_->segments[0].holder;
		must(holder_is_thread(holder_who(holder)), "%#lx", (unsigned long)holder);
		must(thr_segment_revoke(&class_->segments[0], 64, holder), "revoke");
		/* Somebody leases a run and goes; and the very lane is given the segment. */
		head = &class_->segments[0].record[1];
		*head = record_lease(*head, you, i);
		class_->segments[0].holder =
			holder_next(class_->segments[0].holder, holder_who(holder));
		must(rent(me, 1, &slot, &record) == CORE_DONE, "second");
		must(slot.n == 1 + i, "slot %u lies under a run of %u", slot.n, i);
		test_arena_fini(&arena);
	}
}

Test(lane, takes_nothing_by_a_mask_that_is_stale)
{
	struct slot_id slot;
	uint64_t record;

	set_up(1, 64);
	cr_assert_eq(rent(me, 1, &slot, &record), CORE_DONE);
	/* Taken away and rented to the last slot by another. */
	cr_assert_eq(rent_all(you), 63);
	cr_assert_eq(rent(me, 1, &slot, &record), CORE_DRY);
	test_arena_fini(&arena);
}

Test(lane, one_client_gives_up_all_its_lanes)
{
	uint32_t number;

	set_up(2, 64 * 3);
	rent_all(me);
	class_->segments[0].holder = 7ull << 32 | holder_of_thread(me, 63);
	class_->segments[1].holder = 7ull << 32 | holder_of_thread(you, 0);
	class_->segments[2].holder = 7ull << 32 | 2;
	for (number = 0; number < 3; number++)
		class_->segments[number].returned = 0;
	thr_lanes_end(class_, me);
	cr_assert_eq(class_->segments[0].holder, 8ull << 32);
	cr_assert_eq(class_->segments[0].returned, 1);
	cr_assert_eq(class_->segments[1].holder, 7ull << 32 | holder_of_thread(you, 0));
	cr_assert_eq(class_->segments[2].holder, 7ull << 32 | 2);
	test_arena_fini(&arena);
}

/* Threads and cores take turns at everything. */
Test(lane, and_cores_share_an_arena)
{
	struct thr_self core;
	struct slot_id slot;
	unsigned i, n = 0, tries;
	uint64_t record;

	if (!SECTION_IS_THERE)
		cr_skip_test("no restartable sequences on this machine");
	set_up(2, 64 * 4);
	for (i = 0; n < 64 * 4; i++) {
		core = cores_self(i % 2, 2, you);
		for (tries = 0; tries < 4; tries++) {
			enum core_outcome r =
				i % 3 ? thr_core_rent(class_, &core, 1, &slot, &record)
				      : rent(me, 1, &slot, &record);

			if (r == CORE_DONE) {
				n++;
				break;
			}
			must(r == CORE_ASKED, "outcome %d with %u leased", (int)r, n);
			core = cores_self((i + 1) % 2, 2, you);
			thr_core_yield(class_, &core, (struct core_id){ (i + 1) % 2 }, true);
			core = cores_self(i % 2, 2, you);
			thr_core_yield(class_, &core, (struct core_id){ i % 2 }, true);
		}
		must(tries < 4, "asked in vain");
	}
	test_arena_fini(&arena);
}
