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
 *   [P7] relinquish, revoke (release)      with adopt (acquire): the next holder of a segment sees
 *        all that the last one did to it; and a claim whose record was stamped sees the revocation.
 *   [P6] figures: sequence made odd, values, sequence made even; readers look twice.
 *
 * A test that wants to stand between any two accesses defines THR_STEP() before this file.
 */

#include <stdbool.h>
#include <stdint.h>

/* It does not see what assembler code does. */
#if defined(__SANITIZE_THREAD__)
#define THR_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THR_THREAD_SANITIZER 1
#endif
#endif
#ifndef THR_THREAD_SANITIZER
#define THR_THREAD_SANITIZER 0
#endif

#ifndef THR_STEP
#define THR_STEP() ((void)0)
#endif

#define load_relaxed(p) (THR_STEP(), __atomic_load_n((p), __ATOMIC_RELAXED))
#define load_acquire(p) (THR_STEP(), __atomic_load_n((p), __ATOMIC_ACQUIRE))
#define store_relaxed(p, v) (THR_STEP(), __atomic_store_n((p), (v), __ATOMIC_RELAXED))
#define store_release(p, v) (THR_STEP(), __atomic_store_n((p), (v), __ATOMIC_RELEASE))
#define add_relaxed(p, v) (THR_STEP(), (void)__atomic_fetch_add((p), (v), __ATOMIC_RELAXED))
#define add_release(p, v) (THR_STEP(), (void)__atomic_fetch_add((p), (v), __ATOMIC_RELEASE))

/*
 * Count on a line that only this core's threads write: one instruction where there is one that an
 * interrupt cannot part, so nothing is lost to them; a thread that has just moved may lose one.
 */
#if defined(__x86_64__) && !THR_THREAD_SANITIZER
#define count_here(p, n)                                                                           \
	(THR_STEP(),                                                                               \
		(void)({ __asm__ volatile("addq %1, %0" : "+m"(*(p)) : "er"((uint64_t)(n))); }))
#else
#define count_here(p, n) add_relaxed((p), (n))
#endif

/* One of many loads before a fence_acquire(), which ThreadSanitizer does not see. */
#if THR_THREAD_SANITIZER
#define load_for_fence(p) load_acquire(p)
#else
#define load_for_fence(p) load_relaxed(p)
#endif

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

/* Take what another gave up, or give up what another may take [P7]. */
static inline bool cas_holder(uint64_t *word, uint64_t expected, uint64_t desired)
{
	return cas_acq_rel(word, expected, desired);
}

/* A lock between the threads of one process, in its private memory. */
static inline bool try_lock(uint32_t *is_busy)
{
	return __atomic_load_n(is_busy, __ATOMIC_RELAXED) == 0 &&
	       __atomic_exchange_n(is_busy, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void unlock(uint32_t *is_busy)
{
	__atomic_store_n(is_busy, 0, __ATOMIC_RELEASE);
}

/* What was asked, and nothing is asked any more: what the asker saw is seen by who took it. */
static inline uint32_t take_question(uint32_t *asked)
{
	THR_STEP();
	return __atomic_exchange_n(asked, 0, __ATOMIC_ACQUIRE);
}

static inline bool cas_flag(uint32_t *word, uint32_t expected, uint32_t desired)
{
	THR_STEP();
	return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_RELAXED,
		__ATOMIC_RELAXED);
}

/* Returns what it is then. */
static inline uint16_t add_note(uint16_t *word, int n)
{
	THR_STEP();
	return (uint16_t)(__atomic_add_fetch(word, (uint16_t)n, __ATOMIC_RELAXED));
}

static inline bool cas_note(uint16_t *word, uint16_t expected, uint16_t desired)
{
	THR_STEP();
	return __atomic_compare_exchange_n(word, &expected, desired, false, __ATOMIC_RELAXED,
		__ATOMIC_RELAXED);
}

#endif
