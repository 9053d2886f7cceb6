/* SPDX-License-Identifier: MIT */
/*
 * The census in arenas of its own: after any random life its sums must be those of the account that
 * was kept beside it. Time is made to pass by moving the census's beginning into the past.
 */

#include "daemon/census.h"
#include "daemon/clock.h"
#include "shm/circle.h"
#include "tests/unit/life.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define SEATS 9
#define CORES 5
#define GRACE_NS (10 * NS_PER_S)

static const struct thr_class_spec specs[] = { { 64, 130, 0 }, { 256, 64, 0 }, { 1024, 3, 0 } };

struct office {
	struct test_arena arena;
	struct census census;
	uint64_t reclaimed[THR_CLASSES_MAX];
};

static void office_init(struct office *o)
{
	memset(o, 0, sizeof(*o));
	test_arena_init(&o->arena, CORES, SEATS, specs, N(specs));
	must(census_init(&o->census, &o->arena.view, GRACE_NS) == 0, "memory");
}

static void office_fini(struct office *o)
{
	census_fini(&o->census);
	test_arena_fini(&o->arena);
}

static uint64_t walk(struct office *o)
{
	return census_walk(&o->census, &o->arena.view, o->reclaimed);
}

static void let_time_pass(struct office *o, uint64_t ns)
{
	o->census.started_ns -= ns;
}

static const struct thr_class_figures *figures(const struct office *o, uint32_t class_)
{
	return &o->census.class_[class_].figures;
}

static uint64_t *record_of(struct office *o, uint32_t class_, uint32_t slot)
{
	return class_record(&o->arena.view.class_[class_], (struct slot_id){ slot });
}

/* What the account says of one class, added up slot by slot. */
static void check_class(const struct office *o, const struct life *life, uint32_t class_)
{
	const struct census_class *c = &o->census.class_[class_];
	const struct life_class *l = &life->class_[class_];
	uint64_t core_leased[CORES] = { 0 }, pending = 0;
	uint32_t slot, core;

	for (slot = 0; slot < specs[class_].slots; slot++) {
		pending += l->slots[slot].state == 2;
		core_leased[circle_core(slot, CORES, specs[class_].slots)] +=
			l->slots[slot].state != 0;
	}
	must(c->figures.leased == l->held, "leased %lu", (unsigned long)c->figures.leased);
	must(c->figures.free == specs[class_].slots - l->held, "free %lu",
		(unsigned long)c->figures.free);
	must(c->pending == pending, "pending %lu", (unsigned long)c->pending);
	must(c->figures.rents_total == l->rents, "rents %lu",
		(unsigned long)c->figures.rents_total);
	must(c->figures.returns_total == l->returns, "returns %lu, not %lu",
		(unsigned long)c->figures.returns_total, (unsigned long)l->returns);
	must(c->figures.reclaimed_total == l->reclaimed, "reclaimed %lu",
		(unsigned long)c->figures.reclaimed_total);
	must(c->figures.exhausted_total == l->exhausted, "exhausted %lu",
		(unsigned long)c->figures.exhausted_total);
	for (core = 0; core < CORES; core++)
		must(c->core_leased[core] == core_leased[core], "core %u: %lu", core,
			(unsigned long)c->core_leased[core]);
}

static void check_seats(const struct office *o, const struct life *life)
{
	uint64_t leases, bytes;
	uint32_t seat, i, slot;

	for (seat = 0; seat <= SEATS; seat++) {
		leases = bytes = 0;
		for (i = 0; i < N(specs); i++)
			for (slot = 0; slot < specs[i].slots; slot++)
				if (life->class_[i].slots[slot].state &&
					life->class_[i].slots[slot].owner == seat) {
					leases++;
					bytes += o->arena.geometry.class_[i].stride_bytes;
				}
		must(o->census.seats[seat].leases == leases, "seat %u: %lu leases", seat,
			(unsigned long)o->census.seats[seat].leases);
		must(o->census.seats[seat].bytes == bytes, "seat %u: %lu bytes", seat,
			(unsigned long)o->census.seats[seat].bytes);
	}
}

