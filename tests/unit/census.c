/* SPDX-License-Identifier: MIT */
/*
 * The census in arenas of its own: after any random life its sums must be those of the account that
 * was kept beside it. Time is made to pass by moving the ledger's beginning into the past.
 */

#include "daemon/census.h"
#include "daemon/clock.h"
#include "shm/circle.h"
#include "tests/harness/paper.h"
#include "tests/unit/life.h"

#define N(array) (sizeof(array) / sizeof(*(array)))
#define SEATS 9
#define CORES 3 /* class 0 is theirs, a segment each, the others are open */
#define GRACE_NS (10 * NS_PER_S)

static const struct thr_class_spec specs[] = { { 64, 130, 0 }, { 256, 64, 0 }, { 1024, 3, 0 } };

struct office {
	struct test_arena arena;
	struct census census;
	struct ledger *ledger;
};

static void office_init(struct office *o)
{
	memset(o, 0, sizeof(*o));
	test_arena_init(&o->arena, CORES, SEATS, specs, N(specs));
	o->ledger = paper_ledger(&o->arena.geometry, GRACE_NS);
	must(census_init(&o->census, &o->arena.view, o->ledger) == 0, "memory");
}

static void office_fini(struct office *o)
{
	census_fini(&o->census);
	free(o->ledger);
	test_arena_fini(&o->arena);
}

static uint64_t walk(struct office *o)
{
	return census_walk(&o->census, &o->arena.view);
}

static void let_time_pass(struct office *o, uint64_t ns)
{
	o->ledger->counting_since_ns -= ns;
}

static const struct thr_class_figures *figures(const struct office *o, uint32_t class_)
{
	return &o->census.class_[class_].figures;
}

static uint64_t *record_of(struct office *o, uint32_t class_, uint32_t slot)
{
	return class_record(&o->arena.view.class_[class_], (struct slot_id){ slot });
}

/* What each core should be said to have: the slots of its arc, or of the segments that it holds. */
static void count_cores(const struct office *o, const struct life *life, uint32_t class_,
	struct census_core cores[CORES], uint64_t *ret_unheld)
{
	const struct thr_class_view *view = &o->arena.view.class_[class_];
	uint32_t slot, core;

	for (slot = 0; slot < view->slots; slot++) {
		const struct thr_segment *segment = &view->segments[slot / 64];
		bool is_leased = life_is_covered(&life->class_[class_], slot);

		if (view->is_open)
			core = circle_core(slot, CORES, view->slots);
		else
			core = (uint32_t)segment->holder - 1;
		*ret_unheld += !view->is_open && core == UINT32_MAX && !is_leased;
		if (core >= CORES)
			continue;
		cores[core].slots++;
		cores[core].leased += is_leased;
		cores[core].takeable += segment->mask >> slot % 64 & 1;
	}
}

/* What the account says of one class, added up slot by slot. */
static void check_class(const struct office *o, const struct life *life, uint32_t class_)
{
	const struct census_class *c = &o->census.class_[class_];
	const struct life_class *l = &life->class_[class_];
	struct census_core cores[CORES] = { 0 };
	uint64_t unheld = 0, takeable = 0, pending = 0;
	uint32_t slot, core;

	for (slot = 0; slot < specs[class_].slots; slot++)
		pending += l->slots[slot].state == 2;
	count_cores(o, life, class_, cores, &unheld);
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
	for (core = 0; core < CORES; core++) {
		takeable += cores[core].takeable;
		must(memcmp(&c->cores[core], &cores[core], sizeof(*cores)) == 0,
			"core %u: %lu slots, %lu leased, %lu takeable", core,
			(unsigned long)c->cores[core].slots, (unsigned long)c->cores[core].leased,
			(unsigned long)c->cores[core].takeable);
	}
	must(c->figures.unheld == unheld, "unheld %lu, not %lu", (unsigned long)c->figures.unheld,
		(unsigned long)unheld);
	must(c->figures.takeable == takeable, "takeable %lu", (unsigned long)c->figures.takeable);
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
					bytes += o->arena.geometry.class_[i].stride_bytes *
						 life->class_[i].slots[slot].run;
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
				o.ledger->class_[j].reclaimed_total = life.class_[j].reclaimed;
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
	o.arena.view.class_[0].cores[1].exhausted_total++;
	o.arena.view.class_[0].cores[2].retries_total = 7;
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
	office_fini(&o);
}

