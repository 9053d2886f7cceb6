/* SPDX-License-Identifier: MIT */
/*
 * Renting as a core: on cores of the test's choosing, where nothing disturbs, and at the end on a
 * real one. What a core holds it gives out to the last slot, takes back, gives up when it is asked,
 * and loses when it is offline, and no slot is ever out twice.
 */

#include <sched.h>
#include "shm/core.h"
#include "shm/holder.h"
#include "shm/transition.h"
#include "tests/unit/arena.h"
#include "tests/unit/cores.h"
#include "tests/unit/dice.h"

#define CORES 3u
#define SLOTS_MAX 4096u

static const struct seat_id me = { 3 };
static struct test_arena arena;
static struct thr_class_view *class_;
static uint64_t out[SLOTS_MAX]; /* the record of each lease, 0 = not leased */

static void set_up(uint32_t cores, uint32_t slots)
{
	if (!SECTION_IS_THERE)
		cr_skip_test("no restartable sequences on this machine");
	test_arena_init_one(&arena, cores, slots);
	class_ = &arena.view.class_[0];
	memset(out, 0, sizeof(out));
}

static void clean_up(void)
{
	test_arena_fini(&arena);
}

static void note(struct slot_id slot, uint64_t record, unsigned n)
{
	unsigned i;

	must(slot.n + n <= class_->slots && slot.n / 64 == (slot.n + n - 1) / 64, "slot %u + %u",
		slot.n, n);
	must(record_run(record) == n && record_owner(record).n == me.n, "%#lx",
		(unsigned long)record);
	for (i = 0; i < n; i++) {
		must(out[slot.n + i] == 0, "slot %u is out twice", slot.n + i);
		out[slot.n + i] = record;
	}
	must(*class_record(class_, slot) == record, "slot %u: not as stored", slot.n);
}

static enum core_outcome rent(uint32_t core, unsigned n, struct slot_id *ret_slot)
{
	struct thr_self self = cores_self(core, class_->n_cores, me);
	enum core_outcome r;
	uint64_t record;

	r = thr_core_rent(class_, &self, n, ret_slot, &record);
	if (r == CORE_DONE)
		note(*ret_slot, record, n);
	return r;
}

static void give(uint32_t core, uint32_t slot)
{
	struct thr_self self = cores_self(core, class_->n_cores, me);
	uint64_t record = out[slot];
	unsigned n = record_run(record), i;

	must(thr_return(class_, &self, (struct slot_id){ slot }, record) == 0, "slot %u", slot);
	for (i = 0; i < n; i++)
		out[slot + i] = 0;
}

/* As many as there are, one by one. */
static uint32_t rent_all(uint32_t core)
{
	struct slot_id slot;
	uint32_t n = 0;

	while (rent(core, 1, &slot) == CORE_DONE)
		n++;
	return n;
}

static void give_all(uint32_t core)
{
	uint32_t slot;

	for (slot = 0; slot < class_->slots; slot++)
		if (out[slot])
			give(core, slot);
}

static unsigned yield(uint32_t core, bool also_current)
{
	struct thr_self self = cores_self(core, class_->n_cores, SEAT_NOBODY);

	return thr_core_yield(class_, &self, (struct core_id){ core }, also_current);
}

Test(core, rents_all_there_is_as_often_as_it_comes_back)
{
	static const uint32_t slots[] = { 129, 192, 200, 64 * 20, 64 * 40 + 7 };
	unsigned i, round;

	for (i = 0; i < sizeof(slots) / sizeof(*slots); i++) {
		set_up(CORES, slots[i]);
		for (round = 0; round < 5; round++) {
			must(rent_all(1) == slots[i], "%u slots, round %u", slots[i], round);
			/* At home, or from another core, or as a thread elsewhere. */
			give_all(round == 1 ? 2 : round == 2 ? CORES + 5 : 1);
		}
		test_arena_fini(&arena);
	}
}

Test(core, keeps_a_ring_and_relinquishes_what_falls_out)
{
	uint32_t number, held = 0;

	set_up(2, 64 * 30);
	cr_assert_eq(rent_all(0), 64 * 30);
	for (number = 0; number < 30; number++) {
		uint32_t who = holder_who(class_->segments[number].holder);

		must(who == 0 || who == 1, "segment %u is held by %#x", number, who);
		must(who == 1 || class_->segments[number].mask == 0, "mask of segment %u", number);
		held += who == 1;
	}
	must(held <= THR_CORE_HELD_MAX + 1 && held > 0, "%u segments are held", held);
	/* So another core gets most of it without asking. */
	give_all(1);
	number = rent_all(1);
	must(number >= 64 * (30 - THR_CORE_HELD_MAX - 1), "only %u slots", number);
	clean_up();
}