Test(census, counts_what_happened)
{
	struct office o;
	struct life life;
	unsigned round, i, j;

	for (round = 0; round < 20; round++) {
		uint64_t least[N(specs)], most[N(specs)] = { 0 };

		office_init(&o);
		life_init(&life, &o.arena, 141 + round);
		for (j = 0; j < N(specs); j++)
			least[j] = specs[j].slots;
		for (i = 0; i < 100; i++) {
			uint64_t exhausted[N(specs)];

			for (j = 0; j < N(specs); j++)
				exhausted[j] = life.class_[j].exhausted;
			life_run(&life, i, true);
			for (j = 0; j < N(specs); j++)
				o.reclaimed[j] = life.class_[j].reclaimed;
			must(walk(&o) == 0, "nothing was lost in transit long enough");
			for (j = 0; j < N(specs); j++) {
				const struct life_class *l = &life.class_[j];
				bool is_full = l->exhausted != exhausted[j];
				uint64_t held = is_full ? specs[j].slots : l->held;

				most[j] = held > most[j] ? held : most[j];
				least[j] = specs[j].slots - held < least[j] ? specs[j].slots - held
									    : least[j];
				check_class(&o, &life, j);
				must(figures(&o, j)->leased_peak == most[j], "peak of class %u", j);
				must(figures(&o, j)->free_min == least[j], "least free of class %u",
					j);
			}
			check_seats(&o, &life);
		}
		life_check(&life);
		life_fini(&life);
		office_fini(&o);
	}
}

Test(census, begins_with_everything_free)
{
	struct office o;
	uint32_t i;

	office_init(&o);
	for (i = 0; i < 2; i++) {
		cr_assert_eq(figures(&o, 0)->free, 130);
		cr_assert_eq(figures(&o, 0)->free_min, 130);
		cr_assert_eq(figures(&o, 0)->leased, 0);
		cr_assert_eq(figures(&o, 0)->leased_peak, 0);
		cr_assert_eq(walk(&o), 0);
	}
	cr_assert_gt(o.census.sampled_ns, 0);
	office_fini(&o);
}

Test(census, a_rent_that_found_nothing_knows_better_than_a_sample)
{
	struct office o;

	office_init(&o);
	*record_of(&o, 0, 5) = record_lease(0, (struct seat_id){ 1 }, 1);
	walk(&o);
	cr_assert_eq(figures(&o, 0)->free_min, 129);
	cr_assert_eq(figures(&o, 0)->leased_peak, 1);
	o.arena.view.class_[0].cores[3].exhausted_total++;
	o.arena.view.class_[0].cores[4].retries_total = 7;
	walk(&o);
	cr_assert_eq(figures(&o, 0)->free, 129);
	cr_assert_eq(figures(&o, 0)->free_min, 0);
	cr_assert_eq(figures(&o, 0)->leased_peak, 130);
	cr_assert_eq(figures(&o, 0)->exhausted_total, 1);
	cr_assert_eq(figures(&o, 0)->retries_total, 7);
	cr_assert_eq(figures(&o, 1)->free_min, 64);
	office_fini(&o);
}

Test(census, counts_rents_across_the_end_of_the_sequence)
{
	uint64_t modulus = (uint64_t)1 << 34, *record;
	struct office o;
	unsigned i, j;

	office_init(&o);
	record = record_of(&o, 1, 63);
	*record = (modulus - 50) << 30;
	walk(&o);
	cr_assert_eq(figures(&o, 1)->rents_total, modulus - 50);
	for (i = 1; i <= 100; i++) {
		for (j = 0; j < i % 5; j++)
			*record = record_free(record_lease(*record, (struct seat_id){ 1 }, 1));
		walk(&o);
		must(figures(&o, 1)->rents_total ==
				modulus - 50 + i / 5 * 10 + (i % 5) * (i % 5 + 1) / 2,
			"after %u walks: %lu", i, (unsigned long)figures(&o, 1)->rents_total);
		must(figures(&o, 1)->returns_total == figures(&o, 1)->rents_total, "returns");
	}
	office_fini(&o);
}

