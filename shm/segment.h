/* SPDX-License-Identifier: MIT */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

/*
 * One segment: what its records say, and how it changes hands when no core is in the way. Any
 * process may call these at any moment, and may die in them.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/view.h"

/* The takeable slots, by the records alone: FREE and not covered. `slots` is 1 to 64. */
uint64_t thr_segment_look(const struct thr_segment *segment, unsigned slots);

/*
 * The same, after taking down the flag `returned`: a return that comes too late to be seen raises
 * it again. Who does not make all the slots takeable raises it himself.
 */
uint64_t thr_segment_walk(struct thr_segment *segment, unsigned slots);

/*
 * Begin to hold a segment that was seen to have the holder word `seen`, of nobody. True if it is
 * `who`'s now.
 */
bool thr_segment_adopt(struct thr_segment *segment, uint64_t seen, uint32_t who);

/*
 * Take a segment away from the thread that holds it, which may be stopped or about to claim: `seen`
 * is the holder word of a thread. False if it has changed hands meanwhile. Afterwards it is
 * nobody's.
 *
 * The thread claims by CAS from the record that it saw before it looked whether it still holds the
 * segment. So here the holder is changed first, and then every FREE record is stamped: a claim that
 * saw the record before has failed or come first; one that sees it later sees the new holder too
 * [P7]. Until that is done the holder is REVOKED, and whoever finds it so, since the revoker may
 * have died, does it again.
 */
bool thr_segment_revoke(struct thr_segment *segment, unsigned slots, uint64_t seen);

/* The second half of it: `seen` is the holder word with REVOKED. */
void thr_segment_clean(struct thr_segment *segment, unsigned slots, uint64_t seen);

#endif
