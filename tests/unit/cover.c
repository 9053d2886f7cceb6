/* SPDX-License-Identifier: MIT */
/*
 * The cover beside a naive one that asks of each slot, by itself, which records reach it; on random
 * records, sound and malformed, in segments of every length. Then a segment at work: runs are
 * rented by the mask that the cover gives and returned by their heads, and nobody ever meets
 * anybody.
 */

#include <stdlib.h>
#include "shm/cover.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

static bool is_taken(uint64_t record)
{
	return (record & 3) != 0;
}

static unsigned run_of(uint64_t record)
{
	return (unsigned)(record >> 2 & 63) + 1;
}

/* Does a lease that begins before slot i reach it? */
static bool is_covered(const uint64_t *records, unsigned i)
{
	unsigned head;

	for (head = 0; head < i; head++)
		if (is_taken(records[head]) && head + run_of(records[head]) > i)
			return true;
	return false;
}

static struct cover naive_cover(const uint64_t *records, unsigned slots)
{
	struct cover c = { 0 };
	unsigned i;

	for (i = 0; i < slots; i++) {
		uint64_t bit = (uint64_t)1 << i;
		bool taken = is_taken(records[i]), covered = is_covered(records, i);

		c.takeable |= !taken && !covered ? bit : 0;
		c.leased |= taken || covered ? bit : 0;
		c.heads |= taken ? bit : 0;
		c.overlaps |= taken && covered ? bit : 0;
		c.overruns |= taken && i + run_of(records[i]) > slots ? bit : 0;
	}
	return c;
}

static void check_cover(const uint64_t *records, unsigned slots)
{
	struct cover is = cover_of(records, slots), should = naive_cover(records, slots), singles;

	must(is.takeable == should.takeable, "takeable %#lx, not %#lx", (unsigned long)is.takeable,
		(unsigned long)should.takeable);
	must(is.leased == should.leased, "leased %#lx, not %#lx", (unsigned long)is.leased,
		(unsigned long)should.leased);
	must(is.heads == should.heads, "heads %#lx, not %#lx", (unsigned long)is.heads,
		(unsigned long)should.heads);
	must(is.overlaps == should.overlaps, "overlaps %#lx, not %#lx", (unsigned long)is.overlaps,
		(unsigned long)should.overlaps);
	must(is.overruns == should.overruns, "overruns %#lx, not %#lx", (unsigned long)is.overruns,
		(unsigned long)should.overruns);
	must((is.takeable & is.leased) == 0, "takeable and leased: %#lx",
		(unsigned long)(is.takeable & is.leased));
	must((is.takeable | is.leased) == mask_low(slots), "neither takeable nor leased: %#lx",
		(unsigned long)(mask_low(slots) & ~(is.takeable | is.leased)));
	must((is.overlaps & ~is.heads) == 0 && (is.overruns & ~is.heads) == 0, "no heads");
	if (cover_of_singles(records, slots, &singles))
		must(memcmp(&singles, &is, sizeof(is)) == 0, "not the same of single slots");
}

static uint64_t random_record(struct dice *d, unsigned free_of_8, unsigned run_max)
{
	uint64_t r = dice_roll(d);

	if (dice_below(d, 8) < free_of_8)
		return r & ~(uint64_t)3; /* with whatever garbage beside the state */
	r &= ~(uint64_t)0xff;
	return r | (dice_from(d, 1, run_max) - 1) << 2 | dice_from(d, 1, 3);
}

/* The records lie at the end of their memory, so that a sanitizer sees a look beyond. */
Test(cover, of_random_records_in_segments_of_every_length)
{
	struct dice d = { 31 };
	unsigned slots, i, round;

	for (slots = 1; slots <= 64; slots++) {
		uint64_t *records = malloc(slots * sizeof(*records));

		cr_assert_not_null(records);
		for (round = 0; round < 3000; round++) {
			unsigned free_of_8 = (unsigned)dice_below(&d, 9);
			unsigned run_max = (unsigned)dice_from(&d, 1, dice_one_in(&d, 2) ? 4 : 64);

			for (i = 0; i < slots; i++)
				records[i] = random_record(&d, free_of_8, run_max);
			check_cover(records, slots);
		}
		free(records);
	}
}

