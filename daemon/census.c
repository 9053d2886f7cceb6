/* SPDX-License-Identifier: MIT */
/*
 * The walk reads each record once and believes nothing else. Sums over records are exact at each
 * slot but not at one instant over all of them: clients go on meanwhile.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/census.h"
#include "daemon/clock.h"
#include "shm/atomics.h"
#include "shm/circle.h"
#include "shm/cover.h"
#include "shm/holder.h"
#include "shm/mask.h"
#include "shm/reclaim.h"
#include "shm/record.h"

#define TICK_NS (100 * NS_PER_MS)
#define ORPHANED ((uint32_t)1 << 31)

int census_init(struct census *census, const struct thr_view *view, struct ledger *ledger)
{
	uint32_t i;

	*census = (struct census){
		.n_classes = view->n_classes,
		.n_seats = view->n_seats,
		.ledger = ledger,
		.seats = calloc(view->n_seats + 1, sizeof(struct census_seat)),
	};
	if (!census->seats)
		return -ENOMEM;
	for (i = 0; i < view->n_classes; i++) {
		struct census_class *c = &census->class_[i];

		c->kept = &ledger->class_[i];
		c->seen = ledger_seen(ledger, i);
		c->since = ledger_since(ledger, i);
		c->figures = c->kept->figures;
		c->cores = calloc(view->n_cores, sizeof(struct census_core));
		if (!c->cores) {
			census_fini(census);
			return -ENOMEM;
		}
		if (c->figures.free + c->figures.leased == 0) /* never walked */
			c->figures.free = c->figures.free_min = view->class_[i].slots;
	}
	return 0;
}

void census_fini(struct census *census)
{
	uint32_t i;

	for (i = 0; i < THR_CLASSES_MAX; i++)
		free(census->class_[i].cores);
	free(census->seats);
	*census = (struct census){ 0 };
}

struct walk {
	struct census *census;
	const struct thr_class_view *view;
	struct census_class *class_;
	uint64_t n_reclaimed;
	uint64_t n_leases;
	uint32_t now; /* in ticks */
	uint32_t core;
};

/* Has the record lost its sender long enough ago to be taken back? */
static bool walk_is_undelivered(struct walk *w, struct slot_id slot, uint64_t record)
{
	uint32_t *since = &w->class_->since[slot.n], ticks;

	if (!record_is_pending(record) || load_relaxed(&w->view->senders[slot.n]) != SEAT_NOBODY.n)
		return false;
	if (!(*since & ORPHANED))
		*since = w->now | ORPHANED;
	ticks = w->now - (*since & ~ORPHANED);
	/* Two readings of a clock of whole ticks are up to a tick closer than they look. */
	return (ticks ? ticks - 1 : 0) * TICK_NS >= w->census->ledger->grace_ns;
}

/* One record: what it adds to the sums. Returns it, or FREE if it was taken back. */
static uint64_t walk_record(struct walk *w, struct slot_id slot)
{
	struct census_class *c = w->class_;
	uint64_t record = load_acquire(class_record(w->view, slot)); /* [P2]: with its sender */

	/* Killed between this and the next store, the daemon counts one change twice, at most. */
	c->kept->rents_total += record_leases_between(c->seen[slot.n], record);
	if (record != c->seen[slot.n]) {
		c->seen[slot.n] = record;
		c->since[slot.n] = w->now;
	}
	if (walk_is_undelivered(w, slot, record) && thr_reclaim_pending(w->view, slot, record)) {
		record = record_free(record);
		c->seen[slot.n] = record;
		c->since[slot.n] = w->now;
		c->kept->reclaimed_total++;
		w->n_reclaimed++;
	}
	return record;
}

static void walk_count(struct walk *w, uint64_t record)
{
	uint16_t seat = record_owner(record).n;
	struct census_seat *s = &w->census->seats[seat <= w->census->n_seats ? seat : 0];

	w->n_leases++;
	w->class_->pending += record_is_pending(record);
	s->leases++;
	s->bytes += record_run(record) * w->view->stride_bytes;
	s->pending += record_is_pending(record);
	s->pending_bytes += record_is_pending(record) * record_run(record) * w->view->stride_bytes;
}

