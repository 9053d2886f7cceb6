/* SPDX-License-Identifier: MIT */
#ifndef SHM_ATOMICS_H
#define SHM_ATOMICS_H

/*
 * Every access to memory that another thread or process may touch at the same time goes through
 * one of these names; the order is in the name. The pairings have numbers, and each use of an
 * ordered access names the one it belongs to. docs/memory-orders.md tells them at length.
 *
 *   [P1] return / reclaim (release)        with claim (acquire): the next owner of a slot sees,
 *        and comes after, all that the last one did to the buffer.
 *   [P2] hand-over (release)               with accept (acquire): the receiver sees the buffer as
 *        the sender left it, and the sender's note of itself beside it.
 *   [P3] return, then look for waiters     with announce, membarrier, look for slots: one of the
 *        two sees the other, and the return path needs no fence.
 *   [P4] hand-over, then look at the roster with clear the roster, membarrier, walk: one of the
 *        two sees the other, so that no lease goes to a seat that was already reclaimed.
 *   [P5] roster entry (release)            with reading it (acquire): a client that can be named
 *        as a receiver has been seated completely.
 *   [P6] figures: sequence made odd, values, sequence made even; readers look twice.
 *
 * A test that wants to stand between any two accesses defines THR_STEP() before this file.
 */

#include <stdbool.h>
#include <stdint.h>

#ifndef THR_STEP
#define THR_STEP() ((void)0)
#endif

#define load_relaxed(p) (THR_STEP(), __atomic_load_n((p), __ATOMIC_RELAXED))
#define load_acquire(p) (THR_STEP(), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define store_relaxed(p, v) (THR_STEP(), __atomic_store_n((p), (v), __ATOMIC_RELAXED))
#define store_release(p, v) (THR_STEP(), __atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define add_relaxed(p, v) (THR_STEP(), (void)__atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define add_release(p, v) (THR_STEP(), (void)__atomic_fetch_add((p), (v), __ATOMIC_RELEASE))

#define fence_acquire() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define fence_release() __atomic_thread_fence(__ATOMIC_RELEASE)
#define fence_full() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/* Keeps the compiler from swapping what the processor may swap until a membarrier forbids it. */
#define barrier_compiler() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Take ownership: what the last owner did comes before. */
static inline bool cas_acquire(uint64_t *word, uint64_t expected, uint64_t desired)
{
	THR_STEP();
	return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_ACQUIRE,
		__ATOMIC_RELAXED);
}

/* Pass on somebody else's ownership: what they did comes before, and before what comes next. */
static inline bool cas_acq_rel(uint64_t *word, uint64_t expected, uint64_t desired)
{
	THR_STEP();
	return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_ACQ_REL,
		__ATOMIC_RELAXED);
}

static inline bool cas_flag(uint32_t *word, uint32_t expected, uint32_t desired)
{
	THR_STEP();
	return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_RELAXED,
		__ATOMIC_RELAXED);
}

static inline bool cas_note(uint16_t *word, uint16_t expected, uint16_t desired)
{
	THR_STEP();
	return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_RELAXED,
		__ATOMIC_RELAXED);
}

#endif
