/* SPDX-License-Identifier: MIT */
#ifndef SHM_COVER_H
#define SHM_COVER_H

/*
 * What the records of one segment say together. A lease of n slots is written in the record of its
 * first slot alone and covers the n - 1 after it: their own records stay FREE under that cover.
 * So the takeable slots of a segment are those whose record is FREE and which no lease before
 * them covers. Pure: the caller has loaded the records.
 */

#include <stdint.h>
#include "shm/mask.h"
#include "shm/record.h"

struct cover {
	uint64_t takeable;  /* FREE and not covered */
	uint64_t leased;    /* head of a lease, or covered by one */
	uint64_t heads;     /* record is LEASED or PENDING */
	uint64_t overlaps;  /* head that lies under the cover of another: two owners */
	uint64_t overruns;  /* head whose run goes beyond the segment */
};

/*
 * The same as cover_of(), below, while no lease covers more than one slot: then there is nothing to
 * go on from one record to the next, and no branch to take. False if one does.
 */
static inline bool cover_of_singles(const uint64_t *records, unsigned slots, struct cover *ret)
{
	uint64_t heads = 0, runs = 0;
	unsigned i;

	for (i = 0; i < slots; i++) {
		uint64_t is_head = !record_is_free(records[i]);

		heads |= is_head << i;
		runs |= records[i] & -is_head;
	}
	*ret = (struct cover){ ~heads & mask_low(slots), heads, heads, 0, 0 };
	return !(runs & RECORD_RUN_MASK);
}

/*
 * Walk `slots` (1 to 64) records from the first. Records that no correct client writes are
 * counted as leases, so that nothing can be taken twice because of them, and a run that goes
 * beyond the segment ends with it.
 */
static inline struct cover cover_of(const uint64_t *records, unsigned slots)
{
	struct cover c = { 0 };
	unsigned covered_to = 0, i, run;

	for (i = 0; i < slots; i++) {
		uint64_t bit = (uint64_t)1 << i;

		if (record_is_free(records[i])) {
			if (i < covered_to)
				c.leased |= bit;
			else
				c.takeable |= bit;
			continue;
		}
		c.heads |= bit;
		c.leased |= bit;
		if (i < covered_to)
			c.overlaps |= bit;
		run = record_run(records[i]);
		if (run > slots - i) {
			c.overruns |= bit;
			run = slots - i;
		}
		if (i + run > covered_to)
			covered_to = i + run;
	}
	return c;
}

#endif
