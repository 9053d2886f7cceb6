/* SPDX-License-Identifier: MIT */
#ifndef SHM_HOLDER_H
#define SHM_HOLDER_H

/*
 * Two words that say who rents where, each with a version in its upper half that grows with every
 * change, so that a compare-and-swap or a comparison is not fooled by a value that came back. Pure
 * functions.
 *
 *   holder of a segment   who alone claims its slots:
 *
 *     0                          nobody: whoever needs it may adopt it
 *     core + 1                   a core: its threads, of whatever process, claim with plain stores
 *                                inside restartable sequences
 *     THREAD | seat << 8 | lane  one thread at a time of one process, which claims by CAS
 *     REVOKED                    nobody yet: it was taken from a thread whose last claim may still
 *                                be on its way (thr_segment_clean() in shm/segment.h)
 *     BURIED | core + 1          nobody yet: the daemon takes it from a core that is offline
 *                                (thr_core_bury() in shm/core.h)
 *
 *   current segment of a core and class   which of its segments a core rents from, or none.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/abi.h"
#include "shm/id.h"

#define HOLDER_NOBODY 0u
#define HOLDER_BURIED ((uint32_t)1 << 29)
#define HOLDER_REVOKED ((uint32_t)1 << 30)
#define HOLDER_THREAD ((uint32_t)1 << 31)
#define HOLDER_LANES_MAX 256u

static inline uint32_t holder_who(uint64_t holder)
{
	return (uint32_t)holder;
}

/* The word after a change of hands. */
static inline uint64_t holder_next(uint64_t holder, uint32_t who)
{
	return ((holder >> 32) + 1) << 32 | who;
}

static inline uint32_t holder_of_core(struct core_id core)
{
	return core.n + 1;
}

/* lane is below HOLDER_LANES_MAX. */
static inline uint32_t holder_of_thread(struct seat_id seat, uint32_t lane)
{
	return HOLDER_THREAD | (uint32_t)seat.n << 8 | lane;
}

static inline bool holder_is_core(uint32_t who)
{
	return who >= 1 && who <= THR_CORES_MAX;
}

static inline bool holder_is_thread(uint32_t who)
{
	return who & HOLDER_THREAD;
}

static inline struct core_id holder_core(uint32_t who)
{
	return (struct core_id){ who - 1 };
}

static inline struct seat_id holder_seat(uint32_t who)
{
	return (struct seat_id){ (uint16_t)(who >> 8) };
}

#define CURRENT_NONE UINT32_MAX

static inline uint32_t current_segment(uint64_t current)
{
	return (uint32_t)current;
}

static inline uint32_t current_version(uint64_t current)
{
	return (uint32_t)(current >> 32);
}

static inline uint64_t current_next(uint64_t current, uint32_t segment)
{
	return ((current >> 32) + 1) << 32 | segment;
}

#endif