Test(census, a_run_is_one_lease_of_many_slots)
{
	struct office o;

	office_init(&o);
	*record_of(&o, 0, 50) = record_lease(0, (struct seat_id){ 3 }, 14);
	*record_of(&o, 0, 64) = record_hand_over(record_lease(0, (struct seat_id){ 1 }, 2),
		(struct seat_id){ 4 });
	walk(&o);
	cr_assert_eq(figures(&o, 0)->leased, 16);
	cr_assert_eq(figures(&o, 0)->free, 114);
	cr_assert_eq(figures(&o, 0)->rents_total, 2);
	cr_assert_eq(figures(&o, 0)->returns_total, 0);
	cr_assert_eq(o.census.class_[0].pending, 1);
	cr_assert_eq(o.census.seats[3].leases, 1);
	cr_assert_eq(o.census.seats[3].bytes, 14 * 64);
	cr_assert_eq(o.census.seats[4].bytes, 2 * 64);
	/* Arcs of 26 slots. */
	cr_assert_eq(o.census.class_[0].core_leased[1], 2);
	cr_assert_eq(o.census.class_[0].core_leased[2], 14);
	office_fini(&o);
}

/* A lease from seat 1 to seat 2 in class 2, slot 0. */
static uint64_t send(struct office *o)
{
	uint64_t leased = record_lease(*record_of(o, 2, 0), (struct seat_id){ 1 }, 1), pending = 0;

	*record_of(o, 2, 0) = leased;
	cr_assert_eq(thr_hand_over(&o->arena.view.class_[2], (struct slot_id){ 0 }, leased,
		(struct seat_id){ 1 }, (struct seat_id){ 2 }, &pending), 0);
	return pending;
}

Test(census, takes_back_what_lost_its_sender_after_the_grace)
{
	struct thr_reclaimed sum = { 0 };
	struct office o;
	uint64_t pending;

	office_init(&o);
	pending = send(&o);
	let_time_pass(&o, 1000 * NS_PER_S);
	cr_assert_eq(walk(&o), 0, "its sender lives");
	let_time_pass(&o, 1000 * NS_PER_S);
	cr_assert_eq(walk(&o), 0, "its sender lives");
	thr_reclaim_seat(&o.arena.view, (struct seat_id){ 1 }, &sum);
	cr_assert_eq(walk(&o), 0, "the grace begins");
	let_time_pass(&o, GRACE_NS - 2 * NS_PER_S);
	cr_assert_eq(walk(&o), 0, "too early");
	cr_assert_eq(*record_of(&o, 2, 0), pending);
	cr_assert_eq(o.census.class_[2].pending, 1);
	let_time_pass(&o, 2 * NS_PER_S + 200 * NS_PER_MS);
	cr_assert_eq(walk(&o), 1);
	cr_assert_eq(*record_of(&o, 2, 0), record_free(pending));
	cr_assert_eq(o.census.class_[2].pending, 0);
	cr_assert_eq(o.reclaimed[2], 1);
	cr_assert_eq(figures(&o, 2)->reclaimed_total, 1);
	cr_assert_eq(figures(&o, 2)->rents_total, 1);
	cr_assert_eq(figures(&o, 2)->returns_total, 0);
	cr_assert_eq(figures(&o, 2)->free, 3);
	cr_assert_eq(walk(&o), 0);
	office_fini(&o);
}

