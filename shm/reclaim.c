/* SPDX-License-Identifier: MIT */
/*
 * The reclaiming walk. Records change under it: living clients lease and return, and a sender who
 * does not yet know that the seat is dead may still hand a lease to it. Each record is taken by
 * CAS from the very value that was seen to belong to the seat, so nobody else's lease is touched.
 */

#include "shm/atomics.h"
#include "shm/lane.h"
#include "shm/record.h"
#include "shm/reclaim.h"

/*
 * A lease changes at most twice more once its owner is gone: a sender that did not know takes it
 * back or not. Whoever makes it change for ever is hostile, and may keep what he plays with.
 */
#define TRIES 16

static bool reclaim_record(uint64_t *word, struct seat_id seat)
{
	unsigned tries;

	for (tries = 0; tries < TRIES; tries++) {
		uint64_t record = load_relaxed(word);

		if (!record_is_owned_by(record, seat))
			return false;
		if (cas_acq_rel(word, record, record_free(record))) /* [P1] */
			return true;
	}
	return false;
}

/*
 * Has any record of a segment to do with the seat: a lease of his, or one in transit that he may
 * have sent? Most have not, and a look without a branch is up to eight times as fast as one by one.
 * A difference of 0 less 1 is all ones; of the others the top bit stays 0.
 */
static bool concerns(const uint64_t *records, unsigned slots, struct seat_id seat)
{
	uint64_t owner = (uint64_t)seat.n << RECORD_OWNER_SHIFT, states = 0, matches = 0, record;
	unsigned i;

	for (i = 0; i < slots; i++) {
		record = load_relaxed(&records[i]);
		states |= record;
		matches |= ((record ^ owner) & RECORD_OWNER_MASK) - 1;
	}
	return (states & RECORD_PENDING) || matches >> 63;
}

/* Returns how many leases that ended. */
static unsigned reclaim_segment(
	const struct thr_class_view *c, uint32_t segment, struct seat_id seat)
{
	struct slot_id slot = { segment * THR_SEGMENT_SLOTS };
	uint32_t end = slot.n + class_segment_slots(c, segment);
	unsigned n = 0;

	for (; slot.n < end; slot.n++) {
		uint64_t *word = class_record(c, slot);
		uint64_t record = load_acquire(word); /* [P2]: the note is beside it */

		if (record_is_owned_by(record, seat)) {
			if (reclaim_record(word, seat)) {
				store_relaxed(class_returned(c, slot), 1);
				n++;
			}
		} else if (record_is_pending(record)) {
			cas_note(&c->senders[slot.n], seat.n, SEAT_NOBODY.n);
		}
	}
	return n;
}

void thr_reclaim_seat(const struct thr_view *view, struct seat_id seat, struct thr_reclaimed *sum)
{
	uint32_t i, segment;
	unsigned n;

	for (i = 0; i < view->n_classes; i++) {
		const struct thr_class_view *c = &view->class_[i];

		for (segment = 0; segment * THR_SEGMENT_SLOTS < c->slots; segment++) {
			if (!concerns(c->segments[segment].record, class_segment_slots(c, segment),
				    seat))
				continue;
			n = reclaim_segment(c, segment, seat);
			sum->leases[i] += n;
			sum->total += n;
		}
		thr_lanes_end(c, seat);
	}
}

bool thr_reclaim_pending(const struct thr_class_view *class_, struct slot_id slot, uint64_t pending)
{
	if (!cas_acq_rel(class_record(class_, slot), pending, record_free(pending))) /* [P1] */
		return false;
	store_relaxed(class_returned(class_, slot), 1);
	return true;
}
