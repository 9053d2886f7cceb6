/* SPDX-License-Identifier: MIT */
#ifndef SHM_ADOPT_H
#define SHM_ADOPT_H

/*
 * Finding a segment with slots to take. The segments of a class lie on a circle; each core has an
 * arc of it where its search begins (shm/circle.h), and goes round through all the rest, so every
 * segment is seen once, for any number of cores and wherever the search begins.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/view.h"

#define ADOPT_NONE UINT32_MAX

struct thr_adoption {
	uint32_t segment;  /* held by `who` now, with a run to take; ADOPT_NONE if there is none */
	bool was_asked;    /* nobody was: a core holds one, and was asked for it just now */
	uint32_t asked_core, asked_segment;
	uint32_t taken_from; /* the thread (a holder) that held it, or HOLDER_NOBODY */
};

/*
 * Search for a segment that has n takeable slots in a row, other than `except`, and make it
 * `who`'s (a holder, shm/holder.h). In this order:
 *
 *   1. nobody's, or who's already, whose flag says that a walk may pay;
 *   2. the same, whatever the flag says, since flags are hints;
 *   3. a thread's: it is revoked;
 *   4. a core's: it cannot be taken from afar, so the core is asked (thr_core.asked).
 *
 * Its slots are not taken yet, and its flag is up.
 */
struct thr_adoption thr_adopt(const struct thr_class_view *class_, uint32_t who, uint32_t start,
	uint32_t except, unsigned n);

/*
 * Make one of the next few segments behind `start` `who`'s that nobody holds and that has many
 * slots to take, by their flags; ADOPT_NONE if there is none. Does not search, revoke or ask.
 */
uint32_t thr_adopt_spare(const struct thr_class_view *class_, uint32_t who, uint32_t start);

/* Let the probes say what came of it. */
void thr_adopt_tell(const struct thr_class_view *class_, struct seat_id seat, struct core_id core,
	const struct thr_adoption *found);

#endif
