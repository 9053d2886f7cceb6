/* SPDX-License-Identifier: MIT */
/*
 * The record beside a naive one: five numbers, packed by multiplication. Every value that the pure
 * functions make is compared with it, part by part, at the limits and along random lives; and long
 * lives are searched for a value that came back.
 */

#include <stdlib.h>
#include "shm/record.h"
#include "tests/unit/dice.h"
#include "tests/unit/must.h"

#define SEQUENCES ((uint64_t)1 << 34)
#define HOPS 64u

struct parts {
	unsigned state, run, owner, hop;
	uint64_t sequence;
};

static uint64_t parts_pack(const struct parts *p)
{
	return p->state + 4 * (uint64_t)(p->run - 1) + 256 * (uint64_t)p->owner +
	       ((uint64_t)1 << 24) * p->hop + ((uint64_t)1 << 30) * p->sequence;
}

static struct seat_id seat_make(unsigned n)
{
	return (struct seat_id){ (uint16_t)n };
}

static uint64_t record_of_sequence(uint64_t sequence)
{
	return (sequence % SEQUENCES) << 30;
}

static void check_parts(uint64_t r, const struct parts *p)
{
	must(r == parts_pack(p), "%#lx is not state %u run %u owner %u hop %u sequence %lu",
		(unsigned long)r, p->state, p->run, p->owner, p->hop, (unsigned long)p->sequence);
	must(record_state(r) == p->state, "state of %#lx", (unsigned long)r);
	must(record_is_free(r) == (p->state == 0), "%#lx free?", (unsigned long)r);
	must(record_is_leased(r) == (p->state == 1), "%#lx leased?", (unsigned long)r);
	must(record_is_pending(r) == (p->state == 2), "%#lx pending?", (unsigned long)r);
	must(record_run(r) == p->run, "run of %#lx", (unsigned long)r);
	must(record_owner(r).n == p->owner, "owner of %#lx", (unsigned long)r);
	must(record_hop(r) == p->hop, "hop of %#lx", (unsigned long)r);
	must(record_sequence(r) == p->sequence, "sequence of %#lx", (unsigned long)r);
	must(record_is_well_formed(r), "%#lx is not well-formed", (unsigned long)r);
	must(record_is_owned_by(r, seat_make(p->owner)) == (p->state != 0), "owner of %#lx",
		(unsigned long)r);
	must(!record_is_owned_by(r, seat_make(p->owner ^ 0x8001)), "%#lx has a second owner",
		(unsigned long)r);
}

Test(record, a_zeroed_record_is_a_free_slot_that_was_never_leased)
{
	struct parts p = { .run = 1 };

	check_parts(0, &p);
	cr_assert_not(record_is_owned_by(0, SEAT_NOBODY));
	cr_assert_eq(record_free(0), 0);
}

Test(record, each_part_keeps_to_its_bits_at_the_limits)
{
	static const unsigned seats[] = { 1, 2, 0x7fff, 0x8000, 0xff00, 0xfffe, 0xffff };
	static const uint64_t sequences[] = { 0, 1, 2, SEQUENCES / 2, SEQUENCES - 2,
		SEQUENCES - 1 };
	size_t i, j, k;
	unsigned run;
	uint64_t r;

	for (i = 0; i < sizeof(seats) / sizeof(*seats); i++) {
		for (j = 0; j < sizeof(sequences) / sizeof(*sequences); j++) {
			for (run = 1; run <= 64; run++) {
				struct parts p = { 1, run, seats[i], 0,
					(sequences[j] + 1) % SEQUENCES };

				r = record_lease(
					record_of_sequence(sequences[j]), seat_make(seats[i]), run);
				check_parts(r, &p);
				for (k = 0; k < sizeof(seats) / sizeof(*seats); k++) {
					struct parts q = { 2, run, seats[k], 1, p.sequence };

					check_parts(record_hand_over(r, seat_make(seats[k])), &q);
					q.state = 1;
					check_parts(record_accept(record_hand_over(
							    r, seat_make(seats[k]))),
						&q);
				}
				p = (struct parts){ 0, 1, 0, 0, p.sequence };
				check_parts(record_free(r), &p);
			}
		}
	}
}

Test(record, a_lease_of_a_free_record_keeps_nothing_but_the_sequence)
{
	uint64_t dirty = record_of_sequence(7) | 0x3ffffffc;

	cr_assert_eq(record_lease(dirty, seat_make(5), 3), record_lease(record_of_sequence(7),
		seat_make(5), 3));
}