/* What comes back on the core is in its masks: to go on to another segment takes no walk. */
Test(core, turns_to_what_came_back_without_a_walk)
{
	struct slot_id slot;
	uint64_t walks;
	uint32_t n;

	set_up(1, 64 * 4);
	cr_assert_eq(rent_all(0), 64 * 4);
	walks = class_->cores[0].refills_total;
	for (n = 0; n < 64; n++) { /* one of each segment in turn */
		give(0, n % 4 * 64 + n / 4);
		cr_assert_eq(rent(0, 1, &slot), CORE_DONE);
		cr_assert_eq(slot.n, n % 4 * 64 + n / 4);
	}
	cr_expect_eq(class_->cores[0].refills_total, walks);

	/* What others gave back is behind a flag; where there is little beside it, a walk pays. */
	for (n = 0; n < 8; n++)
		*class_record(class_, (struct slot_id){ n }) = 0;
	memset(out, 0, 8 * sizeof(*out));
	class_->segments[0].returned = 1;
	for (n = 0; n < 8; n++)
		cr_assert_eq(rent(0, 1, &slot), CORE_DONE);
	cr_expect_eq(class_->cores[0].refills_total, walks + 1);
	cr_expect_eq(rent(0, 1, &slot), CORE_DRY);
	clean_up();
}

/* Four segments full, and always the next one comes back: soon it rents from others, too. */
Test(core, adopts_one_more_rather_than_go_round_full_ones)
{
	struct slot_id slot;
	uint64_t before;
	uint32_t n;

	set_up(1, 64 * 20);
	for (n = 0; n < 64 * 4; n++)
		cr_assert_eq(rent(0, 1, &slot), CORE_DONE);
	before = class_->cores[0].adoptions_total;
	for (n = 0; n < 64; n++) {
		give(0, n % 4 * 64 + n / 4);
		cr_assert_eq(rent(0, 1, &slot), CORE_DONE);
	}
	cr_expect_gt(class_->cores[0].adoptions_total, before);
	cr_expect_leq(class_->cores[0].adoptions_total, before + 4);
	give_all(0);
	cr_expect_eq(rent_all(0), 64 * 20, "and none is lost");
	clean_up();
}

Test(core, asks_the_other_core_and_gets_what_that_has)
{
	struct slot_id slot;
	unsigned n = 0, round;

	set_up(2, 64 * 3);
	cr_assert_eq(rent_all(0), 64 * 3);
	give_all(0);
	for (round = 0; round < 10; round++) {
		n += rent_all(1);
		if (n == 64 * 3)
			break;
		cr_assert_eq(rent(1, 1, &slot), CORE_ASKED);
		cr_assert_eq(class_->cores[0].asked, 2);
		/* What it rents from it keeps, unless it is visited. */
		yield(0, round > 2);
		must(round < 3 || class_->cores[0].asked == 0, "asked for ever");
	}
	cr_assert_eq(n, 64 * 3);
	cr_assert_eq(rent(1, 1, &slot), CORE_DRY);
	clean_up();
}

/* What was seen may have become nobody's meanwhile, so who waits looks again. */
Test(core, a_question_with_nothing_to_give_for_it)
{
	uint32_t wakes;

	set_up(3, 64 * 4);
	cr_assert_eq(rent_all(0), 64 * 4);
	cores_control.waiting = 1;
	wakes = cores_control.wakes;
	class_->cores[0].asked = 3;
	cr_assert_eq(yield(0, true), 0);
	cr_assert_eq(class_->cores[0].asked, 0);
	cr_assert_neq(cores_control.wakes, wakes);
	cores_control.waiting = 0;
}

/* Whether it can give what its visitor has buried only the visitor can find out. */
Test(core, a_question_to_itself_is_the_visitors)
{
	struct thr_self self;

	set_up(3, 64 * 4);
	class_->cores[0].asked = 1;
	self = cores_self(0, 3, (struct seat_id){ 7 });
	cr_assert_eq(thr_core_yield(class_, &self, (struct core_id){ 0 }, true), 0);
	cr_assert_eq(class_->cores[0].asked, 1);
	cr_assert_eq(yield(0, true), 0);
	cr_assert_eq(class_->cores[0].asked, 0);
}