Test(census, an_orphan_that_is_accepted_in_time_is_an_ordinary_lease)
{
	struct thr_reclaimed sum = { 0 };
	struct office o;
	uint64_t pending, accepted;

	office_init(&o);
	pending = send(&o);
	thr_reclaim_seat(&o.arena.view, (struct seat_id){ 1 }, &sum);
	cr_assert_eq(walk(&o), 0);
	let_time_pass(&o, GRACE_NS / 2);
	cr_assert_eq(
		thr_accept(&o.arena.view.class_[2], (struct slot_id){ 0 }, pending, &accepted), 0);
	cr_assert_eq(walk(&o), 0);
	let_time_pass(&o, 100 * GRACE_NS);
	cr_assert_eq(walk(&o), 0);
	cr_assert_eq(*record_of(&o, 2, 0), accepted);
	/* The note of the dead sender is still 0: the next journey makes its own. */
	cr_assert_eq(thr_hand_over(&o.arena.view.class_[2], (struct slot_id){ 0 }, accepted,
		(struct seat_id){ 2 }, (struct seat_id){ 3 }, &pending), 0);
	let_time_pass(&o, 100 * GRACE_NS);
	cr_assert_eq(walk(&o), 0);
	cr_assert_eq(*record_of(&o, 2, 0), pending);
	office_fini(&o);
}

/* The census's clock ticks in tenths of a second; whatever the phase, nobody is hurried by it. */
Test(census, the_grace_is_never_shorter_than_it_says)
{
	struct thr_reclaimed sum = { 0 };
	uint64_t noticed, gone, phase;
	struct office o;

	for (phase = 0; phase < 100; phase += 9) {
		office_init(&o);
		o.census.grace_ns = 250 * NS_PER_MS;
		let_time_pass(&o, phase * NS_PER_MS);
		send(&o);
		thr_reclaim_seat(&o.arena.view, (struct seat_id){ 1 }, &sum);
		noticed = clock_monotonic_ns() - o.census.started_ns;
		while (walk(&o) == 0)
			let_time_pass(&o, NS_PER_MS);
		gone = clock_monotonic_ns() - o.census.started_ns - noticed;
		must(gone >= 250 * NS_PER_MS, "phase %lu: after %lu ns", (unsigned long)phase,
			(unsigned long)gone);
		must(gone <= 5 * NS_PER_S, "phase %lu: after %lu ns", (unsigned long)phase,
			(unsigned long)gone);
		office_fini(&o);
	}
}

Test(census, without_grace_an_orphan_goes_at_once)
{
	struct thr_reclaimed sum = { 0 };
	struct office o;

	office_init(&o);
	o.census.grace_ns = 0;
	send(&o);
	cr_assert_eq(walk(&o), 0);
	thr_reclaim_seat(&o.arena.view, (struct seat_id){ 1 }, &sum);
	cr_assert_eq(walk(&o), 1);
	office_fini(&o);
}

Test(census, leases_come_oldest_first)
{
	struct census_lease *leases;
	struct office o;
	size_t n, i, limit;
	uint32_t slot;

	office_init(&o);
	/* One a second, here and there. */
	for (i = 0; i < 100; i++) {
		slot = (uint32_t)(i * 37 % 64);
		*record_of(&o, i % 2, slot) =
			record_lease((uint64_t)i << 30, (struct seat_id){ 3 }, 1);
		walk(&o);
		let_time_pass(&o, NS_PER_S);
	}
	walk(&o);
	for (limit = 0; limit <= 70; limit++) {
		cr_assert_eq(census_leases(&o.census, &o.arena.view, limit, &leases, &n), 0);
		must(n == (limit && limit < 64 ? limit : 64), "%zu of %zu leases", n, limit);
		for (i = 0; i < n; i++) {
			must(leases[i].record == *record_of(&o, leases[i].class_, leases[i].slot.n),
				"lease %zu is not where it says", i);
			/* Of those that came to a slot twice the later is there: 36 to 99 are left.
			 */
			must(record_sequence(leases[i].record) == 37 + i, "lease %zu is number %lu",
				i, (unsigned long)record_sequence(leases[i].record));
			must(leases[i].age_ns >= (64 - i) * NS_PER_S &&
					leases[i].age_ns <= (64 - i) * NS_PER_S + NS_PER_S * 9 / 10,
				"lease %zu is %lu old", i, (unsigned long)leases[i].age_ns);
		}
		free(leases);
	}
	office_fini(&o);
}