/* In an open class: the slots of each core's arc. */
static void walk_arcs(struct walk *w, struct slot_id slot, unsigned slots, uint64_t leased)
{
	unsigned i;

	for (i = 0; i < slots; i++, slot.n++) {
		while (slot.n >= circle_arc(w->core + 1, w->view->n_cores, w->view->slots))
			w->core++;
		w->class_->cores[w->core].slots++;
		w->class_->cores[w->core].leased += leased >> i & 1;
	}
}

static void walk_holder(struct walk *w, uint32_t number, const struct cover *cover)
{
	struct thr_segment *segment = &w->view->segments[number];
	uint32_t who = holder_who(load_acquire(&segment->holder));
	uint64_t takeable = load_relaxed(&segment->mask) & cover->takeable;
	struct census_core *core;

	if (who == HOLDER_NOBODY) {
		w->class_->figures.unheld += mask_count(cover->takeable);
		/* Whoever should have raised the flag may have died before. */
		if (cover->takeable && !load_relaxed(&segment->returned))
			store_relaxed(&segment->returned, 1);
	}
	if (!holder_is_core(who) || holder_core(who).n >= w->view->n_cores)
		return;
	core = &w->class_->cores[holder_core(who).n];
	core->slots += class_segment_slots(w->view, number);
	core->leased += mask_count(cover->leased);
	core->takeable += mask_count(takeable);
	w->class_->figures.takeable += mask_count(takeable);
}

/*
 * As at the last walk, and nothing in transit: then each record counts for what it is and no more.
 * Most of a large arena.
 */
static bool walk_is_at_rest(
	const struct walk *w, uint32_t segment, unsigned slots, bool *ret_is_free)
{
	const uint64_t *record = w->view->segments[segment].record;
	const uint64_t *seen = &w->class_->seen[segment * THR_SEGMENT_SLOTS];
	uint64_t differs = 0, states = 0, r;
	unsigned i;

	for (i = 0; i < slots; i++) {
		r = load_relaxed(&record[i]);
		differs |= r ^ seen[i];
		states |= r;
	}
	*ret_is_free = !(states & RECORD_STATE_MASK);
	return !differs && !(states & RECORD_PENDING);
}

static void walk_segment(struct walk *w, uint32_t segment)
{
	unsigned slots = class_segment_slots(w->view, segment), i;
	uint64_t walked[THR_SEGMENT_SLOTS], heads;
	struct slot_id slot = { segment * THR_SEGMENT_SLOTS };
	const uint64_t *record = &w->class_->seen[slot.n];
	struct cover cover = { .takeable = mask_low(slots) };
	bool is_free;

	if (!walk_is_at_rest(w, segment, slots, &is_free)) {
		for (i = 0; i < slots; i++)
			walked[i] = walk_record(w, (struct slot_id){ slot.n + i });
		record = walked;
	}
	if ((record == walked || !is_free) && !cover_of_singles(record, slots, &cover))
		cover = cover_of(record, slots);
	w->class_->figures.leased += mask_count(cover.leased);
	if (w->view->is_open)
		walk_arcs(w, slot, slots, cover.leased);
	else
		walk_holder(w, segment, &cover);
	for (heads = cover.heads; heads; heads &= heads - 1)
		walk_count(w, record[mask_lowest(heads)]);
}

void census_count_waiters(struct census *census, const struct thr_view *view)
{
	uint64_t now[THR_CLASSES_MAX] = { 0 }, peak[THR_CLASSES_MAX] = { 0 };
	uint32_t seat, i;

	for (seat = 1; seat <= view->n_seats; seat++)
		for (i = 0; i < view->n_classes; i++) {
			now[i] += load_relaxed(&view->seats[seat].waiters[i]);
			peak[i] += load_relaxed(&view->seats[seat].waiters_peak[i]);
		}
	for (i = 0; i < view->n_classes; i++) {
		struct thr_class_figures *f = &census->class_[i].figures;

		f->waiters = now[i];
		if (peak[i] > f->waiters_peak)
			f->waiters_peak = peak[i];
	}
}

