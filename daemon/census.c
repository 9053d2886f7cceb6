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
#include "shm/reclaim.h"
#include "shm/record.h"

#define TICK_NS (100 * NS_PER_MS)
#define ORPHANED ((uint32_t)1 << 31)

int census_init(struct census *census, const struct thr_view *view, uint64_t grace_ns)
{
	uint32_t i;

	*census = (struct census){
		.n_classes = view->n_classes,
		.n_seats = view->n_seats,
		.grace_ns = grace_ns,
		.started_ns = clock_monotonic_ns(),
		.seats = calloc(view->n_seats + 1, sizeof(struct census_seat)),
	};
	if (!census->seats)
		return -ENOMEM;
	for (i = 0; i < view->n_classes; i++) {
		struct census_class *c = &census->class_[i];

		c->core_leased = calloc(view->n_cores, sizeof(uint64_t));
		c->seen = calloc(view->class_[i].slots, sizeof(uint64_t));
		c->since = calloc(view->class_[i].slots, sizeof(uint32_t));
		if (!c->core_leased || !c->seen || !c->since) {
			census_fini(census);
			return -ENOMEM;
		}
		c->figures.free = c->figures.free_min = view->class_[i].slots;
	}
	return 0;
}

void census_fini(struct census *census)
{
	uint32_t i;

	for (i = 0; i < THR_CLASSES_MAX; i++) {
		free(census->class_[i].core_leased);
		free(census->class_[i].seen);
		free(census->class_[i].since);
	}
	free(census->seats);
	*census = (struct census){ 0 };
}

struct walk {
	struct census *census;
	const struct thr_class_view *view;
	struct census_class *class_;
	uint64_t *reclaimed;
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
	return (ticks ? ticks - 1 : 0) * TICK_NS >= w->census->grace_ns;
}

/* One record: what it adds to the sums. Returns it, or FREE if it was taken back. */
static uint64_t walk_record(struct walk *w, struct slot_id slot)
{
	struct census_class *c = w->class_;
	uint64_t record = load_acquire(class_record(w->view, slot)); /* [P2]: with its sender */

	c->figures.rents_total += record_leases_between(c->seen[slot.n], record);
	if (record != c->seen[slot.n]) {
		c->seen[slot.n] = record;
		c->since[slot.n] = w->now;
	}
	if (walk_is_undelivered(w, slot, record) && thr_reclaim_pending(w->view, slot, record)) {
		record = record_free(record);
		c->seen[slot.n] = record;
		c->since[slot.n] = w->now;
		(*w->reclaimed)++;
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
}

static void walk_segment(struct walk *w, uint32_t segment)
{
	unsigned slots = class_segment_slots(w->view, segment), i;
	uint64_t record[THR_SEGMENT_SLOTS];
	struct slot_id slot = { segment * THR_SEGMENT_SLOTS };
	struct cover cover;

	for (i = 0; i < slots; i++)
		record[i] = walk_record(w, (struct slot_id){ slot.n + i });
	cover = cover_of(record, slots);
	w->class_->figures.leased += mask_count(cover.leased);
	for (i = 0; i < slots; i++, slot.n++) {
		while (slot.n >= circle_arc(w->core + 1, w->view->n_cores, w->view->slots))
			w->core++;
		w->class_->core_leased[w->core] += cover.leased >> i & 1;
		if (cover.heads >> i & 1)
			walk_count(w, record[i]);
	}
}

static void walk_counters(struct walk *w)
{
	struct thr_class_figures *f = &w->class_->figures;
	uint64_t exhausted = 0, retries = 0;
	uint32_t core;

	for (core = 0; core < w->view->n_cores; core++) {
		exhausted += load_relaxed(&w->view->cores[core].exhausted_total);
		retries += load_relaxed(&w->view->cores[core].retries_total);
	}
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
	f->reclaimed_total = *w->reclaimed;
	f->returns_total = f->rents_total - w->n_leases - f->reclaimed_total;
}

uint64_t census_walk(struct census *census, const struct thr_view *view,
	uint64_t reclaimed[THR_CLASSES_MAX])
{
	uint64_t begun = clock_monotonic_ns(), n = 0;
	uint32_t i, segment;

	memset(census->seats, 0, (census->n_seats + 1) * sizeof(struct census_seat));
	for (i = 0; i < view->n_classes; i++) {
		struct walk w = {
			.census = census,
			.view = &view->class_[i],
			.class_ = &census->class_[i],
			.reclaimed = &reclaimed[i],
			.now = (uint32_t)((begun - census->started_ns) / TICK_NS) & ~ORPHANED,
		};

		memset(w.class_->core_leased, 0, view->n_cores * sizeof(uint64_t));
		w.class_->figures.leased = 0;
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
	uint64_t now = (census->sampled_ns - census->started_ns) / TICK_NS;
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
