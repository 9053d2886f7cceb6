/* SPDX-License-Identifier: MIT */
#ifndef SHM_WAIT_H
#define SHM_WAIT_H

/*
 * Sleeping until a slot comes back, without a fence in the return path. A waiter raises a flag,
 * makes every other processor pass a barrier (membarrier), looks for a slot once more and only
 * then sleeps on the futex. A returner frees its slot and then looks at the flag. Either the
 * returner's look came after the flag, and it wakes; or it came before the barrier, and then its
 * slot was free before the waiter's last look [P3]. The flag is sticky and not a count, so a
 * killed waiter leaves nothing behind but one needless wake. A returner that is stopped between its
 * store and its look wakes nobody; the daemon makes waiters look again when it reclaims a client,
 * and once a second.
 */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "shm/abi.h"
#include "shm/atomics.h"

/* Make the calling process reachable by thr_barrier() of others. 0, or -errno (then it must put
 * a full fence between freeing a slot and wait_is_wanted()). */
int thr_barrier_register(void);

/* Order the memory accesses of all registered processes against the caller's. 0 or -errno. */
int thr_barrier(void);

/* An announcement: between making it and sleeping on it, look for a slot. */
struct thr_announcement {
	uint32_t seen;     /* the futex word */
	bool is_uncertain; /* no barrier was to be had: a wake may be missed */
};

/* Raise the flag. If all returners of the arena fence (thr_board.fenced), no barrier is needed. */
struct thr_announcement thr_wait_announce(struct thr_control *control, bool others_fence);

/*
 * Sleep until the next wake, a signal or the absolute CLOCK_MONOTONIC deadline (NULL = none).
 * 1 if woken, so that somebody else was not; 0 if it pays to look again for another reason;
 * -ETIMEDOUT if the deadline has passed.
 */
int thr_wait_sleep(struct thr_control *control, struct thr_announcement announced,
	const struct timespec *deadline);

#define WAIT_ALL INT32_MAX

/* Wake n of those who sleep, in the order in which they came: one for each slot that was freed. */
void thr_wait_wake(struct thr_control *control, unsigned n);

/* To be called by who was woken and finds nothing: the next may be able to use what came back. */
void thr_wait_pass_on(struct thr_control *control);

/* A core was asked for slots: the daemon's visitor is to see to it. */
void thr_wait_call_visitor(struct thr_control *control);

/* To be asked after each slot that was freed; `fenced` if the caller has no barrier to count on. */
static inline bool wait_is_wanted(struct thr_control *control, bool fenced)
{
	if (fenced)
		fence_full();
	else
		barrier_compiler();
	return __builtin_expect(load_relaxed(&control->waiting) != 0, 0); /* [P3] */
}

#endif