Test(cover, does_not_look_beyond_the_segment)
{
	uint64_t records[64];
	unsigned slots, i;

	for (i = 0; i < 64; i++)
		records[i] = ~(uint64_t)0;
	for (slots = 1; slots < 64; slots++) {
		struct cover c;

		for (i = 0; i < slots; i++)
			records[i] = 0;
		c = cover_of(records, slots);
		must(c.takeable == mask_low(slots) && !c.leased, "%u slots", slots);
	}
}

/* Every head at every place: its tails are FREE and not takeable until the head is freed. */
Test(cover, tails_come_back_with_their_head)
{
	uint64_t records[64] = { 0 };
	struct seat_id seat = { 0xffff };
	unsigned first, run;

	for (first = 0; first < 64; first++)
		for (run = 1; run <= 64 - first; run++) {
			struct cover c;

			records[first] = record_lease(records[first], seat, run);
			c = cover_of(records, 64);
			must(c.leased == mask_run(first, run), "%u from %u: leased", run, first);
			must(c.takeable == ~mask_run(first, run), "%u from %u: takeable", run,
				first);
			must(!c.overlaps && !c.overruns, "%u from %u is sound", run, first);
			records[first] = record_hand_over(records[first], (struct seat_id){ 1 });
			must(cover_of(records, 64).leased == c.leased, "a hand-over frees nothing");
			records[first] = record_free(records[first]);
			must(cover_of(records, 64).takeable == mask_low(64), "%u from %u: freed",
				run, first);
		}
}

/* A model of one segment: who owns each slot by its own account, which no other may touch. */
struct segment {
	uint64_t records[64];
	unsigned slots;
	unsigned owner[64]; /* lease number, 0 = nobody */
	unsigned last;
};

static void segment_rent(struct segment *s, unsigned n)
{
	int at = mask_find_run(cover_of(s->records, s->slots).takeable, n);
	unsigned i, gap = 0;

	if (at < 0) {
		for (i = 0; i < s->slots; i++) {
			gap = s->owner[i] ? 0 : gap + 1;
			must(gap < n, "%u slots are free before %u and were not found", n, i + 1);
		}
		return;
	}
	must((unsigned)at + n <= s->slots, "%u slots from %d", n, at);
	s->last++;
	for (i = 0; i < n; i++) {
		must(!s->owner[(unsigned)at + i], "slot %u was taken from under a cover", at + i);
		s->owner[(unsigned)at + i] = s->last;
	}
	s->records[at] = record_lease(s->records[at], (struct seat_id){ 7 }, n);
}

static void segment_return(struct segment *s, unsigned from)
{
	unsigned head, i, lease;

	for (head = from; head < s->slots && !is_taken(s->records[head]); head++)
		;
	if (head == s->slots)
		return;
	lease = s->owner[head];
	s->records[head] = record_free(s->records[head]);
	for (i = 0; i < s->slots; i++)
		if (s->owner[i] == lease)
			s->owner[i] = 0;
}

Test(cover, never_gives_a_slot_twice)
{
	struct dice d = { 32 };
	unsigned slots, step;

	for (slots = 1; slots <= 64; slots += slots == 1 || slots == 63 ? 1 : 2) {
		struct segment s = { .slots = slots };

		for (step = 0; step < 5000; step++) {
			if (dice_one_in(&d, 2))
				segment_rent(&s, (unsigned)dice_from(&d, 1,
							 dice_one_in(&d, 8) ? slots
							 : 4 < slots	    ? 4
									    : slots));
			else
				segment_return(&s, (unsigned)dice_below(&d, slots));
			check_cover(s.records, slots);
		}
	}
}