Test(core, gives_the_first_to_who_asked_and_the_rest_to_nobody)
{
	uint32_t number, who, to_him = 0, to_nobody = 0;

	set_up(3, 64 * 4);
	cr_assert_eq(rent_all(0), 64 * 4);
	give_all(0);
	class_->cores[0].asked = 3;
	cr_assert_eq(yield(1, true), 0, "another core has nothing to say");
	class_->cores[0].asked = 3;
	cr_assert_eq(yield(0, true), 4);
	for (number = 0; number < 4; number++) {
		who = holder_who(class_->segments[number].holder);
		to_him += who == 3;
		to_nobody += who == 0;
		must(class_->segments[number].mask == 0, "segment %u", number);
		must(class_->segments[number].returned, "segment %u: the flag", number);
	}
	cr_assert(to_him == 1 && to_nobody == 3, "%u to him, %u to nobody", to_him, to_nobody);
	cr_assert_eq(current_segment(class_->cores[0].current), CURRENT_NONE);
	clean_up();
}

/* Runs, where only some slots are free: the first gap that fits, as in the ancestor's tests. */
Test(core, a_run_takes_the_first_gap_that_fits)
{
	static const uint64_t words[] = { 0, 1, 3, 0xffff, 0xffffff, 0x3fffffffffffffff,
		0xffffffff00000000, 0x5555555555555555, 0x00ffff00ff00ff0f, ~0ull };
	static const unsigned runs[] = { 1, 2, 4, 8, 31, 32, 33, 63, 64 };
	struct slot_id slot;
	unsigned i, j, bit;
	int should;

	set_up(1, 64);
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		for (j = 0; j < sizeof(runs) / sizeof(*runs); j++) {
			memset(out, 0, sizeof(out));
			class_->segments[0].holder = 0;
			class_->segments[0].mask = 0;
			class_->segments[0].returned = 1;
			class_->cores[0].current = CURRENT_NONE;
			for (bit = 0; bit < 64; bit++)
				class_->segments[0].record[bit] =
					words[i] >> bit & 1
						? record_lease(0, (struct seat_id){ 9 }, 1)
						: 0;
			for (should = -1, bit = 0; bit + runs[j] <= 64 && should < 0; bit++)
				if (!(words[i] & (~0ull >> (64 - runs[j]) << bit)))
					should = (int)bit;
			must((rent(0, runs[j], &slot) == CORE_DONE) == (should >= 0),
				"%u in a row of %#lx", runs[j], (unsigned long)words[i]);
			must(should < 0 || slot.n == (uint32_t)should, "%u in a row of %#lx: at %u",
				runs[j], (unsigned long)words[i], slot.n);
		}
	clean_up();
}

Test(core, runs_come_back_whole)
{
	struct dice d = { 61 };
	struct slot_id slot;
	unsigned i, left = 64 * 3;

	set_up(2, 64 * 3);
	for (i = 0; i < 20000; i++) {
		unsigned n = (unsigned)dice_from(&d, 1, dice_one_in(&d, 4) ? 64 : 9);
		uint32_t any = (uint32_t)dice_below(&d, 64 * 3);

		if (rent(dice_one_in(&d, 2), n, &slot) == CORE_DONE)
			left -= n;
		yield(0, dice_one_in(&d, 2));
		yield(1, dice_one_in(&d, 2));
		if (out[any] && (any == 0 || out[any - 1] != out[any] ||
					class_->segments[any / 64].record[any % 64] == out[any])) {
			if (class_->segments[any / 64].record[any % 64] != out[any])
				continue;
			left += record_run(out[any]);
			give((uint32_t)dice_below(&d, 3), any);
		}
	}
	for (slot.n = 0; slot.n < 64 * 3; slot.n++)
		if (out[slot.n] && class_->segments[slot.n / 64].record[slot.n % 64] == out[slot.n])
			left += record_run(out[slot.n]), give(0, slot.n);
	cr_assert_eq(left, 64 * 3);
	clean_up();
}

Test(core, bulk_gives_as_many_as_there_are_and_no_more)
{
	unsigned n, got, all;

	for (n = 1; n <= 70; n += 3) {
		set_up(1, 150);
		for (all = 0;;) {
			struct thr_self self = cores_self(0, 1, me);
			struct core_reserved r;
			struct slot_id slot;
			uint64_t record;

			if (thr_core_reserve(class_, &self, n, &r) != CORE_DONE)
				break;
			for (got = 0; r.bits; got++) {
				must(core_lease_next(&r, &slot, &record), "disturbed");
				note(slot, record, 1);
			}
			must(got >= 1 && got <= n, "%u of %u", got, n);
			all += got;
		}
		must(all == 150, "%u in bulks of %u", all, n);
		test_arena_fini(&arena);
	}
}