Test(census, the_slots_of_a_core_are_those_of_the_segments_that_it_holds)
{
	const struct census_core *cores;
	const struct thr_class_figures *f;
	struct thr_segment *segments;
	struct office o;

	office_init(&o);
	cores = o.census.class_[0].cores;
	f = figures(&o, 0);
	segments = o.arena.view.class_[0].segments;
	*record_of(&o, 0, 50) = record_lease(0, (struct seat_id){ 3 }, 14);
	segments[0].holder = 5ull << 32 | 3; /* core 2 */
	segments[0].mask = 7 | 1ull << 51;   /* a bit too many does not count */
	segments[1].holder = 1u << 31 | 3 << 8;
	segments[2].returned = 0;
	walk(&o);
	must(cores[2].slots == 64 && cores[2].leased == 14 && cores[2].takeable == 3,
		"%lu, %lu, %lu", (unsigned long)cores[2].slots, (unsigned long)cores[2].leased,
		(unsigned long)cores[2].takeable);
	must(cores[0].slots == 0 && cores[1].slots == 0, "nothing is held elsewhere");
	must(f->takeable == 3 && f->unheld == 2, "%lu, %lu", (unsigned long)f->takeable,
		(unsigned long)f->unheld);
	must(segments[2].returned, "whoever looks for slots is told of what nobody holds");
	/* A core that there is not, and one that is buried. */
	segments[0].holder = 4;
	segments[1].holder = 1u << 29 | 1;
	walk(&o);
	must(f->takeable == 0 && f->unheld == 2, "%lu, %lu", (unsigned long)f->takeable,
		(unsigned long)f->unheld);
	office_fini(&o);
}

Test(census, the_slots_of_a_core_in_an_open_class_are_its_arc)
{
	const struct census_core *cores;
	struct office o;
	uint32_t i;

	office_init(&o);
	cores = o.census.class_[1].cores;
	for (i = 20; i < 45; i++) /* arcs: 0 to 20, 21 to 41, 42 to 63 */
		*record_of(&o, 1, i) = record_lease(0, (struct seat_id){ 3 }, 1);
	walk(&o);
	must(cores[0].slots == 21 && cores[1].slots == 21 && cores[2].slots == 22, "arcs");
	must(cores[0].leased == 1 && cores[1].leased == 21 && cores[2].leased == 3, "leased");
	cr_assert_eq(figures(&o, 1)->unheld, 0);
	cr_assert_eq(figures(&o, 1)->takeable, 0);
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
	cr_assert_eq(o.ledger->class_[2].reclaimed_total, 1);
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
		o.ledger->grace_ns = 250 * NS_PER_MS;
		let_time_pass(&o, phase * NS_PER_MS);
		send(&o);
		thr_reclaim_seat(&o.arena.view, (struct seat_id){ 1 }, &sum);
		noticed = clock_monotonic_ns() - o.ledger->counting_since_ns;
		while (walk(&o) == 0)
			let_time_pass(&o, NS_PER_MS);
		gone = clock_monotonic_ns() - o.ledger->counting_since_ns - noticed;
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
	o.ledger->grace_ns = 0;
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
			for (slot = 0; slot < o.arena.view.class_[i].n_segments; slot++) {
				struct thr_segment *s = &o.arena.view.class_[i].segments[slot];

				s->holder = dice_roll(&d) & (dice_one_in(&d, 2) ? ~0ull : 3);
				s->mask = dice_roll(&d);
			}
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
				sum += c->cores[slot].leased;
			must(o.arena.view.class_[i].is_open ? sum == c->figures.leased
							    : sum <= c->figures.leased,
				"%lu on the cores", (unsigned long)sum);
		}
		cr_assert_eq(census_leases(&o.census, &o.arena.view, 0, &leases, &n), 0);
		for (i = 0, sum = 0; i <= SEATS; i++)
			sum += o.census.seats[i].leases;
		must(n == sum, "%zu leases, and %lu on the seats", n, (unsigned long)sum);
		free(leases);
	}
	office_fini(&o);
}
