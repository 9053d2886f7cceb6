/* SPDX-License-Identifier: MIT */
/*
 * One segment: what its records say, beside shm/cover.h and a slot-by-slot account; and how it
 * changes hands, with a claim that comes too late in the middle of it.
 */

#include "shm/cover.h"
#include "shm/holder.h"
#include "shm/segment.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

static const struct seat_id me = { 3 };

/* Records as they may be, also where no correct client would write them so. */
static uint64_t any_record(struct dice *d, bool is_singles)
{
	uint64_t r = dice_roll(d);

	switch (dice_below(d, 4)) {
	case 0:
		return record_lease(r, me, is_singles ? 1 : (unsigned)dice_from(d, 1, 64));
	case 1:
		return record_hand_over(record_lease(r, me, is_singles ? 1 : 5), me);
	case 2:
		return record_free(r);
	default:
		return r & ~3ull; /* with any stamp */
	}
}

Test(segment, looks_as_the_cover_says)
{
	struct thr_segment s = { 0 };
	struct dice d = { 41 };
	unsigned round, slots, i;

	for (round = 0; round < 100000; round++) {
		bool is_singles = round % 2;

		slots = (unsigned)dice_from(&d, 1, 64);
		for (i = 0; i < 64; i++)
			s.record[i] = any_record(&d, is_singles);
		must(thr_segment_look(&s, slots) == cover_of(s.record, slots).takeable,
			"round %u: %#lx", round, (unsigned long)thr_segment_look(&s, slots));
	}
}

Test(segment, a_walk_takes_the_flag_down)
{
	struct thr_segment s = { .returned = 1 };

	s.record[7] = record_lease(0, me, 3);
	cr_assert_eq(thr_segment_walk(&s, 64), ~(7ull << 7));
	cr_assert_eq(s.returned, 0);
	cr_assert_eq(thr_segment_walk(&s, 9), 0x7f);
	cr_assert_eq(s.returned, 0);
}

Test(segment, is_adopted_only_as_it_was_seen)
{
	struct thr_segment s = { .holder = 5ull << 32 };

	cr_assert_not(thr_segment_adopt(&s, 4ull << 32, 1));
	cr_assert_not(thr_segment_adopt(&s, 0, 1));
	cr_assert_eq(s.holder, 5ull << 32);
	cr_assert(thr_segment_adopt(&s, 5ull << 32, 1));
	cr_assert_eq(s.holder, 6ull << 32 | 1);
	cr_assert_not(thr_segment_adopt(&s, 5ull << 32, 2));
	cr_assert_eq(s.holder, 6ull << 32 | 1);
}

/* Each FREE record within the slots has one stamp more, and nothing else has changed. */
static void check_stamps(const struct thr_segment *before, const struct thr_segment *after,
	unsigned slots)
{
	unsigned i;

	for (i = 0; i < 64; i++) {
		uint64_t was = before->record[i], should = was;

		if (i < slots && was % 4 == 0)
			should = (was & ~0x3fffffffull) | ((was + 4) & 0x3ffffffc);
		must(after->record[i] == should, "slot %u of %u: %#lx became %#lx", i, slots,
			(unsigned long)was, (unsigned long)after->record[i]);
	}
	must(after->mask == before->mask, "the mask is not the revoker's");
}

Test(segment, a_revocation_stamps_what_is_free_and_leaves_it_to_nobody)
{
	struct dice d = { 42 };
	unsigned round, slots, i;

	for (round = 0; round < 20000; round++) {
		uint64_t version = dice_one_in(&d, 3) ? 0xffffffff : dice_below(&d, 1u << 31);
		struct thr_segment s = { .holder = version << 32 | holder_of_thread(me, 7) }, was;

		slots = (unsigned)dice_from(&d, 1, 64);
		for (i = 0; i < 64; i++)
			s.record[i] = any_record(&d, round % 2);
		was = s;
		must(!thr_segment_revoke(&s, slots, was.holder ^ 1ull << 40), "another version");
		must(memcmp(&s, &was, sizeof(s)) == 0, "a revocation that fails changes something");
		must(thr_segment_revoke(&s, slots, was.holder), "round %u", round);
		must(s.holder == ((version + 2) & 0xffffffff) << 32, "%#lx",
			(unsigned long)s.holder);
		must(s.returned, "the flag is not up");
		check_stamps(&was, &s, slots);
	}
}

/* The lane looked at the record and at the holder; then comes the revocation; then its CAS. */
Test(segment, a_claim_that_looked_before_the_revocation_fails_after_it)
{
	struct thr_segment s = { .holder = holder_of_thread(me, 0) };
	unsigned slot;

	for (slot = 0; slot < 64; slot++) {
		uint64_t seen = s.record[slot], taken = record_lease(seen, me, 1);

		s.holder = holder_of_thread(me, 0);
		must(thr_segment_revoke(&s, 64, s.holder), "slot %u", slot);
		must(!__sync_bool_compare_and_swap(&s.record[slot], seen, taken),
			"slot %u was claimed in a segment that is nobody's", slot);
		must(__sync_bool_compare_and_swap(&s.record[slot], s.record[slot],
			     record_lease(s.record[slot], me, 1)),
			"slot %u", slot);
		must(s.record[slot] == taken, "the lease is the same with any stamp");
		s.record[slot] = record_free(taken);
	}
}

Test(segment, whoever_finds_it_revoked_finishes_it_once)
{
	uint64_t revoked = 9ull << 32 | HOLDER_REVOKED;
	struct thr_segment s = { .holder = revoked }, was = s;

	thr_segment_clean(&s, 64, revoked);
	cr_assert_eq(s.holder, 10ull << 32);
	check_stamps(&was, &s, 64);
	/* Somebody who is late: it stamps again, which is harmless, and takes it from nobody. */
	cr_assert(thr_segment_adopt(&s, s.holder, 2));
	was = s;
	thr_segment_clean(&s, 64, revoked);
	cr_assert_eq(s.holder, 11ull << 32 | 2);
	check_stamps(&was, &s, 64);
}
