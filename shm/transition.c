/* SPDX-License-Identifier: MIT */
/*
 * Each function loads a record, asks shm/record.h for the next value and makes the change. There
 * is no second word to keep in step: what else is written (cursors, counters, the sender's note)
 * is a hint or comes strictly before the change that gives it a meaning.
 */

#include <errno.h>
#include "shm/atomics.h"
#include "shm/circle.h"
#include "shm/mask.h"
#include "shm/probes.h"
#include "shm/record.h"
#include "shm/transition.h"

int thr_open_claim(const struct thr_class_view *class_, struct core_id core, struct seat_id me,
	struct slot_id *ret_slot, uint64_t *ret_record)
{
	struct thr_core *here = &class_->cores[core.n];
	uint32_t slots = class_->slots, seen;
	struct slot_id slot = { load_relaxed(&here->cursor) };

	if (slot.n >= slots)
		slot.n = circle_arc(core.n, class_->n_cores, slots);

	for (seen = 0; seen < slots; seen++, slot.n = circle_next(slot.n, slots)) {
		uint64_t *word = class_record(class_, slot), record = load_relaxed(word), leased;

		if (!record_is_free(record))
			continue;
		leased = record_lease(record, me, 1);
		if (!cas_acquire(word, record, leased)) { /* [P1] */
			add_relaxed(&here->retries_total, 1);
			PROBE(retry, class_, me, core, slot.n, 0);
			continue;
		}
		store_relaxed(&here->cursor, circle_next(slot.n, slots));
		count_here(&here->rents_total, 1);
		*ret_slot = slot;
		*ret_record = leased;
		return 0;
	}
	return -ENOBUFS;
}

/* Into a segment that this core does not hold: the record, and the flag if it is not up. */
static void return_remote(const struct thr_class_view *class_, struct core_id core,
	struct slot_id slot, uint64_t leased)
{
	struct thr_segment *segment = &class_->segments[slot.n / THR_SEGMENT_SLOTS];

	store_release(class_record(class_, slot), record_free(leased)); /* [P1] */
	if (!load_relaxed(&segment->returned))
		store_relaxed(&segment->returned, 1);
	count_here(&class_->cores[core.n].remote_returns_total, 1);
}

static void return_open(const struct thr_class_view *class_, struct core_id core,
	struct slot_id slot, uint64_t leased)
{
	struct thr_core *here = &class_->cores[core.n];

	store_release(class_record(class_, slot), record_free(leased)); /* [P1] */
	/* The slot is warm here: take it first next time, unless another core begins there. */
	if (slot.n >= load_relaxed(&here->arc_first) && slot.n < load_relaxed(&here->arc_end))
		store_relaxed(&here->cursor, slot.n);
	count_here(&here->remote_returns_total, 1);
}

void thr_return_finish(const struct thr_class_view *class_, const struct thr_self *self,
	struct slot_id slot, uint64_t leased)
{
	struct core_id core = self_core_hint(self);

	if (load_relaxed(class_record(class_, slot)) != leased) {
		/* The sequence was cut short behind it, and the slot is in no mask: a walk pays. */
		store_relaxed(class_returned(class_, slot), 1);
		count_here(&class_->cores[core.n].restarts_total, 1);
		PROBE(restart, class_, self->seat, core, 0, 0);
	} else if (class_->is_open) {
		return_open(class_, core, slot, leased);
	} else {
		return_remote(class_, core, slot, leased);
	}
}

int thr_return(const struct thr_class_view *class_, const struct thr_self *self,
	struct slot_id slot, uint64_t leased)
{
	struct core_id core = section_core(self->section);
	const uint64_t token[2] = { slot.n, leased };

	if (load_relaxed(class_record(class_, slot)) != leased)
		return -ESTALE;
	if (core.n >= self->n_cores || class_->is_open ||
		section_give_all(self->section, core, &class_->cores[core.n],
			&class_->segments[slot.n / THR_SEGMENT_SLOTS], token, sizeof(token), 1,
			mask_run(slot.n % THR_SEGMENT_SLOTS, record_run(leased))) != SECTION_DONE)
		thr_return_finish(class_, self, slot, leased);
	return 0;
}

int thr_hand_over(const struct thr_class_view *class_, struct slot_id slot, uint64_t leased,
	struct seat_id me, struct seat_id to, uint64_t *ret_record)
{
	uint64_t *word = class_record(class_, slot), pending = record_hand_over(leased, to);

	if (load_relaxed(word) != leased)
		return -ESTALE;
	/* The note first: a PENDING record always says who sent it. */
	store_relaxed(&class_->senders[slot.n], me.n);
	store_release(word, pending); /* [P2] */
	*ret_record = pending;
	return 0;
}

bool thr_take_back(const struct thr_class_view *class_, struct slot_id slot, uint64_t pending,
	uint64_t leased)
{
	return cas_acq_rel(class_record(class_, slot), pending, leased);
}

int thr_accept(const struct thr_class_view *class_, struct slot_id slot, uint64_t pending,
	uint64_t *ret_record)
{
	uint64_t leased = record_accept(pending);

	if (!cas_acq_rel(class_record(class_, slot), pending, leased)) /* [P2] */
		return -ESTALE;
	*ret_record = leased;
	return 0;
}
