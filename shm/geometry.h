/* SPDX-License-Identifier: MIT */
#ifndef SHM_GEOMETRY_H
#define SHM_GEOMETRY_H

/*
 * From cores, seats and classes to offsets: the one place that knows where things lie. The daemon
 * computes a geometry and publishes it; a client computes it again from the published inputs and
 * refuses to attach if the results differ, so nobody follows an offset that he did not check.
 */

#include <stdbool.h>
#include <stdint.h>
#include "shm/abi.h"

#define GEOMETRY_SLOT_BYTES_MIN 64u
#define GEOMETRY_SLOT_BYTES_MAX ((uint64_t)1 << 30)
#define GEOMETRY_SLOTS_MAX ((uint32_t)1 << 26)
#define GEOMETRY_ALIGN_MIN 64u
#define GEOMETRY_ALIGN_MAX ((uint32_t)1 << 21)
#define GEOMETRY_PAGE_BYTES_MAX ((uint64_t)1 << 30)
#define GEOMETRY_ARENA_BYTES_MAX ((uint64_t)1 << 44)

struct thr_class_spec {
	uint64_t slot_bytes;  /* GEOMETRY_SLOT_BYTES_MIN to _MAX */
	uint32_t slots;       /* 1 to GEOMETRY_SLOTS_MAX */
	uint32_t align_bytes; /* 0, or a power of two from GEOMETRY_ALIGN_MIN to _MAX */
};

/*
 * Bytes from one slot to the next. Aligned classes: slot_bytes rounded up to align_bytes. Others:
 * rounded up to an odd number of 64-byte lines, so that equal offsets in different buffers fall
 * into different cache sets. The inputs must be within the bounds above.
 */
uint64_t thr_stride_bytes(uint64_t slot_bytes, uint32_t align_bytes);

/*
 * Lay out an arena. Classes must be in ascending order of their stride, no two the same.
 * 0; -EINVAL if an input is out of its bounds or order; -EOVERFLOW if the arena would be larger
 * than GEOMETRY_ARENA_BYTES_MAX. *ret is written only on success, unused classes zeroed.
 */
int thr_geometry_init(struct thr_geometry *ret, uint32_t cores, uint32_t seats,
	const struct thr_class_spec *specs, uint32_t classes);

/*
 * Have the arena consist of whole pages of that size, a power of two from THR_PAGE to
 * GEOMETRY_PAGE_BYTES_MAX. 0, or -EINVAL or -EOVERFLOW as above and nothing is changed.
 */
int thr_geometry_set_page(struct thr_geometry *geometry, uint64_t page_bytes);

/* Is this a geometry that thr_geometry_init() and thr_geometry_set_page() make from
 * their inputs, with known ways to claim? */
bool thr_geometry_is_valid(const struct thr_geometry *geometry);

#endif
