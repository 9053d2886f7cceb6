/* SPDX-License-Identifier: MIT */
#ifndef SHM_IDLE_H
#define SHM_IDLE_H

/*
 * Leasing whatever is free in a segment, for a moment, so that something can be done with the
 * memory of its slots that nobody may see. Every slot is leased like by any client, with a seat
 * that the daemon gave out: whoever dies in between is reclaimed like any client.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/core.h"
#include "shm/id.h"
#include "shm/view.h"

/* What was leased in one segment. */
struct thr_idle {
	uint64_t slots;  /* bit by bit */
	uint64_t holder; /* the word, while we hold the segment; unused in an open class */
	uint64_t record[THR_SEGMENT_SLOTS];
};

/*
 * Lease takeable slots of a segment that nobody holds: the first `most` of those whose bits are in
 * `among`. False if there are none, or a core or a thread holds it. Lock-free; while it lasts,
 * others find these slots leased, and in a core class the segment held.
 */
bool thr_idle_take(const struct thr_class_view *class_, uint32_t number, struct seat_id seat,
	uint64_t among, unsigned most, struct thr_idle *ret);

/* Return them. Who waits is to be woken by the caller. */
void thr_idle_return(
	const struct thr_class_view *class_, uint32_t number, const struct thr_idle *idle);

/*
 * Have this core relinquish every segment that has something free, to nobody. The thread must be on
 * the core, or does nothing. Returns how many went.
 */
unsigned thr_idle_empty_core(const struct thr_class_view *class_, const struct thr_self *self,
	struct core_id core);

#endif