Test(record, hops_come_round_after_64_and_spill_nowhere)
{
	uint64_t leased = record_lease(record_of_sequence(SEQUENCES - 2), seat_make(0xffff), 64);
	uint64_t r = leased;
	unsigned i;

	for (i = 1; i <= 3 * HOPS; i++) {
		struct parts p = { 2, 64, i % 2 ? 1 : 0xffff, i % HOPS, SEQUENCES - 1 };

		r = record_hand_over(r, seat_make(p.owner));
		check_parts(r, &p);
		p.state = 1;
		r = record_accept(r);
		check_parts(r, &p);
		must((r == leased) == (i % HOPS == 0), "after %u hops", i);
	}
}

/* One step of a random life, taken by the record and by its parts. */
static uint64_t step(struct dice *d, uint64_t r, struct parts *p)
{
	unsigned seat = (unsigned)dice_from(d, 1, 0xffff), run = (unsigned)dice_from(d, 1, 64);

	if (p->state == 0) {
		*p = (struct parts){ 1, run, seat, 0, (p->sequence + 1) % SEQUENCES };
		return record_lease(r, seat_make(seat), run);
	}
	if (dice_one_in(d, 3)) {
		*p = (struct parts){ 0, 1, 0, 0, p->sequence };
		return record_free(r);
	}
	if (p->state == 2) {
		p->state = 1;
		return record_accept(r);
	}
	*p = (struct parts){ 2, p->run, seat, (p->hop + 1) % HOPS, p->sequence };
	return record_hand_over(r, seat_make(seat));
}

