/* SPDX-License-Identifier: MIT */
#ifndef SHM_RECLAIM_H
#define SHM_RECLAIM_H

/*
 * Taking back what the dead still hold, and a client's own giving back at detach: a walk over all
 * records of the arena. The walk can be stopped at any point and run again.
 */

#include <stdint.h>
#include "shm/view.h"

struct thr_reclaimed {
	uint64_t leases[THR_CLASSES_MAX]; /* freed, by class */
	uint64_t total;
};

/*
 * Free every lease of `seat`, accepted or pending, give up the segments that its threads hold, and
 * strike the seat from the notes of senders,
 * so that what it handed over and nobody accepts is known to have lost its sender (such records
 * stay PENDING: the receiver may be about to accept). Nobody may act for the seat any more: its
 * last mapping is gone, or it is the caller's own. Adds to *sum.
 */
void thr_reclaim_seat(const struct thr_view *view, struct seat_id seat, struct thr_reclaimed *sum);

/* PENDING -> FREE, if the record is still `pending`. True if it was. */
bool thr_reclaim_pending(
	const struct thr_class_view *class_, struct slot_id slot, uint64_t pending);

#endif