Test(core, where_segments_may_not_be_held_it_says_so)
{
	struct slot_id slot;
	uint64_t record;
	struct thr_self self;

	set_up(2, 64 * 3);
	self = cores_self(1, 2, me);
	cores_visitable[0] = 1;
	cr_assert_eq(thr_core_rent(class_, &self, 1, &slot, &record), CORE_NOT_HERE);
	self = cores_self(2, 2, me); /* beyond the arena's cores */
	cr_assert_eq(thr_core_rent(class_, &self, 1, &slot, &record), CORE_NOT_HERE);
	self = cores_self(0, 2, me);
	cr_assert_eq(thr_core_rent(class_, &self, 1, &slot, &record), CORE_DONE);
	clean_up();
}

/* A core that is offline at the first look and perhaps not at the second; then it has done
 * something in between, or not. */
struct outage {
	unsigned looks, online_from;
	bool has_rented;
};

static bool is_offline(struct core_id core, void *userdata)
{
	struct outage *o = userdata;
	struct slot_id slot;

	(void)core;
	if (++o->looks == 2 && o->has_rented)
		rent(0, 1, &slot);
	return o->looks < o->online_from;
}

static unsigned bury(struct outage *o)
{
	return thr_core_bury(class_, (struct core_id){ 0 }, is_offline, o);
}

Test(core, an_offline_core_loses_what_it_holds)
{
	struct outage offline = { .online_from = 99 };
	struct slot_id slot;

	set_up(2, 64 * 3);
	cr_assert_eq(rent_all(0), 64 * 3);
	give_all(0);
	cr_assert_eq(rent(1, 1, &slot), CORE_ASKED);
	cr_assert_eq(bury(&offline), 3);
	cr_assert_eq(rent_all(1), 64 * 3);
	cr_assert_eq(rent(0, 1, &slot), CORE_DRY, "what it had it has no more");
	clean_up();
}

Test(core, a_core_that_is_online_or_comes_back_meanwhile_loses_nothing)
{
	static const struct outage outages[] = { { .online_from = 1 }, { .online_from = 2 },
		{ .online_from = 99, .has_rented = true },
		{ .online_from = 2, .has_rented = true } };
	unsigned i;

	for (i = 0; i < sizeof(outages) / sizeof(*outages); i++) {
		struct outage o = outages[i];

		set_up(2, 64 * 3);
		cr_assert_eq(rent_all(0), 64 * 3);
		give_all(0);
		must(bury(&o) == 0 || o.has_rented, "outage %u", i);
		/* Marked or not, it is the core's again when it has been visited. */
		thr_core_exhume(class_, (struct core_id){ 0 });
		give_all(0);
		must(rent_all(0) + rent_all(1) == 64 * 3, "outage %u", i);
		test_arena_fini(&arena);
	}
}

/* On a core of this machine, with the kernel's own rseq, in the thread's real struct. */
Test(core, on_a_real_core)
{
	cpu_set_t all, one;
	struct thr_self self;
	struct slot_id slot;
	unsigned i, n, round;
	uint64_t record;
	int core;

	sched_getaffinity(0, sizeof(all), &all);
	for (core = 0; core < CPU_SETSIZE && !CPU_ISSET(core, &all); core++)
		;
	CPU_ZERO(&one);
	CPU_SET(core, &one);
	if (sched_setaffinity(0, sizeof(one), &one) < 0)
		cr_skip_test("cannot be pinned to core %d", core);
	set_up((uint32_t)core + 1, 64 * ((uint32_t)core + 1) + 128);
	cores_self(0, 1, me);
	thr_self_init(&self, me, &arena.view, cores_visitable);
	self.control = &cores_control;
	if (self.n_cores == 0)
		cr_skip_test("no restartable sequences in this process");
	for (round = 0; round < 200; round++) {
		for (n = 0; thr_core_rent(class_, &self, 1, &slot, &record) == CORE_DONE; n++)
			note(slot, record, 1);
		must(n == class_->slots, "%u of %u slots", n, class_->slots);
		for (i = 0; i < class_->slots; i++) {
			slot.n = i;
			must(thr_return(class_, &self, slot, out[i]) == 0, "slot %u", i);
			out[i] = 0;
		}
	}
	must(class_->cores[core].rents_total >= 200ull * class_->slots, "%lu rents",
		(unsigned long)class_->cores[core].rents_total);
	clean_up();
}