static void walk_counters(struct walk *w)
{
	struct thr_class_figures *f = &w->class_->figures;
	uint64_t exhausted = 0, retries = 0, waits = 0, timeouts = 0, wait_ns = 0;
	struct core_id core;

	for (core.n = 0; core.n < w->view->n_cores; core.n++) {
		const struct thr_core *c = &w->view->cores[core.n];

		exhausted += load_relaxed(&c->exhausted_total);
		retries += load_relaxed(&c->retries_total);
		waits += load_relaxed(&c->waits_total);
		timeouts += load_relaxed(&c->wait_timeouts_total);
		wait_ns += load_relaxed(&class_waits(w->view, core)->ns_total);
	}
	f->waits_total = waits;
	f->wait_timeouts_total = timeouts;
	f->wait_ns_total = wait_ns;
	f->free = w->view->slots - f->leased;
	/* A rent that found nothing knows better than a sample. */
	if (exhausted != f->exhausted_total) {
		f->free_min = 0;
		f->leased_peak = w->view->slots;
	}
	if (f->free < f->free_min)
		f->free_min = f->free;
	if (f->leased > f->leased_peak)
		f->leased_peak = f->leased;
	f->exhausted_total = exhausted;
	f->retries_total = retries;
	f->rents_total = w->class_->kept->rents_total;
	f->reclaimed_total = w->class_->kept->reclaimed_total;
	f->returns_total = f->rents_total - w->n_leases - f->reclaimed_total;
	w->class_->kept->figures = *f;
}

uint64_t census_walk(struct census *census, const struct thr_view *view)
{
	uint64_t begun = clock_monotonic_ns(), n = 0;
	uint32_t now = (uint32_t)((begun - census->ledger->counting_since_ns) / TICK_NS);
	uint32_t i, segment;

	memset(census->seats, 0, (census->n_seats + 1) * sizeof(struct census_seat));
	census_count_waiters(census, view);
	for (i = 0; i < view->n_classes; i++) {
		struct walk w = {
			.census = census,
			.view = &view->class_[i],
			.class_ = &census->class_[i],
			.now = now & ~ORPHANED,
		};

		memset(w.class_->cores, 0, view->n_cores * sizeof(struct census_core));
		w.class_->figures.leased = w.class_->figures.takeable = 0;
		w.class_->figures.unheld = 0;
		w.class_->pending = 0;
		for (segment = 0; segment < w.view->n_segments; segment++)
			walk_segment(&w, segment);
		walk_counters(&w);
		n += w.n_reclaimed;
	}
	census->sampled_ns = begun;
	census->duration_ns = clock_monotonic_ns() - begun;
	return n;
}

static int oldest_first(const void *a, const void *b)
{
	const struct census_lease *x = a, *y = b;

	return x->age_ns != y->age_ns ? (x->age_ns < y->age_ns ? 1 : -1) : 0;
}

int census_leases(const struct census *census, const struct thr_view *view, size_t limit,
	struct census_lease **ret_leases, size_t *ret_n)
{
	uint64_t now = (census->sampled_ns - census->ledger->counting_since_ns) / TICK_NS;
	struct census_lease *leases, *smaller;
	size_t n = 0, room = 1;
	struct slot_id slot;
	uint32_t i;

	for (i = 0; i < view->n_classes; i++)
		room += census->class_[i].figures.leased;
	leases = calloc(room, sizeof(*leases));
	if (!leases)
		return -ENOMEM;
	for (i = 0; i < view->n_classes; i++) {
		const struct census_class *c = &census->class_[i];

		for (slot.n = 0; slot.n < view->class_[i].slots && n < room; slot.n++) {
			if (record_is_free(c->seen[slot.n]))
				continue;
			leases[n++] = (struct census_lease){
				.class_ = i,
				.slot = slot,
				.record = c->seen[slot.n],
				.age_ns = (now - (c->since[slot.n] & ~ORPHANED)) * TICK_NS,
			};
		}
	}
	qsort(leases, n, sizeof(*leases), oldest_first);
	if (limit && n > limit) {
		n = limit;
		smaller = realloc(leases, n * sizeof(*leases));
		leases = smaller ? smaller : leases;
	}
	*ret_leases = leases;
	*ret_n = n;
	return 0;
}
