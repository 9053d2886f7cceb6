/* SPDX-License-Identifier: MIT */
/*
 * Walking, adopting, revoking. The walk is on the way of every 64th rent or so, so it goes twice:
 * once without a branch, which is all there is to do while no lease covers more than one slot, and
 * only otherwise slot by slot.
 */

#include "shm/segment.h"
#include "shm/atomics.h"
#include "shm/cover.h"
#include "shm/holder.h"
#include "shm/record.h"

/*
 * A record changes under a stamp at most by the one claim on its way, by another stamp for each
 * process that found the same segment REVOKED, and by being returned. Whoever makes it change for
 * ever is hostile.
 */
#define STAMPS_MAX 100000u

uint64_t thr_segment_look(const struct thr_segment *segment, unsigned slots)
{
	uint64_t record[THR_SEGMENT_SLOTS], takeable = 0, runs = 0;
	unsigned i;

	for (i = 0; i < slots; i++) {
		uint64_t r = record[i] = load_for_fence(&segment->record[i]);
		uint64_t is_free = record_is_free(r);

		takeable |= is_free << i;
		runs |= r & RECORD_RUN_MASK & (is_free - 1);
	}
	fence_acquire(); /* [P1] */
	return runs ? cover_of(record, slots).takeable : takeable;
}

uint64_t thr_segment_walk(struct thr_segment *segment, unsigned slots)
{
	if (load_relaxed(&segment->returned)) {
		store_relaxed(&segment->returned, 0);
		fence_full();
	}
	return thr_segment_look(segment, slots);
}

bool thr_segment_adopt(struct thr_segment *segment, uint64_t seen, uint32_t who)
{
	return cas_holder(&segment->holder, seen, holder_next(seen, who)); /* [P7] */
}

/*
 * Until this stamp is on the record, or the record is not FREE any more. A slot that becomes FREE
 * only after it was looked at needs none: a claim that saw it so looks at the holder later still.
 */
static void stamp(uint64_t *word)
{
	unsigned tries;

	for (tries = 0; tries < STAMPS_MAX; tries++) {
		uint64_t record = load_relaxed(word);

		if (!record_is_free(record) || cas_acq_rel(word, record, record_stamp(record)))
			return;
	}
}

void thr_segment_clean(struct thr_segment *segment, unsigned slots, uint64_t seen)
{
	unsigned i;

	fence_full(); /* the change of the holder before the first look at a record */
	for (i = 0; i < slots; i++)
		stamp(&segment->record[i]);
	cas_holder(&segment->holder, seen, holder_next(seen, HOLDER_NOBODY)); /* [P7] */
}

bool thr_segment_revoke(struct thr_segment *segment, unsigned slots, uint64_t seen)
{
	uint64_t revoked = holder_next(seen, HOLDER_REVOKED);

	if (!cas_holder(&segment->holder, seen, revoked)) /* [P7] */
		return false;
	store_relaxed(&segment->returned, 1);
	thr_segment_clean(segment, slots, revoked);
	return true;
}