Test(record, random_lives_go_as_the_naive_record_does)
{
	struct dice d = { 11 };
	unsigned i, j;

	for (i = 0; i < 10000; i++) {
		struct parts p = { .run = 1, .sequence = dice_roll(&d) % SEQUENCES };
		uint64_t r = parts_pack(&p);

		if (dice_one_in(&d, 2))
			p.sequence = SEQUENCES - dice_from(&d, 1, 20), r = parts_pack(&p);
		for (j = 0; j < 100; j++) {
			r = step(&d, r, &p);
			check_parts(r, &p);
		}
	}
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Two seats pass a slot to and fro, the worst case: no value is distinct by its owner alone. */
static size_t live(uint64_t *values, uint64_t sequence, unsigned leases)
{
	uint64_t r = record_of_sequence(sequence);
	unsigned i, hops;
	size_t n = 0;

	values[n++] = r;
	for (i = 0; i < leases; i++) {
		values[n++] = r = record_lease(r, seat_make(1), 1);
		for (hops = 0; hops < i % HOPS; hops++) {
			values[n++] = r = record_hand_over(r, seat_make(1 + (hops + 1) % 2));
			values[n++] = r = record_accept(r);
		}
		values[n++] = r = record_free(r);
	}
	return n;
}

static void check_no_value_comes_back(uint64_t sequence)
{
	uint64_t *values = calloc(5000 * 130, sizeof(*values));
	size_t n, i;

	cr_assert_not_null(values);
	n = live(values, sequence, 5000);
	qsort(values, n, sizeof(*values), ascending);
	for (i = 1; i < n; i++)
		must(values[i] != values[i - 1], "%#lx came back", (unsigned long)values[i]);
	free(values);
}

Test(record, no_value_of_a_life_comes_back)
{
	check_no_value_comes_back(0);
	check_no_value_comes_back(SEQUENCES - 2500);
}

Test(record, the_moduli_are_the_documented_ones)
{
	uint64_t r = record_lease(record_of_sequence(9), seat_make(3), 1);

	/* What 2^34 leases by the same seat lead back to; one fewer or more does not. */
	cr_assert_eq(record_lease(record_of_sequence(9 + SEQUENCES), seat_make(3), 1), r);
	cr_assert_neq(record_lease(record_of_sequence(9 + SEQUENCES - 1), seat_make(3), 1), r);
	cr_assert_neq(record_lease(record_of_sequence(9 + SEQUENCES + 1), seat_make(3), 1), r);
	cr_assert_eq(RECORD_SEQUENCE_MODULUS, SEQUENCES);
}

/* The values that the functions can make, said without them. */
static bool can_be_made(uint64_t r)
{
	uint64_t state = r % 4, owner = r / 256 % 65536;

	return state == 0 || (state != 3 && owner != 0);
}

/* And that they do make them: each value that is called well-formed, rebuilt by the functions. */
static bool is_made(uint64_t r)
{
	uint64_t free_record = record_of_sequence(record_sequence(r) + SEQUENCES - 1), made;
	unsigned hops = record_hop(r) ? record_hop(r) : HOPS, i;

	if (record_is_free(r)) /* free, and one stamp less before */
		return record_free(record_lease(free_record, seat_make(1), 1)) ==
			       record_of_sequence(record_sequence(r)) &&
		       record_stamp(record_of_sequence(record_sequence(r)) |
				    ((r - 4) & 0x3ffffffc)) == r;
	made = record_lease(free_record, record_owner(r), record_run(r));
	if (made == r)
		return true;
	for (i = 0; i < hops; i++)
		made = record_accept(made), made = record_hand_over(made, record_owner(r));
	return made == r || record_accept(made) == r;
}

Test(record, well_formed_is_what_the_functions_make)
{
	static const uint64_t seats[] = { 0, 1, 0x8000, 0xffff };
	static const uint64_t sequences[] = { 0, 1, SEQUENCES - 1 };
	uint64_t low, hop, r;
	size_t i, j;

	for (i = 0; i < 4; i++)
		for (j = 0; j < 3; j++)
			for (hop = 0; hop < HOPS; hop++)
				for (low = 0; low < 256; low++) {
					r = sequences[j] << 30 | hop << 24 | seats[i] << 8 | low;
					must(record_is_well_formed(r) == can_be_made(r), "%#lx",
						(unsigned long)r);
					must(!can_be_made(r) || is_made(r), "%#lx is never made",
						(unsigned long)r);
				}
}

Test(record, well_formed_of_random_values)
{
	struct dice d = { 12 };
	unsigned i, bit;
	uint64_t r;

	for (i = 0; i < 1000000; i++) {
		r = dice_roll(&d) & dice_roll(&d);
		must(record_is_well_formed(r) == can_be_made(r), "%#lx", (unsigned long)r);
	}
	for (bit = 0; bit < 64; bit++)
		must(record_is_well_formed(record_of_sequence(5) ^ (uint64_t)1 << bit) ==
				(bit >= 2),
			"a FREE record with bit %u", bit);
}

Test(record, a_stamp_changes_nothing_but_the_stamp)
{
	static const uint64_t sequences[] = { 0, 1, SEQUENCES - 1 };
	struct dice d = { 14 };
	uint64_t r, next;
	unsigned i, j;

	for (i = 0; i < 3; i++) {
		r = record_of_sequence(sequences[i]);
		for (j = 1; j <= 100000; j++) {
			next = record_stamp(r);
			must(next != r && record_is_free(next), "stamp %u", j);
			must(next == record_of_sequence(sequences[i]) + 4 * (uint64_t)j, "%#lx",
				(unsigned long)next);
			r = next;
		}
		must(record_free(r) == record_of_sequence(sequences[i]), "free wipes it");
		/* The last of them goes back to none, and touches no other bit. */
		r = record_of_sequence(sequences[i]) | 0x3ffffffc;
		must(record_stamp(r) == record_of_sequence(sequences[i]), "%#lx",
			(unsigned long)record_stamp(r));
	}
	for (i = 0; i < 1000000; i++) {
		struct seat_id seat = seat_make((unsigned)dice_from(&d, 1, 0xffff));
		unsigned run = (unsigned)dice_from(&d, 1, 64);

		r = dice_roll(&d) & ~3ull;
		must(record_lease(r, seat, run) == record_lease(record_stamp(r), seat, run) &&
				record_lease(r, seat, run) ==
					(r & ~0x3fffffffull) + record_lease_addend(seat, run),
			"the next lease of %#lx", (unsigned long)r);
		must(record_leases_between(r, record_stamp(r)) == 0, "a stamp is no lease");
	}
}

Test(record, leases_between_counts_each_lease_also_across_the_wrap)
{
	static const uint64_t starts[] = { 0, 1, SEQUENCES - 1000, SEQUENCES - 1 };
	struct dice d = { 13 };
	uint64_t older, r, first, second;
	unsigned n, i;

	for (i = 0; i < 4; i++) {
		r = older = record_of_sequence(starts[i]);
		for (n = 0; n < 3000; n++) {
			must(record_leases_between(older, r) == n, "after %u leases", n);
			r = record_lease(r, seat_make(0xffff), 64);
			must(record_leases_between(older, r) == n + 1, "in lease %u", n);
			r = record_free(record_accept(record_hand_over(r, seat_make(1))));
		}
	}
	for (i = 0; i < 1000000; i++) {
		first = dice_roll(&d), second = dice_roll(&d);
		must(record_leases_between(first, second) ==
				((second >> 30) + SEQUENCES - (first >> 30)) % SEQUENCES,
			"%#lx to %#lx", (unsigned long)first, (unsigned long)second);
	}
}