Test(census, without_a_lease_there_is_nothing_to_list)
{
	struct census_lease *leases;
	struct office o;
	size_t n = 7;

	office_init(&o);
	walk(&o);
	cr_assert_eq(census_leases(&o.census, &o.arena.view, 0, &leases, &n), 0);
	cr_assert_eq(n, 0);
	free(leases);
	office_fini(&o);
}

/* A lease that is older than the walk that first saw it is as old as that; a new one begins anew.
 */
Test(census, the_age_begins_anew_with_every_change_of_the_record)
{
	struct census_lease *leases;
	struct office o;
	uint64_t *record;
	unsigned i;
	size_t n;

	office_init(&o);
	record = record_of(&o, 0, 9);
	for (i = 0; i < 4; i++) {
		*record = i == 0   ? record_lease(0, (struct seat_id){ 1 }, 1)
			  : i == 1 ? record_hand_over(*record, (struct seat_id){ 2 })
			  : i == 2 ? record_accept(*record)
				   : record_lease(record_free(*record), (struct seat_id){ 2 }, 1);
		o.arena.view.class_[0].senders[9] = 1;
		walk(&o);
		let_time_pass(&o, 30 * NS_PER_S);
		walk(&o);
		cr_assert_eq(census_leases(&o.census, &o.arena.view, 0, &leases, &n), 0);
		cr_assert_eq(n, 1);
		must(leases->age_ns / NS_PER_S == 30, "%lu ns old", (unsigned long)leases->age_ns);
		free(leases);
	}
	office_fini(&o);
}

/* Whatever clients scribble: the sums stay within what there is. */
Test(census, of_scribbled_pages)
{
	struct census_lease *leases;
	struct dice d = { 142 };
	struct office o;
	unsigned round;
	uint32_t i, slot;
	uint64_t sum;
	size_t n;

	office_init(&o);
	for (round = 0; round < 1000; round++) {
		for (i = 0; i < N(specs); i++) {
			for (slot = 0; slot < specs[i].slots; slot++) {
				*record_of(&o, i, slot) =
					dice_roll(&d) & (dice_one_in(&d, 2) ? ~0ull : ~3ull);
				o.arena.view.class_[i].senders[slot] = (uint16_t)dice_below(&d, 2);
			}
			for (slot = 0; slot < CORES * sizeof(struct thr_core) / 8; slot++)
				((uint64_t *)o.arena.view.class_[i].cores)[slot] = dice_roll(&d);
		}
		let_time_pass(&o, GRACE_NS * dice_below(&d, 2));
		walk(&o);
		for (i = 0; i < N(specs); i++) {
			const struct census_class *c = &o.census.class_[i];

			must(c->figures.leased + c->figures.free == specs[i].slots, "%lu leased",
				(unsigned long)c->figures.leased);
			must(c->pending <= c->figures.leased, "%lu pending",
				(unsigned long)c->pending);
			for (slot = 0, sum = 0; slot < CORES; slot++)
				sum += c->core_leased[slot];
			must(sum == c->figures.leased, "%lu on the cores", (unsigned long)sum);
		}
		cr_assert_eq(census_leases(&o.census, &o.arena.view, 0, &leases, &n), 0);
		for (i = 0, sum = 0; i <= SEATS; i++)
			sum += o.census.seats[i].leases;
		must(n == sum, "%zu leases, and %lu on the seats", n, (unsigned long)sum);
		free(leases);
	}
	office_fini(&o);
}
