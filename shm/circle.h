/* SPDX-License-Identifier: MIT */
#ifndef SHM_CIRCLE_H
#define SHM_CIRCLE_H

/*
 * Where a core begins to look for a free slot, and how it comes round to all the others. The slots
 * of a class lie on a circle; each core has an arc of it, as equal as can be, and goes on from its
 * own arc through all the rest, one slot after the other. So the arcs of all cores together are
 * the whole circle, and a walk that begins anywhere ends after having seen every slot once, for
 * any number of cores. (Jumps of growing length, the tempting alternative, miss a third of the
 * slots unless the number of cores is a power of two.)
 */

#include <stdint.h>

/* First slot of a core's arc; that of core + 1 is its end. core is 0 to cores, cores at least 1. */
static inline uint32_t circle_arc(uint32_t core, uint32_t cores, uint32_t slots)
{
	return (uint32_t)((uint64_t)core * slots / cores);
}

/* The core whose arc a slot lies in. Inverse of circle_arc(). */
static inline uint32_t circle_core(uint32_t slot, uint32_t cores, uint32_t slots)
{
	return (uint32_t)((((uint64_t)slot + 1) * cores - 1) / slots);
}

/* The slot after this one. */
static inline uint32_t circle_next(uint32_t slot, uint32_t slots)
{
	return slot + 1 < slots ? slot + 1 : 0;
}

#endif
